// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

import { useQuery } from '@tanstack/react-query';
import { sessionQuery } from './queries';

export type Grant = 'read' | 'write' | 'scan' | 'admin';

/**
 * Whether the account may do such things. The server decides; this only keeps
 * the console from offering what it would refuse.
 */
export function useMay(grant: Grant): boolean {
  const { data } = useQuery(sessionQuery);
  return data?.account.grants.includes(grant) ?? false;
}
