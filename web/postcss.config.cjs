// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

module.exports = { plugins: { 'postcss-preset-mantine': {} } };
