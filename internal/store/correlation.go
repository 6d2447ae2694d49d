// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"github.com/gyre-ctem/gyre"
)

type ruleBody struct {
	Tool  string `json:"tool,omitempty"`
	Name  string `json:"name"`
	Other string `json:"other"`
}

func correlationRules(ctx context.Context, q querier, ws gyre.ID) ([]gyre.CorrelationRule, error) {
	all, err := collect(ctx, q, func(s scanner) (r gyre.CorrelationRule, err error) {
		var kind, text string
		var created int64
		var body ruleBody
		if err = s.Scan((*int64)(&r.ID), &kind, &text, &r.By, &r.Reason, &created); err != nil {
			return r, err
		}
		err = fromJSON(text, &body)
		r.Kind, r.Tool, r.Name, r.Other, r.Created = gyre.CorrelationKind(kind), body.Tool, body.Name, body.Other, timeOf(created)
		return r, err
	}, "SELECT id, kind, body, actor, reason, created FROM correlation_rule WHERE workspace = $1 ORDER BY id", int64(ws))
	if err != nil {
		return nil, fmt.Errorf("read correlation rules: %w", err)
	}
	return all, nil
}

// CorrelationRules lists what persons say of names of weaknesses, the oldest first.
func (db *DB) CorrelationRules(ctx context.Context, ws gyre.ID) ([]gyre.CorrelationRule, error) {
	return correlationRules(ctx, db.r, ws)
}

// CorrelationRules lists what persons say of names of weaknesses, the oldest first.
func (tx *Tx) CorrelationRules(ctx context.Context) ([]gyre.CorrelationRule, error) {
	return correlationRules(ctx, tx.tx, tx.ws)
}

// AddCorrelationRule stores a rule. The same twice is gyre.Conflict.
func (tx *Tx) AddCorrelationRule(ctx context.Context, r gyre.CorrelationRule) error {
	body, err := jsonText(ruleBody{r.Tool, r.Name, r.Other})
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, "INSERT INTO correlation_rule (id, workspace, kind, body, actor, reason, created) VALUES ($1,$2,$3,$4,$5,$6,$7)",
		int64(r.ID), int64(tx.ws), string(r.Kind), body, r.By, r.Reason, micros(r.Created))
	if err != nil && tx.db.dialect.IsDuplicate(err) {
		return gyre.Errorf(gyre.Conflict, "there is such a rule already")
	}
	if err != nil {
		return fmt.Errorf("store correlation rule: %w", err)
	}
	return nil
}

// RemoveCorrelationRule removes a rule.
func (tx *Tx) RemoveCorrelationRule(ctx context.Context, id gyre.ID) error {
	n, err := tx.exec(ctx, "DELETE FROM correlation_rule WHERE workspace = $1 AND id = $2", int64(tx.ws), int64(id))
	if err != nil {
		return fmt.Errorf("remove correlation rule: %w", err)
	}
	if n == 0 {
		return gyre.Errorf(gyre.NotFound, "no correlation rule %s", id)
	}
	return nil
}
