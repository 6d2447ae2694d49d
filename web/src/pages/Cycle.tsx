// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

export function Cycle() {
  return <h1>Cycle</h1>;
}
