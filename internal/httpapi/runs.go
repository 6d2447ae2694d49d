// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/gyre-ctem/gyre"
)

// MaxUpload is the largest report that can be uploaded, in bytes.
const MaxUpload = 1 << 30

// uploadStall ends an upload of which nothing arrived for so long.
const uploadStall = time.Minute

func (s *server) registerRuns(api huma.API) {
	add(s, api, "list-runs", http.MethodGet, "/runs", "List runs, newest first", s.listRuns)
	add(s, api, "get-run", http.MethodGet, "/runs/{id}", "A run", s.getRun)
	add(s, api, "import-report", http.MethodPost, "/imports", "Import a report of another tool; the body is the report itself", s.importReport,
		status(http.StatusCreated), func(op *huma.Operation) {
			op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
				"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
			}}
		})
}

func (s *server) listRuns(ctx context.Context, in *struct {
	PageQuery
	Cycle pathID `query:"cycle" doc:"Only the runs of this cycle, oldest first"`
},
) (*reply[RunList], error) {
	if in.Cycle.ID != 0 {
		all, err := s.History.RunsOfCycle(ctx, workspace(ctx), in.Cycle.ID)
		return ok(RunList{Items: all}, err)
	}
	items, next, err := pageOf(in.PageQuery, func(before gyre.ID, limit int) ([]gyre.Run, error) {
		return s.History.Runs(ctx, workspace(ctx), before, limit)
	}, func(r gyre.Run) gyre.ID { return r.ID })
	return ok(RunList{items, next}, err)
}

func (s *server) getRun(ctx context.Context, in *ByID) (*reply[gyre.Run], error) {
	return ok(s.History.Run(ctx, workspace(ctx), in.ID.ID))
}

// upload is a request whose body is read by its handler.
type upload struct {
	Name    string    `query:"name" required:"true" minLength:"1" maxLength:"255" doc:"Name of the file"`
	Format  string    `query:"format" maxLength:"40" doc:"Importer; detected when left out"`
	Zone    gyre.Zone `query:"zone" maxLength:"60" doc:"Network zone of the addresses in it"`
	Asset   string    `query:"asset" maxLength:"255" doc:"Name of the asset that findings without one belong to"`
	Address string    `query:"address" maxLength:"64" doc:"Its IP address"`
	ctx     huma.Context
}

// Resolve implements huma.Resolver.
func (u *upload) Resolve(ctx huma.Context) []error {
	u.ctx = ctx
	return nil
}

func (s *server) importReport(ctx context.Context, in *upload) (*reply[gyre.Run], error) {
	r, w := humago.Unwrap(in.ctx)
	if err := checkUpload(r); err != nil {
		return nil, err
	}
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // reading a report takes as long as it takes
	body := &stallReader{Reader: http.MaxBytesReader(w, r.Body, MaxUpload), control: control}
	run, err := s.Imports.Import(ctx, workspace(ctx), Import{
		Name: path.Base(strings.ReplaceAll(in.Name, `\`, "/")), Format: in.Format, Asset: in.Asset, Address: in.Address,
		Zone: in.Zone, By: actor(ctx), Body: body,
	})
	note(ctx).object, note(ctx).details = run.ID.String(), in.Name
	if tooLong, isSize := errors.AsType[*http.MaxBytesError](err); isSize {
		err = gyre.FieldErrorf(gyre.TooLarge, in.Name, "a report may have %d bytes at most", tooLong.Limit)
	}
	return ok(run, err)
}

// checkUpload refuses what is not a report as it is, in words that help.
func checkUpload(r *http.Request) error {
	if r.ContentLength > MaxUpload {
		return gyre.FieldErrorf(gyre.TooLarge, "header.Content-Length", "%d bytes; a report may have %d at most", r.ContentLength, MaxUpload)
	}
	if r.ContentLength == 0 {
		return gyre.FieldErrorf(gyre.Invalid, "body", "the body is empty; it should be the report")
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return gyre.FieldErrorf(gyre.Invalid, "header.Content-Encoding", "%s is not supported; send the report as it is", enc)
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Header.Get("Content-Type") != "" && err != nil {
		return gyre.FieldErrorf(gyre.Invalid, "header.Content-Type", "%v", err)
	}
	if strings.HasPrefix(kind, "multipart/") || kind == "application/x-www-form-urlencoded" {
		return gyre.FieldErrorf(gyre.Invalid, "header.Content-Type", "%s is a form; send the report itself as the body (curl --data-binary @FILE -H 'Content-Type: application/octet-stream')", kind)
	}
	return nil
}

// stallReader lets an upload go on for as long as something arrives.
type stallReader struct {
	io.Reader
	control *http.ResponseController
}

func (r *stallReader) Read(p []byte) (int, error) {
	_ = r.control.SetReadDeadline(time.Now().Add(uploadStall))
	n, err := r.Reader.Read(p)
	if err != nil {
		// From here on net/http itself reads, to notice that the peer has gone; it
		// must not take a quiet peer for a lost one.
		_ = r.control.SetReadDeadline(time.Time{})
	}
	if err != nil && !errors.Is(err, io.EOF) {
		if _, isSize := errors.AsType[*http.MaxBytesError](err); !isSize {
			err = gyre.Errorf(gyre.Invalid, "the upload broke off: %w", err)
		} else {
			err = fmt.Errorf("read upload: %w", err)
		}
	}
	return n, err
}
