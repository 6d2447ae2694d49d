-- Copyright The Gyre Authors
-- SPDX-License-Identifier: Apache-2.0
-- A run that comes late is held against those that looked after it: which
-- they are, and what they covered of its assets.

-- +goose Up
CREATE INDEX run_started ON run (workspace, started);
CREATE INDEX coverage_asset ON coverage (run, asset);
