// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

export function Exposure() {
  return <h1>Exposure</h1>;
}
