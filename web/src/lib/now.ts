// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useState } from 'react';

/** The time, renewed at an interval, for ages and running durations. */
export function useNow(everyMillis: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMillis);
    return () => clearInterval(timer);
  }, [everyMillis]);
  return now;
}
