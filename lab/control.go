// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	gyre "github.com/gyre-ctem/gyre"
)

// Info says how to reach a running estate; it is lab.json in the estate's folder.
type Info struct {
	PID     int       `json:"pid"`
	Network string    `json:"network"` // unix, or tcp where sockets of that kind do not work
	Address string    `json:"address"`
	Token   string    `json:"token"`
	Dir     string    `json:"dir"`
	Feeds   string    `json:"feeds"`
	Scopes  string    `json:"scopes"`
	Mapped  bool      `json:"mapped,omitempty"`
	Started time.Time `json:"started"`
}

// control is the door through which another terminal changes the estate.
type control struct {
	e    *Estate
	srv  *http.Server
	info Info
	wg   sync.WaitGroup
}

const maxRequest = 64 << 10

func startControl(e *Estate) (*control, error) {
	c := &control{e: e, info: Info{
		PID: os.Getpid(), Dir: e.dir, Feeds: e.FeedDir(), Scopes: e.ScopeFile(), Mapped: e.mapped,
		Started: e.started, Token: rand.Text(), Network: "unix", Address: filepath.Join(e.dir, "lab.sock"),
	}}
	// Dial has shown that nobody answers there: what is left is a dead process's.
	if err := os.Remove(c.info.Address); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, gyre.Errorf(gyre.Unavailable, "remove the old control socket: %w", err)
	}
	ln, err := net.Listen("unix", c.info.Address)
	if err != nil { // the path may be too long for a socket address
		if ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, gyre.Errorf(gyre.Unavailable, "open the control port: %w", err)
		}
		c.info.Network, c.info.Address = "tcp", ln.Addr().String()
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /info", func(w http.ResponseWriter, _ *http.Request) { answer(w, c.info, nil) })
	mux.HandleFunc("GET /rows", func(w http.ResponseWriter, _ *http.Request) { answer(w, e.Rows(), nil) })
	mux.HandleFunc("GET /scopes", func(w http.ResponseWriter, _ *http.Request) { answer(w, e.Scopes(), nil) })
	mux.HandleFunc("POST /fix", c.change(e.Fix))
	mux.HandleFunc("POST /break", c.change(e.Break))
	mux.HandleFunc("POST /down", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, c.info, nil)
		go e.Close() // closing waits for this request
	})
	c.srv = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+c.info.Token)) != 1 {
				answer(w, nil, gyre.Errorf(gyre.Unauthorized, "wrong token"))
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
			mux.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
	}
	c.wg.Go(func() { _ = c.srv.Serve(ln) })
	data, err := json.MarshalIndent(c.info, "", " ")
	if err == nil {
		err = writeFile(filepath.Join(e.dir, infoFile), data)
	}
	if err != nil {
		c.close()
		return nil, fmt.Errorf("write lab.json: %w", err)
	}
	return c, nil
}

func (c *control) change(do func(...string) ([]Row, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var what []string
		if err := json.NewDecoder(r.Body).Decode(&what); err != nil {
			answer(w, nil, gyre.Errorf(gyre.Invalid, "read what to change: %v", err))
			return
		}
		rows, err := do(what...)
		answer(w, rows, err)
	}
}

func (c *control) close() {
	_ = os.Remove(filepath.Join(c.e.dir, infoFile))
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if c.srv.Shutdown(ctx) != nil {
		_ = c.srv.Close()
	}
	c.wg.Wait()
}

// reply carries a result or an error with its code.
type reply struct {
	Result json.RawMessage `json:"result,omitempty"`
	Code   gyre.Code       `json:"code,omitempty"`
	Error  string          `json:"error,omitempty"`
}

func answer(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	var r reply
	if err == nil {
		r.Result, err = json.Marshal(v)
	}
	if err != nil {
		r = reply{Code: gyre.ErrorCode(err), Error: err.Error()}
		w.WriteHeader(http.StatusBadRequest)
	}
	_ = json.NewEncoder(w).Encode(r)
}
