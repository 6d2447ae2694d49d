// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

export function Overview() {
  return <h1>Overview</h1>;
}
