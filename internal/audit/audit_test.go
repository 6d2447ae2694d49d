// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/audit"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

func TestLinesOutliveTheRequest(t *testing.T) {
	db := storetest.Open(t, store.SQLite)
	ws, err := db.EnsureWorkspace(t.Context(), "default")
	if err != nil {
		t.Fatal(err)
	}
	log := audit.New(db)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	long := strings.Repeat("ä", 900) + "\nroot scope.delete ok"
	if err := log.Record(gone, ws.ID, gyre.AuditEntry{Actor: "ann\nroot", Action: "scope.create", Outcome: "ok", Details: long}); err != nil {
		t.Fatal(err)
	}
	all, err := log.List(t.Context(), ws.ID, 0, 10)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d lines, %v", len(all), err)
	}
	e := all[0]
	if e.Actor != "ann root" || e.At.IsZero() || e.ID == 0 {
		t.Errorf("line %+v", e)
	}
	if len(e.Details) > 1100 || !utf8.ValidString(e.Details) || strings.ContainsAny(e.Details, "\n\r") {
		t.Errorf("details of %d bytes: %q", len(e.Details), e.Details)
	}
	other, err := db.EnsureWorkspace(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	if all, err := log.List(t.Context(), other.ID, 0, 10); err != nil || len(all) != 0 {
		t.Errorf("another workspace sees %d lines, %v", len(all), err)
	}
}

type broken struct{ audit.Store }

func (broken) AppendAudit(context.Context, gyre.ID, gyre.AuditEntry) error {
	return errors.New("disk full")
}

func TestFailuresAreCounted(t *testing.T) {
	log := audit.New(broken{})
	if err := log.Record(t.Context(), 1, gyre.AuditEntry{Action: "scope.create"}); err == nil || log.Failures() != 1 {
		t.Errorf("error %v, %d failures", err, log.Failures())
	}
}
