// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/auth"
)

// keyHeader names a write, so that a repeat of it after a lost answer gets the
// answer of the first and does nothing.
const keyHeader = "Idempotency-Key"

const (
	maxKey   = 255
	maxReply = 1 << 20
	// abandoned is how old a request without an answer is when nobody can be
	// serving it any more.
	abandoned = 20 * time.Minute
)

// secretReplies are operations whose answers hold secrets; those are not stored,
// so the key is ignored.
var secretReplies = map[string]bool{
	"create-session": true, "set-password": true, "create-account": true, "create-account-link": true, "create-token": true,
}

// uploadOperation keeps its keys itself.
const uploadOperation = "import-report"

// once serves a request, or answers with what the first request of its key
// answered. Only answers of success are kept: a refusal changed nothing, and may
// not be one the next time.
func (s *server) once(api huma.API, ctx huma.Context, serve func()) {
	r, w := humago.Unwrap(ctx)
	key := r.Header.Get(keyHeader)
	p := auth.From(ctx.Context())
	op := ctx.Operation().OperationID
	if key == "" || safe(r.Method) || p == nil || secretReplies[op] || op == uploadOperation {
		serve()
		return
	}
	rec, isRecorder := w.(*recorder)
	digest, err := digestOf(r)
	switch {
	case err != nil:
	case len(key) > maxKey || !isRecorder:
		err = gyre.FieldErrorf(gyre.Invalid, "header."+keyHeader, "a key has at most %d characters", maxKey)
	}
	if err != nil {
		s.refuse(api, ctx, err)
		return
	}
	key = storedKey(p, op, key)
	stored, err := s.claim(ctx.Context(), p.Workspace, key, digest)
	if err != nil {
		s.refuse(api, ctx, err)
		return
	}
	if stored != nil {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Idempotency-Replayed", "true")
		w.WriteHeader(stored.Status)
		_, _ = w.Write(stored.Body)
		return
	}
	s.keep(ctx.Context(), p.Workspace, key, rec, serve)
}

// claim reserves the key; it returns the stored reply when there is one.
func (s *server) claim(ctx context.Context, ws gyre.ID, key, digest string) (*gyre.StoredReply, error) {
	for range 2 {
		stored, err := s.Replies.ClaimReply(ctx, ws, key, digest)
		if err != nil || stored == nil {
			return nil, err
		}
		if stored.Request != digest {
			return nil, gyre.FieldErrorf(gyre.Conflict, "header."+keyHeader, "the key was used for another request")
		}
		if stored.Status != 0 {
			return stored, nil
		}
		if s.Now().Sub(stored.Created) < abandoned {
			break
		}
		if err := s.Replies.DropReply(ctx, ws, key); err != nil {
			return nil, err
		}
	}
	return nil, gyre.FieldErrorf(gyre.Conflict, "header."+keyHeader, "the first request with this key is still being served")
}

// keep serves the request and stores what it answered, or gives the key up.
func (s *server) keep(ctx context.Context, ws gyre.ID, key string, rec *recorder, serve func()) {
	rec.capture = &bytes.Buffer{}
	served := false
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		var err error
		if served && rec.status < 300 && rec.capture != nil {
			err = s.Replies.SaveReply(ctx, ws, key, rec.status, rec.capture.Bytes())
		} else {
			err = s.Replies.DropReply(ctx, ws, key)
		}
		rec.capture = nil
		if err != nil {
			s.Log.Error("keep reply for idempotency key", "error", err)
		}
	}()
	serve()
	served = true
}

func storedKey(p *auth.Principal, op, key string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %s %s", p.Account.ID, p.Method, op, key))
	return hex.EncodeToString(sum[:])
}

// digestOf is what makes two requests the same.
func digestOf(r *http.Request) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s?%s\n", r.Method, r.URL.Path, r.URL.RawQuery)
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return "", gyre.Errorf(gyre.Invalid, "read the body: %w", err)
	}
	if len(body) > maxBody {
		return "", gyre.Errorf(gyre.TooLarge, "the body is larger than %d bytes", maxBody)
	}
	h.Write(body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return hex.EncodeToString(h.Sum(nil)), nil
}
