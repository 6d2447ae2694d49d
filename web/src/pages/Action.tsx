// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

export function Action() {
  return <h1>Action</h1>;
}
