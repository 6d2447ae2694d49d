// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

// importing are the flags of gyre import.
type importing struct {
	format, zone, asset, address string
	preview, detach, again       bool
}

func (c *cli) importCmd() *cobra.Command {
	var f importing
	cmd := &cobra.Command{
		Use: "import FILE…", Short: "Take in what other tools found; - is standard input", Args: cobra.MinimumNArgs(1),
		Long: `Imports reports of other tools, plain or packed with gzip or zip. The format is
detected from the content. A report is kept and checked as a whole before anything of
it is stored: one that is broken leaves nothing. What a report does not prove to have
looked at is never closed by it.

A report that was imported before is not imported again. An import that was killed goes
on with the next start of the server, or with the same command; gyre upload list shows
what became of each.`,
		Example: `  gyre import scan.xml --zone dmz
  gyre import scan.xml --preview             what it would create, reopen and close
  gyre import bom.json --asset registry.example/shop:1.4
  trivy fs --format sarif . | gyre import - --asset shop`,
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			switch {
			case f.preview && f.detach:
				return gyre.Errorf(gyre.Invalid, "--preview and --detach do not go together: a preview is there when it is done")
			case f.preview:
				return c.previewFiles(cmd.Context(), a, args, f)
			case f.detach:
				return c.handInFiles(cmd.Context(), a, args, f)
			}
			return c.importFiles(cmd.Context(), a, args, f)
		}),
	}
	fl := cmd.Flags()
	fl.StringVar(&f.format, "format", "", "name of the format, when it is not detected")
	fl.StringVar(&f.zone, "zone", "", "network zone that addresses in the report live in")
	fl.StringVar(&f.asset, "asset", "", "asset that findings without one belong to")
	fl.StringVar(&f.address, "address", "", "IP address of that asset")
	fl.BoolVar(&f.preview, "preview", false, "import nothing; say what would be changed")
	fl.BoolVar(&f.detach, "detach", false, "return when the report is handed in; needs a running server")
	fl.BoolVar(&f.again, "again", false, "import what was imported before once more")
	return cmd
}

// query are the parameters of a file.
func (f importing) query(file string) url.Values {
	q := url.Values{"name": {filepath.Base(file)}}
	if file == "-" {
		q.Set("name", "stdin")
	}
	for k, v := range map[string]string{"format": f.format, "zone": f.zone, "asset": f.asset, "address": f.address} {
		if v != "" {
			q.Set(k, v)
		}
	}
	if f.again {
		q.Set("again", "true")
	}
	return q
}

// post sends a file and reads the answer into out.
func (c *cli) post(ctx context.Context, a *api, file string, q url.Values, out any) error {
	body := c.in
	if file != "-" {
		f, err := os.Open(file) // #nosec -- the user names it
		if err != nil {
			return gyre.Errorf(gyre.Invalid, "cannot be read: %w", errors.Unwrap(err))
		}
		defer func() { _ = f.Close() }()
		body = f
	}
	return a.send(ctx, http.MethodPost, "/imports?"+q.Encode(), io.NopCloser(body), "application/octet-stream", out)
}

// importFiles hands files in one after the other and waits for each.
func (c *cli) importFiles(ctx context.Context, a *api, files []string, f importing) error {
	var runs []gyre.Run
	var before []string
	r := &rows{header: []string{"File", "Format", "Status", "Assets", "Components", "Sightings", "New", "Reopened", "Closed", "Problems"}}
	for _, file := range files {
		run, u, err := c.importFile(ctx, a, file, f)
		if err != nil {
			return fmt.Errorf("import %s: %w", file, err)
		}
		runs = append(runs, run)
		n := run.Counts
		r.add(u.Name, run.Source, string(run.Status), strconv.Itoa(n.Assets), strconv.Itoa(n.Components), strconv.Itoa(n.Findings),
			strconv.Itoa(n.Created), strconv.Itoa(n.Reopened), strconv.Itoa(n.Closed), strconv.Itoa(len(run.Problems)))
		if u.Duplicate {
			before = append(before, fmt.Sprintf("%s was imported before, on %s; this is what it brought then. --again imports it once more.", u.Name, when(u.Created)))
		}
	}
	p := c.printer()
	if err := p.list(runs, r); err != nil {
		return err
	}
	for _, line := range before {
		p.say("%s", line)
	}
	return nil
}

