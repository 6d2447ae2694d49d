// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

export function Assets() {
  return <h1>Assets</h1>;
}
