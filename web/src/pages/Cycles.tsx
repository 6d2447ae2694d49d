// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

export function Cycles() {
  return <h1>Cycles</h1>;
}
