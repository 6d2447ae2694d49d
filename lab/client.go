// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"time"

	gyre "github.com/gyre-ctem/gyre"
)

// Client talks to an estate that another process keeps up.
type Client struct {
	Info Info
	http *http.Client
}

// Dial finds the running estate of a folder. It fails with gyre.NotFound when
// none is running there.
func Dial(dir string) (*Client, error) {
	data, err := readSmall(filepath.Join(dir, infoFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, gyre.Errorf(gyre.NotFound, "no practice estate is running in %s; gyre lab up starts one", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read lab.json: %w", err)
	}
	c := &Client{}
	if err := json.Unmarshal(data, &c.Info); err != nil {
		return nil, gyre.FieldErrorf(gyre.Invalid, filepath.Join(dir, infoFile), "not written by a practice estate: %v", err)
	}
	c.http = &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, c.Info.Network, c.Info.Address)
		},
	}}
	var info Info
	if err := c.do(http.MethodGet, "/info", nil, &info); err != nil {
		return nil, gyre.Errorf(gyre.NotFound, "the practice estate of %s (process %d) does not answer; gyre lab up starts it again", dir, c.Info.PID)
	}
	return c, nil
}

// Rows returns the table as it is now.
func (c *Client) Rows() (rows []Row, err error) {
	err = c.do(http.MethodGet, "/rows", nil, &rows)
	return rows, err
}

// Scopes returns the estate's scopes.
func (c *Client) Scopes() (scopes []gyre.Scope, err error) {
	err = c.do(http.MethodGet, "/scopes", nil, &scopes)
	return scopes, err
}

// ScopeYAML is the scopes as YAML documents.
func (c *Client) ScopeYAML() ([]byte, error) {
	scopes, err := c.Scopes()
	if err != nil {
		return nil, err
	}
	return scopeYAML(scopes)
}

// Fix removes planted weaknesses; see Estate.Fix.
func (c *Client) Fix(what ...string) (rows []Row, err error) {
	err = c.do(http.MethodPost, "/fix", what, &rows)
	return rows, err
}

// Break plants weaknesses again; see Estate.Break.
func (c *Client) Break(what ...string) (rows []Row, err error) {
	err = c.do(http.MethodPost, "/break", what, &rows)
	return rows, err
}

// Down asks the estate to end and waits until it does not answer any more.
func (c *Client) Down(ctx context.Context) error {
	if err := c.do(http.MethodPost, "/down", nil, nil); err != nil {
		return err
	}
	for {
		if _, err := Dial(c.Info.Dir); err != nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (c *Client) do(method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return fmt.Errorf("write request: %w", err)
		}
	}
	req, err := http.NewRequest(method, "http://lab"+path, &body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Info.Token)
	resp, err := c.http.Do(req)
	if err != nil {
		return gyre.Errorf(gyre.Unavailable, "reach the practice estate: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	var r reply
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxState)).Decode(&r); err != nil {
		return gyre.Errorf(gyre.Unavailable, "read the practice estate's answer: %w", err)
	}
	if r.Code != "" {
		return &gyre.Error{Code: r.Code, Message: r.Error}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(r.Result, out)
}
