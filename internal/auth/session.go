// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
)

// CookieName is the name of the session cookie.
const CookieName = "gyre_session"

// touchEvery bounds how often the use of a session or token is written.
const touchEvery = 5 * time.Minute

// touchTimeout: a request does not wait for a busy database to note that it happened.
const touchTimeout = 200 * time.Millisecond

// Values of a session.
const (
	valAccount   = "account"
	valWorkspace = "workspace"
	valMethod    = "method"
	valTouched   = "touched"
)

// open makes a session with a fresh key.
func (a *Auth) open(ctx context.Context, acc gyre.Account, m Method) (*Principal, *http.Cookie, error) {
	sctx, err := a.sessions.Load(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	for name, value := range map[string]string{
		valAccount: acc.ID.String(), valWorkspace: acc.Workspace.String(), valMethod: string(m), valTouched: a.Now().Format(time.RFC3339),
	} {
		a.sessions.Put(sctx, name, value)
	}
	key, _, err := a.sessions.Commit(sctx)
	if err != nil {
		return nil, nil, err
	}
	p := &Principal{Account: acc, Workspace: acc.Workspace, Method: m, Grants: grantsOf(acc.Role), key: key}
	return p, a.cookie(key, int(a.Lifetime/time.Second)), nil
}

func (a *Auth) cookie(key string, maxAge int) *http.Cookie {
	return &http.Cookie{ // #nosec G124 -- without TLS (loopback) a Secure cookie would be lost
		Name: CookieName, Value: key, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: a.Secure, SameSite: http.SameSiteStrictMode,
	}
}

// bySession finds who a session belongs to; nil when there is no such session.
func (a *Auth) bySession(ctx context.Context, key string) (*Principal, error) {
	sctx, err := a.sessions.Load(ctx, key)
	if err != nil {
		return nil, err
	}
	id, _ := gyre.ParseID(a.sessions.GetString(sctx, valAccount))
	ws, _ := gyre.ParseID(a.sessions.GetString(sctx, valWorkspace))
	if id == 0 {
		return nil, nil
	}
	acc, err := a.Store.Account(ctx, ws, id)
	if gyre.ErrorCode(err) == gyre.NotFound || (err == nil && acc.Disabled) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if touched, err := time.Parse(time.RFC3339, a.sessions.GetString(sctx, valTouched)); err != nil || a.Now().Sub(touched) > min(touchEvery, a.Idle/10) {
		a.touch(sctx)
	}
	return &Principal{
		Account: acc, Workspace: ws, Method: Method(a.sessions.GetString(sctx, valMethod)), Grants: grantsOf(acc.Role), key: key,
	}, nil
}

// touch puts off the idle end of a session.
func (a *Auth) touch(sctx context.Context) {
	sctx, cancel := context.WithTimeout(sctx, touchTimeout)
	defer cancel()
	a.sessions.Put(sctx, valTouched, a.Now().Format(time.RFC3339))
	if _, _, err := a.sessions.Commit(sctx); err != nil {
		a.Log.Debug("note use of session", "error", err)
	}
}

func (a *Auth) end(ctx context.Context, key string) error {
	sctx, err := a.sessions.Load(ctx, key)
	if err != nil {
		return err
	}
	return a.sessions.Destroy(sctx)
}

// endAll ends every session and link of an account.
func (a *Auth) endAll(ctx context.Context, account gyre.ID) error {
	all, err := a.Sessions.AllCtx(ctx)
	if err != nil {
		return err
	}
	for key, data := range all {
		var of gyre.ID
		if strings.HasPrefix(key, linkPrefix) {
			var l linkData
			_ = json.Unmarshal(data, &l)
			of = l.Account
		} else if _, values, err := (jsonCodec{}).Decode(data); err == nil {
			text, _ := values[valAccount].(string)
			of, _ = gyre.ParseID(text)
		}
		if of == account {
			if err := a.Sessions.DeleteCtx(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// scsStore fits Sessions to scs, which also asks for methods without a context.
type scsStore struct{ Sessions }

func (s scsStore) Find(key string) ([]byte, bool, error) { return s.FindCtx(context.Background(), key) }

func (s scsStore) Delete(key string) error { return s.DeleteCtx(context.Background(), key) }

func (s scsStore) Commit(key string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), key, data, expiry)
}

// jsonCodec writes sessions as JSON: values are texts, and unlike gob the same
// session is the same bytes.
type jsonCodec struct{}

type sessionData struct {
	Deadline time.Time         `json:"deadline"`
	Values   map[string]string `json:"values"`
}

func (jsonCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	d := sessionData{deadline, map[string]string{}}
	for k, v := range values {
		if text, isText := v.(string); isText {
			d.Values[k] = text
		}
	}
	return json.Marshal(d)
}

func (jsonCodec) Decode(b []byte) (time.Time, map[string]any, error) {
	var d sessionData
	if err := json.Unmarshal(b, &d); err != nil {
		return time.Time{}, nil, err
	}
	values := make(map[string]any, len(d.Values))
	for k, v := range d.Values {
		values[k] = v
	}
	return d.Deadline, values, nil
}
