// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/auth"
)

// guard stands before every operation: it finds out who is asking, refuses what
// they may not do, answers repeated writes with what they answered before, and
// leaves a line in the audit log.
func (s *server) guard(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		op := ctx.Operation()
		r, w := humago.Unwrap(ctx)
		n := note(ctx.Context())
		n.route = op.OperationID
		n.object = ctx.Param("id")
		w.Header().Set("Cache-Control", "no-store")

		need, _ := op.Metadata[metaNeed].(auth.Grant)
		p, err := s.Auth.Identify(ctx.Context(), r)
		if err != nil && need == auth.Public && gyre.ErrorCode(err) == gyre.Unauthorized {
			err = nil
		}
		n.principal = p
		switch {
		case err != nil:
		case p == nil && need != auth.Public:
			err = errAnonymous
		case !p.May(need):
			err = forbidden(p, need)
		}
		if err != nil {
			s.refuse(api, ctx, err)
			if p != nil {
				s.audit(r, w, op)
			}
			return
		}
		defer s.audit(r, w, op)
		ctx = huma.WithContext(ctx, auth.WithPrincipal(ctx.Context(), p))
		s.once(api, ctx, func() { next(ctx) })
	}
}

func forbidden(p *auth.Principal, need auth.Grant) error {
	switch {
	case need == auth.Self:
		return gyre.Errorf(gyre.Forbidden, "an API token cannot do this: it needs a person who is signed in")
	case p.Method == auth.ByToken:
		return gyre.Errorf(gyre.Forbidden, "this needs %q, which the API token does not have or its account may not", need)
	}
	return gyre.Errorf(gyre.Forbidden, "this needs %q, which %s (%s) may not", need, p.Name(), p.Account.Role)
}

// refuse answers with a problem.
func (s *server) refuse(api huma.API, ctx huma.Context, err error) {
	p, isProblem := s.failed(ctx.Context(), err).(*Problem)
	if !isProblem {
		return
	}
	if p.Status == http.StatusUnauthorized {
		ctx.SetHeader("WWW-Authenticate", `Bearer realm="gyre"`)
	}
	ctx.SetHeader("Content-Type", p.ContentType(""))
	ctx.SetStatus(p.Status)
	_ = api.Marshal(ctx.BodyWriter(), "application/json", p) // nobody is left to tell
}

// audit leaves a line about a request that could change something. It also runs
// while a handler panics: then there is no status yet.
func (s *server) audit(r *http.Request, w http.ResponseWriter, op *huma.Operation) {
	n := note(r.Context())
	if safe(op.Method) {
		return
	}
	if rec, isRecorder := w.(*recorder); isRecorder && n.code == "" {
		if rec.status == 0 {
			n.code = gyre.Internal
		} else if rec.status >= 400 {
			n.code = codeOf(rec.status) // what the decoder refuses does not come by the handler
		}
	}
	e := gyre.AuditEntry{
		Actor: n.principal.Name(), Address: n.address, Action: actionOf(op.OperationID), Object: n.object, Outcome: "ok", Details: n.details,
	}
	if n.code != "" {
		e.Outcome = string(n.code)
	}
	ws := s.Auth.Workspace
	if n.principal != nil {
		ws = n.principal.Workspace
	} else if n.code == gyre.Unavailable {
		return // turned away without being looked at; the log would be theirs to fill
	}
	if err := s.Audit.Record(r.Context(), ws, e); err != nil {
		s.Log.ErrorContext(r.Context(), "audit line not stored", "error", err, "request", n.id, "actor", e.Actor, "address", e.Address,
			"action", e.Action, "object", e.Object, "outcome", e.Outcome, "details", e.Details)
	}
}

func safe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// actionOf turns the id of an operation into the word of the audit log:
// create-scope is scope.create.
func actionOf(operation string) string {
	verb, noun, found := strings.Cut(operation, "-")
	if !found {
		return operation
	}
	return noun + "." + verb
}
