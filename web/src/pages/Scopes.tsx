// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

export function Scopes() {
  return <h1>Scopes</h1>;
}
