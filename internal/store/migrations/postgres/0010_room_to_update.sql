-- Copyright The Gyre Authors
-- SPDX-License-Identifier: Apache-2.0
-- An import that finds everything as it was updates each of its exposures. Where their
-- pages have room, that does not touch the indexes.

-- +goose Up
ALTER TABLE exposure SET (fillfactor = 50);
