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
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/auth"
)

// MaxUpload is the largest report that can be uploaded, in bytes, whatever the settings say.
const MaxUpload = 1 << 30

// uploadStall ends an upload of which nothing arrived for so long.
const uploadStall = time.Minute

func (s *server) registerImports(api huma.API) {
	add(s, api, "import-report", http.MethodPost, "/imports", "Import a report of another tool; the body is the report itself", s.importReport,
		status(http.StatusCreated), func(op *huma.Operation) {
			op.Description = `The report is kept first, then checked as a whole, and only if nothing is wrong with it stored.
Without wait=false the answer comes when the import is done and is its run (201; 200 when it was done before). With wait=false
the answer is the import itself (202); GET /imports/{id} tells how it goes on. It goes on without its caller, too.
The same content with the same parameters is one import, unless again=true. With preview=true nothing is
imported and the answer says what would be.`
			op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
				"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
			}}
			reg := api.OpenAPI().Components.Schemas
			op.Responses = map[string]*huma.Response{
				"200": answers("Done before, or what a preview says", reg, gyre.Run{}, gyre.UploadPreview{}),
				"201": answers("Imported", reg, gyre.Run{}),
				"202": answers("Kept; it will be imported", reg, gyre.Upload{}),
			}
		})
	add(s, api, "list-imports", http.MethodGet, "/imports", "List imports, newest first", s.listImports)
	add(s, api, "get-import", http.MethodGet, "/imports/{id}", "An import: how far it is, or what became of it", s.getImport)
	add(s, api, "cancel-import", http.MethodPost, "/imports/{id}/cancel", "Cancel an import that is not being stored yet", s.cancelImport)
	add(s, api, "retry-import", http.MethodPost, "/imports/{id}/retry", "Import anew what failed or was cancelled and is still kept", s.retryImport)
}

// upload is a request whose body is read by its handler.
type upload struct {
	Name    string    `query:"name" required:"true" minLength:"1" maxLength:"255" doc:"Name of the file"`
	Format  string    `query:"format" maxLength:"40" doc:"Importer; detected when left out"`
	Zone    gyre.Zone `query:"zone" maxLength:"60" doc:"Network zone of the addresses in it"`
	Asset   string    `query:"asset" maxLength:"255" doc:"Name of the asset that findings without one belong to"`
	Address string    `query:"address" maxLength:"64" doc:"Its IP address"`
	Wait    bool      `query:"wait" default:"true" doc:"Answer when the import is done"`
	Again   bool      `query:"again" doc:"Import what was imported before once more"`
	Preview bool      `query:"preview" doc:"Import nothing; say what would be changed"`
	ctx     huma.Context
}

// Resolve implements huma.Resolver.
func (u *upload) Resolve(ctx huma.Context) []error {
	u.ctx = ctx
	return nil
}

// imported is the answer to an upload: a run, an upload or a preview.
type imported struct {
	Status   int
	Location string `header:"Location"`
	Replayed string `header:"Idempotency-Replayed"`
	Body     any
}

func (s *server) importReport(ctx context.Context, in *upload) (*imported, error) {
	r, w := humago.Unwrap(in.ctx)
	key, err := uploadKey(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := checkUpload(r); err != nil {
		return nil, err
	}
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // reading a report takes as long as it takes
	body := &stallReader{Reader: http.MaxBytesReader(w, r.Body, MaxUpload), control: control}
	report := Import{
		Name: path.Base(strings.ReplaceAll(in.Name, `\`, "/")), Format: in.Format, Asset: in.Asset, Address: in.Address,
		Zone: in.Zone, By: actor(ctx), Key: key, Again: in.Again, Size: r.ContentLength, Body: body,
	}
	note(ctx).details = in.Name
	if in.Preview {
		p, err := s.Imports.Preview(ctx, workspace(ctx), report)
		return &imported{Status: http.StatusOK, Body: p}, tooLong(in.Name, err)
	}
	u, err := s.Imports.Receive(ctx, workspace(ctx), report)
	if err != nil {
		return nil, tooLong(in.Name, err)
	}
	note(ctx).object = u.ID.String()
	out := &imported{Status: http.StatusAccepted, Location: base + "/imports/" + u.ID.String(), Body: u.Upload}
	if u.Replayed {
		out.Replayed = "true"
	}
	if !in.Wait {
		return out, nil
	}
	done, err := s.Imports.Wait(ctx, workspace(ctx), u.ID)
	if err != nil {
		return nil, err
	}
	if err := done.Err(); err != nil {
		return nil, err
	}
	out.Status = http.StatusCreated
	if u.Duplicate && !u.Replayed {
		out.Status = http.StatusOK
	}
	out.Body, err = s.resultOf(ctx, done)
	return out, err
}

// uploadKey is the idempotency key of an upload. Uploads keep their keys
// themselves: an upload outlives the process that receives it, and so does its key.
func uploadKey(ctx context.Context, r *http.Request) (string, error) {
	key := r.Header.Get(keyHeader)
	if len(key) > maxKey {
		return "", gyre.FieldErrorf(gyre.Invalid, "header."+keyHeader, "a key has at most %d characters", maxKey)
	}
	if key == "" {
		return "", nil
	}
	return storedKey(auth.From(ctx), uploadOperation, key), nil
}

// tooLong says in words that a body was cut off at the limit.
func tooLong(name string, err error) error {
	if limit, isSize := errors.AsType[*http.MaxBytesError](err); isSize {
		return gyre.FieldErrorf(gyre.TooLarge, name, "a report may have %d bytes at most", limit.Limit)
	}
	return err
}

// resultOf is the run of an import that is done, with what judging brought.
func (s *server) resultOf(ctx context.Context, u gyre.Upload) (gyre.Run, error) {
	run, err := s.History.Run(ctx, workspace(ctx), u.Run)
	run.Counts = u.Counts
	return run, err
}

func (s *server) listImports(ctx context.Context, in *struct{ PageQuery }) (*reply[ImportList], error) {
	items, next, err := pageOf(in.PageQuery, func(before gyre.ID, limit int) ([]gyre.Upload, error) {
		return s.Uploads.Uploads(ctx, workspace(ctx), before, limit)
	}, func(u gyre.Upload) gyre.ID { return u.ID })
	return ok(ImportList{items, next}, err)
}

func (s *server) getImport(ctx context.Context, in *ByID) (*reply[ImportDetail], error) {
	u, err := s.Uploads.Upload(ctx, workspace(ctx), in.ID.ID)
	if err != nil {
		return nil, err
	}
	d := ImportDetail{Upload: u}
	if u.Run != 0 {
		run, err := s.resultOf(ctx, u)
		if err != nil {
			return nil, err
		}
		d.Result = &run
	}
	return ok(d, nil)
}

func (s *server) cancelImport(ctx context.Context, in *ByID) (*reply[gyre.Upload], error) {
	return ok(s.Imports.Cancel(ctx, workspace(ctx), in.ID.ID, actor(ctx)))
}

func (s *server) retryImport(ctx context.Context, in *ByID) (*reply[gyre.Upload], error) {
	return ok(s.Imports.Retry(ctx, workspace(ctx), in.ID.ID, actor(ctx)))
}

// answers documents an answer whose body is one of some types.
func answers(description string, reg huma.Registry, bodies ...any) *huma.Response {
	schemas := make([]*huma.Schema, len(bodies))
	for i, b := range bodies {
		schemas[i] = reg.Schema(reflect.TypeOf(b), true, "")
	}
	schema := schemas[0]
	if len(schemas) > 1 {
		schema = &huma.Schema{OneOf: schemas}
	}
	return &huma.Response{Description: description, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
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
