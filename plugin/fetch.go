// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	gyre "github.com/gyre-ctem/gyre"
)

const (
	fetchTries    = 3
	fetchBackOff  = 500 * time.Millisecond // doubles
	maxRetryAfter = 10 * time.Second
)

// Document is a file that a feed fetched: whole, on disk, removed by Close.
type Document struct {
	*os.File
	Size  int64
	State FeedState // ETag and Modified are set
	temp  bool
}

// Close closes the file, and removes it if it was a download.
func (d *Document) Close() error {
	err := d.File.Close()
	if d.temp {
		err = errors.Join(err, os.Remove(d.Name()))
	}
	return err
}

// Fetch gets the file at path (slash-separated, relative) under the request's
// base, unless it is the one that last describes: then it returns nil without
// an error. A base that itself names a file (it ends like path) is that file.
// Downloads are repeated with back-off when the network or the server fails;
// nothing larger than limit bytes is kept. Errors are gyre.NotFound,
// gyre.TooLarge, gyre.Invalid (the base) or gyre.Unavailable.
func (r FeedRequest) Fetch(ctx context.Context, path string, last FeedState, limit int64) (*Document, error) {
	if !strings.HasPrefix(r.Base, "http://") && !strings.HasPrefix(r.Base, "https://") {
		return r.open(path, last, limit)
	}
	u, err := url.Parse(r.Base)
	if err != nil || u.Host == "" {
		return nil, gyre.FieldErrorf(gyre.Invalid, "feeds", "%q is not a URL", r.Base)
	}
	if filepath.Ext(u.Path) == "" || filepath.Ext(u.Path) != filepath.Ext(path) {
		for part := range strings.SplitSeq(path, "/") {
			u = u.JoinPath(url.PathEscape(part))
		}
	}
	wait := fetchBackOff
	for try := 1; ; try++ {
		doc, retryAfter, err := r.download(ctx, u.String(), last, limit)
		if err == nil || try == fetchTries || ctx.Err() != nil || gyre.ErrorCode(err) != gyre.Unavailable {
			return doc, err
		}
		if r.Log != nil {
			r.Log.Debug("fetch again", "url", u.String(), "try", try, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(max(wait, min(retryAfter, maxRetryAfter))):
		}
		wait *= 2
	}
}

func (r FeedRequest) open(path string, last FeedState, limit int64) (*Document, error) {
	if !filepath.IsAbs(r.Base) {
		return nil, gyre.FieldErrorf(gyre.Invalid, "feeds", "%q is neither an http(s) URL nor an absolute folder", r.Base)
	}
	name := filepath.Join(r.Base, filepath.FromSlash(path))
	if info, err := os.Stat(r.Base); err == nil && !info.IsDir() {
		name = r.Base
	}
	f, err := os.Open(name) // #nosec G304 -- the operator chose the folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil, gyre.Errorf(gyre.NotFound, "there is no file %s", name)
	}
	if err != nil {
		return nil, gyre.Errorf(gyre.Unavailable, "open feed file: %w", err)
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, gyre.Errorf(gyre.Unavailable, "%s is not a regular file", name)
	}
	if info.Size() > limit {
		_ = f.Close()
		return nil, gyre.Errorf(gyre.TooLarge, "%s has %d bytes, more than %d", name, info.Size(), limit)
	}
	modified := info.ModTime().UTC().Format(time.RFC3339Nano) + " " + strconv.FormatInt(info.Size(), 10)
	if modified == last.Modified {
		return nil, f.Close()
	}
	return &Document{File: f, Size: info.Size(), State: FeedState{Modified: modified}}, nil
}

var defaultClient = &http.Client{
	Timeout: 15 * time.Minute,
	Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
		ForceAttemptHTTP2:     true,
	},
}

func (r FeedRequest) download(ctx context.Context, address string, last FeedState, limit int64) (doc *Document, retryAfter time.Duration, err error) {
	client := r.Client
	if client == nil {
		client = defaultClient
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, gyre.FieldErrorf(gyre.Invalid, "feeds", "%q is not a URL", address)
	}
	req.Header.Set("User-Agent", "gyre (+https://github.com/gyre-ctem/gyre)")
	if last.ETag != "" {
		req.Header.Set("If-None-Match", last.ETag)
	}
	if last.Modified != "" {
		req.Header.Set("If-Modified-Since", last.Modified)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, 0, gyre.Errorf(gyre.Unavailable, "fetch feed: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusNotModified && (last.ETag != "" || last.Modified != ""):
		return nil, 0, nil
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone:
		return nil, 0, gyre.Errorf(gyre.NotFound, "%s answered %s", address, resp.Status)
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return nil, time.Duration(max(0, min(seconds, 3600))) * time.Second, gyre.Errorf(gyre.Unavailable, "%s answered %s", address, resp.Status)
	case resp.StatusCode != http.StatusOK:
		return nil, 0, gyre.Errorf(gyre.Forbidden, "%s answered %s", address, resp.Status)
	case resp.ContentLength > limit:
		return nil, 0, gyre.Errorf(gyre.TooLarge, "%s has %d bytes, more than %d", address, resp.ContentLength, limit)
	}
	doc, err = keep(resp.Body, resp.ContentLength, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("fetch %s: %w", address, err)
	}
	doc.State = FeedState{ETag: resp.Header.Get("ETag"), Modified: resp.Header.Get("Last-Modified")}
	return doc, 0, nil
}

// keep writes a body to a temporary file and rewinds it.
func keep(body io.Reader, length, limit int64) (*Document, error) {
	f, err := os.CreateTemp("", "gyre-feed-*")
	if err != nil {
		return nil, fmt.Errorf("create file for download: %w", err)
	}
	doc := &Document{File: f, temp: true}
	doc.Size, err = io.Copy(f, io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		err = gyre.Errorf(gyre.Unavailable, "download broke off after %d bytes: %w", doc.Size, err)
	case doc.Size > limit:
		err = gyre.Errorf(gyre.TooLarge, "download has more than %d bytes", limit)
	case length > 0 && doc.Size != length:
		err = gyre.Errorf(gyre.Unavailable, "download broke off after %d of %d bytes", doc.Size, length)
	default:
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = doc.Close()
		return nil, err
	}
	return doc, nil
}
