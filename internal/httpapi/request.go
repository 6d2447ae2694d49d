// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"bytes"
	"context"
	"net"
	"net/http"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/auth"
)

// request is what is noted about a request while it is served: for the access
// log, the metrics and the audit log. One goroutine serves a request.
type request struct {
	id, address     string
	route           string // operation id, or a pattern
	principal       *auth.Principal
	object, details string // for the audit log
	code            gyre.Code
}

type requestKey struct{}

// note returns what is noted about the request of a context; never nil.
func note(ctx context.Context) *request {
	if r, found := ctx.Value(requestKey{}).(*request); found {
		return r
	}
	return &request{}
}

// addressOf is the peer's address without its port. Forwarding headers are not
// believed: anybody can send them.
func peerAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// recorder remembers the status of an answer, and its body when asked to.
type recorder struct {
	http.ResponseWriter
	status  int
	bytes   int64
	capture *bytes.Buffer
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if r.capture != nil && r.capture.Len()+len(p) <= maxReply {
		r.capture.Write(p)
	} else {
		r.capture = nil
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}
