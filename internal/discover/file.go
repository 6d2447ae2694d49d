// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"io"
	"strings"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// Upload is a report handed in from outside a cycle.
type Upload struct {
	Name    string
	Reader  io.Reader
	Format  string // importer name; empty: detected
	Zone    gyre.Zone
	Asset   string
	Address string
	Memory  *plugin.Memory // of earlier readings of it, or nil
}

// Parse runs the importer of one uploaded report, which it also names. The same
// report is parsed to the same batches each time. The error says what is wrong with
// the report: file, place, reason; or it is that of emit.
func (s *Stage) Parse(ctx context.Context, up Upload, progress plugin.Progress, emit plugin.Emit) (plugin.Info, plugin.Report, error) {
	doc, err := openDocument(up.Name, up.Reader)
	if err != nil {
		return plugin.Info{}, plugin.Report{}, err
	}
	defer func() { _ = doc.close() }()
	imp, err := s.importer(up.Format, doc)
	if err != nil {
		return plugin.Info{}, plugin.Report{}, err
	}
	report, err := importOne(ctx, imp, plugin.Input{
		Name: doc.name, Reader: doc.reader, Zone: up.Zone, Asset: up.Asset, Address: up.Address,
		Progress: progress, Log: s.Log, Memory: up.Memory,
	}, prefixRefs(emit, ""))
	return imp.Info(), report, err
}

// importer picks the importer by name, or the one that is surest of the document.
func (s *Stage) importer(format string, doc *document) (plugin.Importer, error) {
	var best plugin.Importer
	bestSure, tie := 0, ""
	names := make([]string, 0, len(s.Importers))
	for _, imp := range s.Importers {
		name := imp.Info().Name
		names = append(names, name)
		if format != "" {
			if name == format {
				return imp, nil
			}
			continue
		}
		switch sure := imp.Detect(doc.name, doc.head); {
		case sure > bestSure:
			best, bestSure, tie = imp, sure, ""
		case sure == bestSure && sure > 0:
			tie = name
		}
	}
	known := strings.Join(names, ", ")
	switch {
	case format != "":
		return nil, gyre.FieldErrorf(gyre.Invalid, "format", "no importer is called %q; there are %s", format, known)
	case best == nil:
		return nil, gyre.FieldErrorf(gyre.Invalid, doc.name, "unknown format; name it if it is one of %s", known)
	case tie != "":
		return nil, gyre.FieldErrorf(gyre.Invalid, doc.name, "could be %s or %s; name the format", best.Info().Name, tie)
	}
	return best, nil
}

func importOne(ctx context.Context, imp plugin.Importer, in plugin.Input, emit plugin.Emit) (report plugin.Report, err error) {
	defer func() {
		if p := recover(); p != nil {
			in.Log.Error("importer panicked", "importer", imp.Info().Name, "file", in.Name, "panic", p)
			err = gyre.FieldErrorf(gyre.Internal, in.Name, "importer %s panicked: %v", imp.Info().Name, p)
		}
	}()
	return imp.Import(ctx, in, emit)
}

// prefixRefs keeps the refs of the files of one run apart. A report has no say
// over assets that are stored already.
func prefixRefs(emit plugin.Emit, prefix string) plugin.Emit {
	return renameRefs(emit, func(r gyre.Ref) gyre.Ref {
		if strings.HasPrefix(string(r), "id:") {
			r = "r/" + r
		}
		return gyre.Ref(prefix) + r
	})
}

func renameRefs(emit plugin.Emit, pre func(gyre.Ref) gyre.Ref) plugin.Emit {
	return func(ctx context.Context, b *gyre.Batch) error {
		for i := range b.Assets {
			b.Assets[i].Ref = pre(b.Assets[i].Ref)
		}
		for i := range b.Relations {
			b.Relations[i].From, b.Relations[i].To = pre(b.Relations[i].From), pre(b.Relations[i].To)
		}
		for i := range b.Components {
			b.Components[i].Asset = pre(b.Components[i].Asset)
		}
		for i := range b.Facts {
			b.Facts[i].Asset = pre(b.Facts[i].Asset)
		}
		for i := range b.Findings {
			b.Findings[i].Asset = pre(b.Findings[i].Asset)
		}
		for i := range b.Coverage {
			b.Coverage[i].Asset = pre(b.Coverage[i].Asset)
		}
		return emit(ctx, b)
	}
}
