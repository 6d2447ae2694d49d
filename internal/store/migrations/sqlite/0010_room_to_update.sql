-- Copyright The Gyre Authors
-- SPDX-License-Identifier: Apache-2.0
-- SQLite updates rows in their place as it is; the number is PostgreSQL's.

-- +goose Up
SELECT 1;
