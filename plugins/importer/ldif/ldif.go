// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package ldif imports directory exports (RFC 2849), as ldifde and ldapsearch write
// them: the accounts of an Active Directory with the attributes that make
// them risky, and the groups that they are in. plugins/all registers it; nothing
// else imports it.
//
// An export is read twice, the second time from a temporary file: who is privileged
// depends on groups within groups, which may stand behind the accounts.
//
// An attribute that the export does not hold is left out of the facts rather than
// guessed. Values that lie at a URL (attr:< url) are never fetched.
package ldif

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
)

// Importer reads LDIF.
type Importer struct{}

// Info implements plugin.Importer.
func (Importer) Info() plugin.Info {
	return plugin.Info{
		Name: "ldif", Title: "LDIF directory export", Version: "1",
		Description: "Accounts and groups out of an export of Active Directory or another LDAP directory.",
	}
}

// Detect implements plugin.Importer: the first record begins with dn.
func (Importer) Detect(_ string, head []byte) int {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	for line := range bytes.SplitSeq(head, []byte("\n")) {
		line = bytes.TrimRight(line, "\r")
		if len(line) == 0 || line[0] == '#' || line[0] == ' ' {
			continue
		}
		key, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return 0
		}
		switch {
		case bytes.EqualFold(key, []byte("version")) && bytes.Equal(bytes.TrimSpace(value), []byte("1")):
			continue
		case bytes.EqualFold(key, []byte("dn")) && (bytes.Contains(value, []byte("=")) || bytes.HasPrefix(value, []byte(":"))):
			return 95
		}
		return 0
	}
	return 0
}

const (
	maxProblems = 100
	maxGroups   = 200_000
)

// export is a directory export that is being read.
type export struct {
	in       plugin.Input
	out      *plugin.Batcher
	report   plugin.Report
	groups   map[string]*group // by DN in lower case
	order    []string
	byRID    map[string]string // of groups: relative id → DN in lower case
	memberOf bool              // the export holds memberships
	count    int
	skipped  int
}

// Import implements plugin.Importer.
func (Importer) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	e := &export{in: in, out: plugin.NewBatcher(ctx, emit), groups: map[string]*group{}, byRID: map[string]string{}}
	tmp, err := os.CreateTemp("", "gyre-ldif-*")
	if err != nil {
		return e.report, gyre.Errorf(gyre.Unavailable, "spool export: %w", err)
	}
	defer func() {
		_ = tmp.Close()
		_ = os.Remove(tmp.Name())
	}()
	first := document.NewLineReader(ctx, in.Name, io.TeeReader(in.Reader, tmp))
	if err := e.each(first, e.learn); err != nil {
		return e.report, err
	}
	if e.count == 0 {
		return e.report, gyre.FieldErrorf(gyre.Invalid, in.Name+":1", "holds no records")
	}
	if !first.Whole() {
		e.problem(first.Line(), "the last line has no end: the file may have been cut short")
	}
	e.elevate()
	if err := e.emitGroups(); err != nil {
		return e.report, err
	}
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return e.report, gyre.Errorf(gyre.Unavailable, "read spooled export: %w", err)
	}
	e.count, e.skipped = 0, 0
	if err := e.each(document.NewLineReader(ctx, in.Name, tmp), e.account); err != nil {
		return e.report, err
	}
	if e.skipped > 0 {
		e.report.Limits = append(e.report.Limits, fmt.Sprintf("%s: %d records are changes and not entries; they were left out", in.Name, e.skipped))
	}
	return e.report, e.out.Flush()
}

func (e *export) problem(line int, reason string) {
	if len(e.report.Problems) < maxProblems {
		e.report.Problems = append(e.report.Problems, gyre.Problem{Place: e.in.Name + ":" + strconv.Itoa(line), Reason: reason})
	}
}

