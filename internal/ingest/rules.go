// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/correlate"
)

// persons is what persons say of names.
type persons struct {
	ties  []gyre.Tie
	apart []correlate.Apart
}

func (w *write) rules(ctx context.Context) (persons, error) {
	var p persons
	all, err := w.tx.CorrelationRules(ctx)
	for _, r := range all {
		if r.Kind == gyre.CorrelateDifferent {
			p.apart = append(p.apart, correlate.Apart{From: r.Subject(), Other: r.Other})
			continue
		}
		p.ties = append(p.ties, gyre.Tie{Name: r.Subject(), Other: r.Other, By: gyre.TiePerson, Source: "rule " + r.ID.String()})
	}
	return p, err
}

// of are the ties that names are in.
func (p persons) of(names []string) []gyre.Tie {
	if len(p.ties) == 0 {
		return nil
	}
	in := make(map[string]bool, len(names))
	for _, n := range names {
		in[n] = true
	}
	var out []gyre.Tie
	for _, t := range p.ties {
		if in[t.Name] || in[t.Other] {
			out = append(out, t)
		}
	}
	return out
}

// AddCorrelationRule stores a rule and makes what is stored follow it. With try
// it does the same and takes it all back, so that what it says is what will happen.
func (in *Ingest) AddCorrelationRule(ctx context.Context, ws gyre.ID, r gyre.CorrelationRule, try bool) (gyre.CorrelationEffect, error) {
	if err := checkRule(&r); err != nil {
		return gyre.CorrelationEffect{}, err
	}
	r.ID, r.Created = gyre.NewID(), in.now()
	return in.correlate(ctx, ws, r, try, "created", func(tx Tx) error { return tx.AddCorrelationRule(ctx, r) })
}

// RemoveCorrelationRule ends a rule: what it had made one is taken apart, and
// what it had kept apart is made one if something else ties it.
func (in *Ingest) RemoveCorrelationRule(ctx context.Context, ws, id gyre.ID, by string, try bool) (gyre.CorrelationEffect, error) {
	var r gyre.CorrelationRule
	err := in.InTx(ctx, ws, func(tx Tx) error {
		all, err := tx.CorrelationRules(ctx)
		for _, x := range all {
			if x.ID == id {
				r = x
			}
		}
		if err == nil && r.ID == 0 {
			err = gyre.Errorf(gyre.NotFound, "no correlation rule %s", id)
		}
		return err
	})
	if err != nil {
		return gyre.CorrelationEffect{}, err
	}
	r.By = by
	return in.correlate(ctx, ws, r, try, "deleted", func(tx Tx) error { return tx.RemoveCorrelationRule(ctx, id) })
}

var errTried = errors.New("only tried")

func (in *Ingest) correlate(ctx context.Context, ws gyre.ID, r gyre.CorrelationRule, try bool, kind string, change func(Tx) error) (gyre.CorrelationEffect, error) {
	var out gyre.CorrelationEffect
	err := in.InTx(ctx, ws, func(tx Tx) error {
		tx.Append(gyre.Event{Object: "correlation_rule", ID: r.ID, Kind: kind, To: fmt.Sprintf("%s %s %s", r.Subject(), r.Kind, r.Other), Actor: r.By, Reason: r.Reason})
		if err := change(tx); err != nil {
			return err
		}
		w := &write{tx: tx, run: gyre.Run{Workspace: ws}, at: in.now(), by: r.By}
		if err := w.unify(ctx, sorted([]string{r.Subject(), r.Other}), nil); err != nil {
			return err
		}
		out = effect(r, tx.Events())
		if try {
			return errTried
		}
		return nil
	})
	if errors.Is(err, errTried) {
		err = nil
	}
	if err != nil {
		return gyre.CorrelationEffect{}, err
	}
	return out, nil
}

// checkRule puts a rule in normal form and refuses one that cannot be.
func checkRule(r *gyre.CorrelationRule) error {
	var err error
	for _, f := range []struct {
		field string
		s     *string
	}{{"tool", &r.Tool}, {"name", &r.Name}, {"other", &r.Other}} {
		if *f.s, err = short(f.field, *f.s, maxName); err != nil {
			return err
		}
	}
	r.Reason = prose(strings.TrimSpace(r.Reason), 1<<10)
	r.Other = keyOf(r.Other)
	if r.Kind != gyre.CorrelateMeans {
		r.Name, r.Tool = keyOf(r.Name), ""
	}
	switch {
	case r.Kind != gyre.CorrelateSame && r.Kind != gyre.CorrelateDifferent && r.Kind != gyre.CorrelateMeans:
		return gyre.FieldErrorf(gyre.Invalid, "kind", "%q is none of same, different, means", prose(string(r.Kind), 60))
	case r.Name == "":
		return gyre.FieldErrorf(gyre.Invalid, "name", "is empty")
	case r.Other == "":
		return gyre.FieldErrorf(gyre.Invalid, "other", "is empty")
	case r.Kind == gyre.CorrelateMeans && r.Tool == "":
		return gyre.FieldErrorf(gyre.Invalid, "tool", "is empty: whose rule is %q?", r.Name)
	case r.Subject() == r.Other:
		return gyre.FieldErrorf(gyre.Invalid, "other", "%s is itself", r.Other)
	case r.Kind == gyre.CorrelateSame && correlate.IsCVE(r.Name) && correlate.IsCVE(r.Other):
		return gyre.FieldErrorf(gyre.Invalid, "other", "two CVEs are never one weakness")
	}
	return nil
}

const maxExamples = 20

// effect counts what a transaction did to exposures, by its events.
func effect(r gyre.CorrelationRule, events []gyre.Event) gyre.CorrelationEffect {
	out := gyre.CorrelationEffect{Rule: r}
	for _, e := range events {
		if e.Object != "exposure" {
			continue
		}
		other, err := gyre.ParseID(e.To)
		switch {
		case e.Kind == "merged":
			out.Merged++
		case e.Kind == "split" && err == nil: // of the two that are told of it, the one that stood
			out.Split++
		case e.Kind == "moved":
			out.Moved++
		default:
			continue
		}
		if len(out.Examples) < maxExamples {
			out.Examples = append(out.Examples, gyre.CorrelationExample{Exposure: e.ID, Change: e.Kind, Other: other, Why: e.Reason})
		}
	}
	return out
}
