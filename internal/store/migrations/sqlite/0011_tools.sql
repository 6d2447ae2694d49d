-- Copyright The Gyre Authors
-- SPDX-License-Identifier: Apache-2.0
-- Several tools write lists of one form. Which one it was that a run's list is
-- of; empty: it does not say.

-- +goose Up
ALTER TABLE run ADD COLUMN tool TEXT NOT NULL DEFAULT '';