func (c *cli) importFile(ctx context.Context, a *api, file string, f importing) (gyre.Run, gyre.Upload, error) {
	view := c.uploadView()
	defer view.end()
	q := f.query(file)
	view.show(gyre.Upload{Name: q.Get("name"), State: gyre.UploadReceiving})
	q.Set("wait", "false")
	var u gyre.Upload
	if err := c.post(ctx, a, file, q, &u); err != nil {
		return gyre.Run{}, u, err
	}
	d, err := a.awaitUpload(ctx, u, view)
	if err != nil {
		return gyre.Run{}, u, err
	}
	if d.Result == nil {
		return gyre.Run{}, u, gyre.Errorf(gyre.Internal, "import %s is %s and has no run", u.ID, d.State)
	}
	duplicate := u.Duplicate
	u, u.Duplicate = d.Upload, duplicate
	return *d.Result, u, nil
}

// awaitUpload waits for the end of an import, and shows how far it is. Ctrl-C cancels the
// import while that is possible.
func (a *api) awaitUpload(ctx context.Context, u gyre.Upload, view *uploadView) (d httpapi.ImportDetail, err error) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err = a.get(ctx, "/imports/"+u.ID.String(), nil, &d); err == nil {
			view.show(d.Upload)
			if d.State.Ended() {
				return d, d.Err()
			}
		}
		if ctx.Err() == nil && err == nil {
			select {
			case <-tick.C:
				d = httpapi.ImportDetail{}
				continue
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			if a.do(stop, http.MethodPost, "/imports/"+u.ID.String()+"/cancel", nil, nil) != nil {
				view.say(fmt.Sprintf("import %s is being stored and goes on without this command", u.ID))
			}
			return d, ctx.Err()
		}
		return d, err
	}
}

// handInFiles leaves files to the server.
func (c *cli) handInFiles(ctx context.Context, a *api, files []string, f importing) error {
	var all []gyre.Upload
	for _, file := range files {
		q := f.query(file)
		q.Set("wait", "false")
		var u gyre.Upload
		if err := c.post(ctx, a, file, q, &u); err != nil {
			return fmt.Errorf("import %s: %w", file, err)
		}
		all = append(all, u)
	}
	if err := c.printer().list(all, uploadRows(all)); err != nil {
		return err
	}
	if _, here := a.http.Transport.(inProcess); here {
		_, _ = fmt.Fprintln(c.err, "No server runs on this data folder: gyre serve will import what waits.")
	}
	return nil
}

// previewFiles says what importing files would do, each on the estate as it is now.
func (c *cli) previewFiles(ctx context.Context, a *api, files []string, f importing) error {
	var all []gyre.UploadPreview
	r := &rows{header: []string{"File", "Change", "Count", "Such as"}}
	for _, file := range files {
		q := f.query(file)
		q.Set("preview", "true")
		var p gyre.UploadPreview
		if err := c.post(ctx, a, file, q, &p); err != nil {
			return fmt.Errorf("preview %s: %w", file, err)
		}
		all = append(all, p)
		for _, ch := range p.Changes {
			such := ""
			for i, e := range ch.Examples {
				if i == 3 {
					break
				}
				if i > 0 {
					such += "\n"
				}
				such += short(e, 70)
			}
			r.add(p.Name, ch.Object+" "+ch.Kind, strconv.Itoa(ch.Count), such)
		}
	}
	r.footer = "Nothing was imported."
	if len(r.cells) == 0 {
		r.footer = "It would change nothing. Nothing was imported."
	}
	return c.printer().list(all, r)
}
