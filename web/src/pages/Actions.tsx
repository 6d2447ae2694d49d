// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

export function Actions() {
  return <h1>Actions</h1>;
}
