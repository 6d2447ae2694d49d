// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/auth"
)

// Limits of the stream of events.
const (
	pingEvery     = 15 * time.Second
	streamLife    = 10 * time.Minute // then the browser comes back by itself, and its session is looked at again
	streamWrite   = 10 * time.Second
	maxStreams    = 256
	changesAtMost = 250 * time.Millisecond
)

func (s *server) registerEvents(api huma.API) {
	schema := func(v *huma.Schema, name string) *huma.Schema {
		return &huma.Schema{Title: name, Type: huma.TypeObject, Required: []string{"event", "data"}, Properties: map[string]*huma.Schema{
			"event": {Type: huma.TypeString, Enum: []any{name}}, "data": v,
		}}
	}
	r := api.OpenAPI().Components.Schemas
	kinds := []*huma.Schema{
		schema(schemaOf[gyre.Cycle](r), "cycle"), schema(schemaOf[EstateChange](r), "change"), schema(schemaOf[Ping](r), "ping"),
	}
	add(s, api, "stream-events", http.MethodGet, "/events", "Server-sent events: cycle (progress), change (something in the estate did), ping", s.streamEvents,
		func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": {Description: "A stream of events", Content: map[string]*huma.MediaType{
				"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{OneOf: kinds}}},
			}}}
		})
}

func (s *server) streamEvents(ctx context.Context, _ *nothing) (*huma.StreamResponse, error) {
	if s.streams.Add(1) > maxStreams {
		s.streams.Add(-1)
		return nil, gyre.Errorf(gyre.Unavailable, "%d event streams are open already", maxStreams)
	}
	return &huma.StreamResponse{Body: func(h huma.Context) {
		defer s.streams.Add(-1)
		r, w := humago.Unwrap(h)
		s.stream(ctx, w, r)
	}}, nil
}

// stream writes events until the reader goes away or is signed out, the process
// stops or the stream is old enough.
func (s *server) stream(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(ctx, streamLife)
	defer cancel()
	defer context.AfterFunc(s.stop, cancel)()
	ws := workspace(ctx)
	changes, unsubscribe := s.History.Subscribe(ws)
	defer unsubscribe()
	cycles, unwatch := s.Cycles.Watch(ws)
	defer unwatch()

	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	out := eventWriter{w: w, control: http.NewResponseController(w)}
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	if out.send("ping", Ping{s.Now()}) != nil {
		return
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case seq, open := <-changes:
			if !open {
				return
			}
			err = out.send("change", EstateChange{seq})
			// A burst of changes is one change to whoever reads a list.
			sleep(ctx, changesAtMost)
		case c, open := <-cycles:
			if !open {
				return
			}
			err = out.send("cycle", c)
		case now := <-ping.C:
			if p, err := s.Auth.Identify(ctx, r); err != nil || !p.May(auth.Read) {
				return
			}
			err = out.send("ping", Ping{now.UTC()})
		}
		if err != nil {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// eventWriter writes events in the format of the HTML standard, section 9.2.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (e *eventWriter) send(kind string, data any) error {
	v, err := noNulls(nil, "", data)
	if err != nil {
		return err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_ = e.control.SetWriteDeadline(time.Now().Add(streamWrite))
	if _, err := fmt.Fprintf(e.w, "event: %s\ndata: %s\n\n", kind, text); err != nil {
		return err
	}
	if err := e.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
