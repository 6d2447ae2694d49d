// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/audit"
	"github.com/gyre-ctem/gyre/internal/auth"
)

// Deps is what the API stands on. Everything is required, but for Console,
// Gauges, Doctor, Hosts and TLS.
type Deps struct {
	Auth        *auth.Auth
	Audit       *audit.Log
	Lists       Lists
	Score       Score
	Exposures   Exposures
	Correlation Correlation
	Assets      Assets
	Identities  Identities
	Actions     Actions
	History     History
	Past        Past
	Compactor   Compactor
	Scopes      Scopes
	Filters     Filters
	Replies     Replies
	Workspaces  Workspaces
	Cycles      Cycles
	Validator   Validator
	Imports     Imports
	Uploads     Uploads
	Feeds       Feeds
	Jobs        Jobs
	Schedules   Schedules
	Doctor      Doctor
	Gauges      Gauges
	// CheckScope returns a gyre.Invalid error with a Field when a scope is wrong.
	CheckScope func(gyre.Scope) error
	// CheckFilter returns a gyre.Invalid error when a CEL filter over "exposures" or "assets" is wrong.
	CheckFilter func(rows, filter string) error

	Console  fs.FS // the built console; nil: the API only
	Registry *prometheus.Registry
	Log      *slog.Logger
	Now      func() time.Time
	Version  string
	// Hosts are the host names under which the server may be called besides
	// loopback names; others are refused, so that a web page cannot reach it by
	// pointing its own name here.
	Hosts []string
	TLS   bool // the server, or a proxy before it, ends TLS
}

// base is where the API's paths begin.
const base = "/api/v1"

// server holds what handlers share.
type server struct {
	Deps
	metrics *metrics
	stop    context.Context // ends streams when the process shuts down
	streams atomic.Int64    // of events that are open
}

// New returns the handler of everything that Gyre serves over HTTP. Streams end
// when ctx does.
func New(ctx context.Context, d Deps) http.Handler {
	s := &server{Deps: d, stop: ctx}
	s.metrics = newMetrics(d.Registry, d.Gauges, d.Audit)
	mux := http.NewServeMux()
	api := s.register(mux)
	s.registerPlain(mux, api)
	return s.wrap(mux)
}

// register adds every operation of the API to a mux.
func (s *server) register(mux *http.ServeMux) huma.API {
	config := huma.DefaultConfig("Gyre", apiVersion)
	config.Info.Description = description
	config.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	config.Components.Schemas = newRegistry()
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: auth.CookieName},
		"token":   {Type: "http", Scheme: "bearer", Description: "An API token: gyre_…"},
	}
	// The built-in documentation page loads from other hosts, and the document
	// is served in registerPlain without being encoded lazily.
	config.DocsPath, config.OpenAPIPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil
	config.Transformers = []huma.Transformer{noNulls}
	config.RejectUnknownQueryParameters = true
	api := humago.New(mux, config)
	api.UseMiddleware(s.guard(api))

	s.registerAccess(api)
	s.registerOverview(api)
	s.registerHistory(api)
	s.registerExposures(api)
	s.registerCorrelation(api)
	s.registerAssets(api)
	s.registerIdentity(api)
	s.registerActions(api)
	s.registerCycles(api)
	s.registerScopes(api)
	s.registerRuns(api)
	s.registerImports(api)
	s.registerFeeds(api)
	s.registerJobs(api)
	s.registerSchedules(api)
	s.registerFilters(api)
	s.registerEvents(api)
	return api
}

// apiVersion is the version of the API, not of the program.
const apiVersion = "1"

const description = `Continuous Threat Exposure Management: what is exposed, how much it matters, what to do about it, and whether it worked.

**Who is asking.** A session cookie from POST /session, or Authorization: Bearer with an API token.
**Errors** are application/problem+json (RFC 9457) with a code, and in errors the places in the input that are wrong.
**Lists** are pages: pass next as after, with the same filter and sort. Filters are CEL; GET /filter-schema says what they can be made of.
**Writes** take an Idempotency-Key: within 24 hours a repeat with the same key does nothing and is answered as the first was, with Idempotency-Replayed: true.
Answers that hold secrets are not kept, so there the key is ignored. Of an upload the key, its parameters and its size count, not its content.
**Events** come from GET /events as they happen.
**Ids** are 13 characters of base32; times are RFC 3339.`

// reply is an answer with a body; with is a request with one.
type (
	reply[T any] struct{ Body T }
	with[T any]  struct{ Body T }
	// nothing is an empty request, or with a nil pointer an answer without a body.
	nothing struct{}
	ByID    struct {
		ID pathID `path:"id"`
	}
)

func ok[T any](body T, err error) (*reply[T], error) {
	if err != nil {
		return nil, err
	}
	return &reply[T]{body}, nil
}

// add registers an operation. Its id must be in the table of needs.
func add[I, O any](s *server, api huma.API, id, method, path, summary string, handler func(context.Context, *I) (*O, error), options ...func(*huma.Operation)) {
	need, known := needs[id]
	if !known {
		panic("operation " + id + " is not in the table of needs")
	}
	op := huma.Operation{
		OperationID: id, Method: method, Path: base + path, Summary: summary, Tags: []string{tagOf(path)},
		Metadata: map[string]any{metaNeed: need}, MaxBodyBytes: maxBody, BodyReadTimeout: 10 * time.Second,
	}
	if need != auth.Public {
		op.Security = []map[string][]string{{"session": {}}, {"token": {}}}
		if need == auth.Self {
			op.Security = op.Security[:1]
		}
	}
	if !safe(method) && !secretReplies[id] && need != auth.Public {
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: keyHeader, In: "header", Description: "Makes a repeat of this request do nothing", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: new(maxKey)},
		})
	}
	for _, option := range options {
		option(&op)
	}
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, s.failed(ctx, err)
		}
		return out, nil
	})
}

// failed logs defects and turns any error into a Problem.
func (s *server) failed(ctx context.Context, err error) error {
	p := problemOf(err)
	note(ctx).code = p.Code
	if p.Code == gyre.Unavailable {
		return huma.ErrorWithHeaders(p, http.Header{"Retry-After": {retryAfter}})
	}
	if p.Code == gyre.Internal && ctx.Err() == nil {
		s.Log.ErrorContext(ctx, "request failed", "request", note(ctx).id, "error", err)
	}
	return p
}

// retryAfter is when something that was busy may be asked again, in seconds.
const retryAfter = "10"

const (
	metaNeed = "need"
	maxBody  = 1 << 20
)

func status(code int) func(*huma.Operation) {
	return func(op *huma.Operation) { op.DefaultStatus = code }
}

func tagOf(path string) string {
	for i := 1; i < len(path); i++ {
		if path[i] == '/' || path[i] == '-' {
			return path[1:i]
		}
	}
	return path[1:]
}

func workspace(ctx context.Context) gyre.ID { return auth.From(ctx).Workspace }

func actor(ctx context.Context) string { return auth.From(ctx).Name() }