func (e *export) each(lines *document.LineReader, f func(*record) error) error {
	r := &reader{name: e.in.Name, lines: lines}
	for {
		rec, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		e.count++
		if rec.change != "" && rec.change != "add" {
			e.skipped++
			continue
		}
		if err := f(rec); err != nil {
			return err
		}
	}
}

// group is what the first reading keeps of a group.
type group struct {
	ref        gyre.Ref
	name       string
	id         gyre.Identifier
	sid        string
	parents    []string // DNs in lower case
	privileged bool
}

// learn is the first reading: groups, and whether memberships are part of the export.
func (e *export) learn(rec *record) error {
	if len(rec.values["memberof"]) > 0 {
		e.memberOf = true
	}
	if !rec.is("group") && !rec.is("groupOfNames") && !rec.is("groupOfUniqueNames") && !rec.is("posixGroup") {
		return nil
	}
	if len(e.groups) == maxGroups {
		return gyre.FieldErrorf(gyre.TooLarge, e.in.Name+":"+strconv.Itoa(rec.line), "more than %d groups", maxGroups)
	}
	dn := strings.ToLower(rec.dn)
	if _, twice := e.groups[dn]; !twice {
		e.order = append(e.order, dn)
	}
	g := &group{ref: gyre.Ref("group" + strconv.Itoa(len(e.order))), name: nameOf(rec), id: identifier(rec), sid: sidText(rec.first("objectsid"))}
	for _, parent := range rec.values["memberof"] {
		g.parents = append(g.parents, strings.ToLower(parent))
	}
	if rid := ridOf(g.sid); rid != "" {
		e.byRID[rid] = dn
	}
	e.groups[dn] = g
	return nil
}

// privilegedRIDs are the relative ids of the groups that rule a domain (Microsoft,
// "Appendix B: privileged accounts and groups in Active Directory"). Names are
// translated in other languages, these are not.
var privilegedRIDs = map[string]string{
	"512": "Domain Admins", "518": "Schema Admins", "519": "Enterprise Admins", "520": "Group Policy Creator Owners",
	"526": "Key Admins", "527": "Enterprise Key Admins",
	"544": "Administrators", "548": "Account Operators", "549": "Server Operators", "550": "Print Operators", "551": "Backup Operators",
}

var privilegedNames = func() map[string]bool {
	names := map[string]bool{"dnsadmins": true}
	for _, n := range privilegedRIDs {
		names[strings.ToLower(n)] = true
	}
	return names
}()

// elevate marks groups that are privileged themselves or within one that is.
func (e *export) elevate() {
	within := map[string][]string{} // DN of a group → DNs of the groups in it
	var queue []string
	for _, dn := range e.order {
		g := e.groups[dn]
		outer := slices.ContainsFunc(g.parents, func(p string) bool { return privilegedNames[strings.ToLower(commonName(p))] })
		if outer || privilegedNames[strings.ToLower(commonName(dn))] || privilegedRIDs[ridOf(g.sid)] != "" {
			queue = append(queue, dn)
		}
		for _, p := range g.parents {
			within[p] = append(within[p], dn)
		}
	}
	for len(queue) > 0 {
		dn := queue[0]
		queue = queue[1:]
		if g := e.groups[dn]; !g.privileged { // groups may be in a circle
			g.privileged = true
			queue = append(queue, within[dn]...)
		}
	}
}

func (e *export) emitGroups() error {
	for _, dn := range e.order {
		g := e.groups[dn]
		a := gyre.AssetSighting{
			Ref: g.ref, Kind: gyre.Identity, Name: g.name, Zone: e.in.Zone, Identifiers: []gyre.Identifier{g.id},
			Attributes: map[string]string{"type": "group", "dn": document.Line(dn, 500)},
		}
		if err := e.out.Asset(a); err != nil {
			return err
		}
	}
	for _, dn := range e.order {
		for _, p := range e.groups[dn].parents {
			if parent := e.groups[p]; parent != nil {
				if err := e.out.Relation(gyre.RelationSighting{From: e.groups[dn].ref, To: parent.ref, Type: gyre.MemberOf}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
