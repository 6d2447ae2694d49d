// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/gyre-ctem/gyre"
)

// printer writes results in the format that the user asked for. JSON is the
// API's answer as it came, so that scripts see what the API documents.
type printer struct {
	w      io.Writer
	format string
	width  int // of the terminal; 0: not one
}

// rows is a table: a header and cells, all text.
type rows struct {
	header []string
	cells  [][]string
	footer string // a line under the table, for people only
}

func (r *rows) add(cells ...string) { r.cells = append(r.cells, cells) }

var formats = []string{"table", "json", "csv"}

func checkFormat(f string) error {
	for _, k := range formats {
		if f == k {
			return nil
		}
	}
	return gyre.FieldErrorf(gyre.Invalid, "-o", "%q is none of %s", f, strings.Join(formats, ", "))
}

// list prints a list: v for JSON, r for table and CSV.
func (p *printer) list(v any, r *rows) error {
	switch p.format {
	case "json":
		return p.json(v)
	case "csv":
		w := csv.NewWriter(p.w)
		if err := w.Write(csvHeader(r.header)); err != nil {
			return err
		}
		for _, c := range r.cells {
			for i := range c {
				c[i] = defuse(c[i])
			}
		}
		if err := w.WriteAll(r.cells); err != nil {
			return err
		}
		return w.Error()
	}
	if len(r.cells) == 0 && r.footer != "" {
		_, err := fmt.Fprintln(p.w, r.footer)
		return err
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.Style().Format.Header = text.FormatUpper
	header := make(table.Row, len(r.header))
	for i, h := range r.header {
		header[i] = h
	}
	t.AppendHeader(header)
	for _, c := range r.cells {
		row := make(table.Row, len(c))
		for i, v := range c {
			row[i] = printable(v)
		}
		t.AppendRow(row)
	}
	if p.width > 0 {
		t.Style().Size.WidthMax = p.width
	}
	if _, err := fmt.Fprintln(p.w, t.Render()); err != nil {
		return err
	}
	if r.footer != "" {
		_, err := fmt.Fprintln(p.w, r.footer)
		return err
	}
	return nil
}

// object prints one object: v for JSON, the fields for table and CSV.
func (p *printer) object(v any, fields ...[2]string) error {
	switch p.format {
	case "json":
		return p.json(v)
	case "csv":
		r := &rows{}
		var cells []string
		for _, f := range fields {
			r.header = append(r.header, f[0])
			cells = append(cells, f[1])
		}
		r.add(cells...)
		return p.list(v, r)
	}
	width := 0
	for _, f := range fields {
		width = max(width, len(f[0]))
	}
	for _, f := range fields {
		if f[1] == "" {
			continue
		}
		value := strings.ReplaceAll(printable(f[1]), "\n", "\n"+strings.Repeat(" ", width+2))
		if _, err := fmt.Fprintf(p.w, "%-*s  %s\n", width, f[0], value); err != nil {
			return err
		}
	}
	return nil
}

func (p *printer) json(v any) error {
	enc := json.NewEncoder(p.w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// say prints a line for people; scripts that asked for JSON or CSV do not get it.
func (p *printer) say(format string, args ...any) {
	if p.format == "table" {
		_, _ = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func csvHeader(h []string) []string {
	out := make([]string, len(h))
	for i, v := range h {
		out[i] = strings.ReplaceAll(strings.ToLower(v), " ", "_")
	}
	return out
}

// defuse keeps a spreadsheet from taking a cell for a formula.
func defuse(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) && !isNumber(s) {
		return "'" + s
	}
	return s
}

func isNumber(s string) bool {
	return strings.Trim(s, "+-0123456789.") == "" && strings.ContainsAny(s, "0123456789")
}

// printable keeps what strangers wrote (banners, titles) from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if r < 0x20 || (r >= 0x7f && r < 0xa0) || r == 0x2028 || r == 0x2029 || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
			return '\uFFFD'
		}
		return r
	}, s)
}

func short(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
