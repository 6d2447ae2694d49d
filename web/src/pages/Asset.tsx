// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

export function Asset() {
  return <h1>Asset</h1>;
}
