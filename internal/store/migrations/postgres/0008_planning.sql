-- Copyright The Gyre Authors
-- SPDX-License-Identifier: Apache-2.0
-- What a changed weakness touches: plans are made anew for what changed only.

-- +goose Up
CREATE INDEX exposure_weakness ON exposure (weakness);
