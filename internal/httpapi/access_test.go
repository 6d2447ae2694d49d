// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/auth"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

// TestEveryOperationHasItsNeed: the table and the operations are the same set,
// and only what has to work before signing in is public.
func TestEveryOperationHasItsNeed(t *testing.T) {
	ops, _ := httpapi.Operations()
	if diff := cmp.Diff(slices.Sorted(maps.Keys(httpapi.Needs)), slices.Sorted(maps.Keys(ops))); diff != "" {
		t.Errorf("table of needs and operations differ (-table +operations):\n%s", diff)
	}
	var public []string
	for id, op := range ops {
		need := httpapi.NeedOf(op)
		if need == auth.Public {
			public = append(public, id)
		}
		if (need == auth.Public) != (len(op.Security) == 0) {
			t.Errorf("%s: needs %q, but the document says %v", id, need, op.Security)
		}
		if op.Method != http.MethodGet && need == auth.Read {
			t.Errorf("%s: a %s needs more than read", id, op.Method)
		}
	}
	slices.Sort(public)
	want := []string{"create-session", "delete-session", "get-session", "get-setup", "get-version"}
	if diff := cmp.Diff(want, public); diff != "" {
		t.Errorf("operations without signing in (-want +got):\n%s", diff)
	}
}

func path(template string) string {
	return strings.ReplaceAll(template, "{id}", gyre.NewID().String())
}

func TestAnonymousIsRefusedEverywhere(t *testing.T) {
	w := newWorld(t)
	ops, _ := httpapi.Operations()
	for id, op := range ops {
		for name, c := range map[string]*caller{
			"nobody": w.anonymous(), "wrong cookie": {w: w, cookie: "wrong"}, "wrong token": {w: w, token: "gyre_wrong"},
		} {
			a := c.raw(op.Method, path(op.Path), nil)
			if httpapi.NeedOf(op) != auth.Public {
				a.problem(t, http.StatusUnauthorized, gyre.Unauthorized)
				if a.header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s by %s: no WWW-Authenticate", id, name)
				}
			}
		}
	}
}

// TestRoles: a session may call an operation exactly when its role holds what
// the operation needs; a token of the same account and all scopes likewise, but
// for what takes a person.
func TestRoles(t *testing.T) {
	w := newWorld(t)
	ops, _ := httpapi.Operations()
	holds := map[gyre.Role][]auth.Grant{
		gyre.RoleReader: {auth.Self, auth.Read},
		gyre.RoleEditor: {auth.Self, auth.Read, auth.Write, auth.Scan},
		gyre.RoleAdmin:  {auth.Self, auth.Read, auth.Write, auth.Scan, auth.Admin},
	}
	for role, grants := range holds {
		session := w.as(role)
		var scopes []string
		for _, g := range grants[1:] {
			scopes = append(scopes, string(g))
		}
		made := read[httpapi.NewToken](t, session.do("POST", "/tokens", httpapi.TokenInput{Name: "all", Scopes: scopes}).want(t, http.StatusCreated))
		token := &caller{w: w, token: made.Secret}
		for id, op := range ops {
			need := httpapi.NeedOf(op)
			if need == auth.Public || id == "stream-events" {
				continue
			}
			for kind, c := range map[string]*caller{"session": session, "token": token} {
				allowed := slices.Contains(grants, need) && (kind == "session" || need != auth.Self)
				// Without a body that makes sense, what is allowed goes no further than being looked at.
				a := c.raw(op.Method, path(op.Path), strings.NewReader(`{"nonsense":true}`))
				if refused := a.status == http.StatusForbidden; refused == allowed || a.status == http.StatusUnauthorized {
					t.Errorf("%s of %s calls %s (needs %s): %d, allowed is %v", kind, role, id, need, a.status, allowed)
				}
			}
		}
	}
}

// TestOnlyAdministratorsWiden: an editor works inside the scopes, and cannot
// have a new file read or another network probed.
func TestOnlyAdministratorsWiden(t *testing.T) {
	w := newWorld(t)
	admin, editor := w.as(gyre.RoleAdmin), w.as(gyre.RoleEditor)
	sc := read[gyre.Scope](t, admin.do("POST", "/scopes", scopeInput("prod")).want(t, 201))
	made := read[httpapi.NewToken](t, editor.do("POST", "/tokens", httpapi.TokenInput{Name: "ci", Scopes: []string{"write", "scan"}}).want(t, 201))
	wide := map[string]any{"name": "wide", "targets": []any{map[string]any{"file": "/etc/shadow"}}}
	for kind, c := range map[string]*caller{"session": editor, "token": {w: w, token: made.Secret}} {
		for _, x := range []struct{ method, path string }{{"POST", "/scopes"}, {"PUT", "/scopes/" + sc.ID.String()}, {"DELETE", "/scopes/" + sc.ID.String()}} {
			if a := c.do(x.method, x.path, wide); a.status != http.StatusForbidden {
				t.Errorf("%s of an editor: %s %s answers %d", kind, x.method, x.path, a.status)
			}
		}
		c.do("GET", "/scopes", nil).want(t, 200)
	}
	if l := read[httpapi.ScopeList](t, admin.do("GET", "/scopes", nil)); len(l.Items) != 1 || l.Items[0].Name != "prod" {
		t.Errorf("scopes %+v, want prod as it was", l.Items)
	}
}

func TestFirstRun(t *testing.T) {
	w := newWorld(t)
	anon := w.anonymous()
	if s := read[httpapi.Setup](t, anon.do("GET", "/setup", nil)); !s.NeedsSetup {
		t.Error("an empty installation needs no setup")
	}
	link, acc, err := w.auth.StartLink(t.Context())
	must(t, err)
	if acc.Role != gyre.RoleAdmin {
		t.Errorf("the first account is %s", acc.Role)
	}
	a := anon.do("POST", "/session", httpapi.SignIn{OneTimeToken: link.Token}).want(t, http.StatusOK)
	s := read[httpapi.Session](t, a)
	if !s.Account.MustChange || s.Account.Name != "admin" || s.Workspace.Name != "default" || s.Version != "test" {
		t.Errorf("session %+v", s)
	}
	anon.do("POST", "/session", httpapi.SignIn{OneTimeToken: link.Token}).problem(t, http.StatusUnauthorized, gyre.Unauthorized)
	admin := &caller{w: w, cookie: a.cookie(auth.CookieName)}
	admin.do("POST", "/account/password", httpapi.PasswordChange{New: "short"}).problem(t, http.StatusUnprocessableEntity, gyre.Invalid)
	set := admin.do("POST", "/account/password", httpapi.PasswordChange{New: password}).want(t, http.StatusNoContent)
	admin.do("GET", "/session", nil).problem(t, http.StatusUnauthorized, gyre.Unauthorized) // its key was replaced
	admin.cookie = set.cookie(auth.CookieName)
	if s := read[httpapi.Session](t, admin.do("GET", "/session", nil).want(t, 200)); s.Account.MustChange {
		t.Error("a password is still asked for")
	}
	if s := read[httpapi.Setup](t, anon.do("GET", "/setup", nil)); s.NeedsSetup {
		t.Error("setup is still needed")
	}
	admin.do("POST", "/account/password", httpapi.PasswordChange{Current: "wrong", New: password + "2"}).problem(t, 422, gyre.Invalid)
}

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	c := w.as(gyre.RoleReader)
	a := w.anonymous().do("POST", "/session", httpapi.SignIn{Name: "THE-reader ", Password: password}).want(t, 200)
	cookie := a.header.Get("Set-Cookie")
	for _, want := range []string{"gyre_session=", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=604800"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("cookie %q lacks %s", cookie, want)
		}
	}
	again := c.do("POST", "/session", httpapi.SignIn{Name: "the-reader", Password: password}).want(t, 200)
	if again.cookie(auth.CookieName) == c.cookie {
		t.Error("signing in kept the session's key")
	}
	c.do("GET", "/session", nil).problem(t, 401, gyre.Unauthorized) // the old key is no good any more
	c.cookie = again.cookie(auth.CookieName)
	c.do("DELETE", "/session", nil).want(t, http.StatusNoContent)
	c.do("GET", "/session", nil).problem(t, 401, gyre.Unauthorized)

	wrong := w.anonymous().do("POST", "/session", httpapi.SignIn{Name: "the-reader", Password: "wrong"}).problem(t, 401, gyre.Unauthorized)
	unknown := w.anonymous().do("POST", "/session", httpapi.SignIn{Name: "nobody", Password: "wrong"}).problem(t, 401, gyre.Unauthorized)
	if wrong.Detail != unknown.Detail {
		t.Errorf("a wrong password says %q, an unknown name %q", wrong.Detail, unknown.Detail)
	}
}

func TestDisabledAccountIsOutAtOnce(t *testing.T) {
	w := newWorld(t)
	admin, reader := w.as(gyre.RoleAdmin), w.as(gyre.RoleReader)
	made := read[httpapi.NewToken](t, reader.do("POST", "/tokens", httpapi.TokenInput{Name: "t", Scopes: []string{"read"}}).want(t, 201))
	token := &caller{w: w, token: made.Secret}
	token.do("GET", "/overview", nil).want(t, 200)
	me := read[httpapi.Session](t, reader.do("GET", "/session", nil)).Account
	admin.do("PATCH", "/accounts/"+me.ID.String(), map[string]any{"disabled": true}).want(t, 200)
	reader.do("GET", "/overview", nil).problem(t, 401, gyre.Unauthorized)
	token.do("GET", "/overview", nil).problem(t, 401, gyre.Unauthorized)
	w.anonymous().do("POST", "/session", httpapi.SignIn{Name: "the-reader", Password: password}).problem(t, 401, gyre.Unauthorized)
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	editor := w.as(gyre.RoleEditor)
	editor.do("POST", "/tokens", httpapi.TokenInput{Name: "t", Scopes: []string{"admin"}}).problem(t, 403, gyre.Forbidden)
	editor.do("POST", "/tokens", httpapi.TokenInput{Name: "t", Scopes: []string{"root"}}).problem(t, 422, gyre.Invalid)
	editor.do("POST", "/tokens", httpapi.TokenInput{Name: "t", Scopes: []string{"read"}, Expires: w.now().AddDate(3, 0, 0)}).problem(t, 422, gyre.Invalid)
	editor.do("POST", "/tokens", httpapi.TokenInput{Name: "t", Scopes: []string{"read"}, Account: "the-admin"}).problem(t, 403, gyre.Forbidden)
	made := read[httpapi.NewToken](t, editor.do("POST", "/tokens", httpapi.TokenInput{Name: "ci", Scopes: []string{"read"}, Expires: w.now().Add(time.Hour)}).want(t, 201))
	if !strings.HasPrefix(made.Secret, "gyre_") || len(made.Secret) < 40 {
		t.Errorf("secret %q", made.Secret)
	}
	ci := &caller{w: w, token: made.Secret}
	ci.do("GET", "/exposures", nil).want(t, 200)
	ci.do("POST", "/filters", httpapi.FilterInput{Name: "f", Filter: "risk > 1.0"}).problem(t, 403, gyre.Forbidden)
	list := editor.do("GET", "/tokens", nil).want(t, 200)
	if strings.Contains(string(list.body), made.Secret) {
		t.Error("the list of tokens holds the secret")
	}
	if l := read[httpapi.TokenList](t, list); len(l.Items) != 1 || l.Items[0].LastUsed.IsZero() {
		t.Errorf("tokens %+v, want one that was used", l.Items)
	}
	stored, err := w.db.Tokens(t.Context(), w.ws, 0)
	must(t, err)
	if strings.Contains(stored[0].Hash, made.Secret[5:]) {
		t.Error("the secret is stored")
	}
	if l := read[httpapi.TokenList](t, w.as(gyre.RoleReader).do("GET", "/tokens", nil)); len(l.Items) != 0 {
		t.Error("somebody else sees the token")
	}
	w.pass(2 * time.Hour)
	ci.do("GET", "/exposures", nil).problem(t, 401, gyre.Unauthorized)
	editor.do("DELETE", "/tokens/"+made.Token.ID.String(), nil).want(t, 204)
	editor.do("DELETE", "/tokens/"+made.Token.ID.String(), nil).problem(t, 404, gyre.NotFound)
}

func TestAccounts(t *testing.T) {
	w := newWorld(t)
	admin := w.as(gyre.RoleAdmin)
	me := read[httpapi.Session](t, admin.do("GET", "/session", nil)).Account
	mine := "/accounts/" + me.ID.String()
	admin.do("DELETE", mine, nil).problem(t, 409, gyre.Conflict)
	admin.do("PATCH", mine, map[string]any{"role": "reader"}).problem(t, 409, gyre.Conflict)
	admin.do("POST", "/accounts", httpapi.AccountInput{Name: "a b", Role: "reader"}).problem(t, 422, gyre.Invalid)
	admin.do("POST", "/accounts", httpapi.AccountInput{Name: "ann", Role: "owner"}).problem(t, 422, gyre.Invalid)
	made := read[httpapi.NewAccount](t, admin.do("POST", "/accounts", httpapi.AccountInput{Name: "Ann", Role: "editor"}).want(t, 201))
	if made.Link == nil || made.Account.Name != "ann" {
		t.Fatalf("made %+v, want ann with a link", made)
	}
	admin.do("POST", "/accounts", httpapi.AccountInput{Name: "ANN", Role: "editor"}).problem(t, 409, gyre.Conflict)
	a := w.anonymous().do("POST", "/session", httpapi.SignIn{OneTimeToken: made.Link.Token}).want(t, 200)
	ann := &caller{w: w, cookie: a.cookie(auth.CookieName)}
	ann.do("GET", "/accounts", nil).problem(t, 403, gyre.Forbidden)
	his := "/accounts/" + made.Account.ID.String()
	admin.do("PATCH", his, map[string]any{"password": "a new passphrase"}).want(t, 200)
	ann.do("GET", "/session", nil).problem(t, 401, gyre.Unauthorized)
	list := admin.do("GET", "/accounts", nil).want(t, 200)
	if strings.Contains(string(list.body), "argon2") {
		t.Error("the list of accounts holds password hashes")
	}
	admin.do("DELETE", his, nil).want(t, 204)
	if n := len(read[httpapi.AccountList](t, admin.do("GET", "/accounts", nil)).Items); n != 1 {
		t.Errorf("%d accounts", n)
	}
}

// TestAuditLog: what changes something, or was refused, leaves a line.
func TestAuditLog(t *testing.T) {
	w := newWorld(t)
	admin, reader := w.as(gyre.RoleAdmin), w.as(gyre.RoleReader)
	admin.do("POST", "/scopes", scopeInput("prod")).want(t, 201)
	admin.do("POST", "/scopes", scopeInput("prod")).problem(t, 409, gyre.Conflict)
	reader.do("POST", "/scopes", scopeInput("mine")).problem(t, 403, gyre.Forbidden)
	admin.do("POST", "/scopes", strings.NewReader(`{"nonsense":1}`)).problem(t, 422, gyre.Invalid)
	w.anonymous().do("POST", "/session", httpapi.SignIn{Name: "the-admin", Password: "wrong"}).want(t, 401)
	admin.do("GET", "/scopes", nil).want(t, 200)
	log := read[httpapi.AuditPage](t, admin.do("GET", "/audit?limit=5", nil).want(t, 200))
	var got []string
	for _, e := range log.Items {
		got = append(got, strings.Join([]string{e.Actor, e.Action, e.Outcome, e.Address}, " "))
		if e.At.IsZero() || e.ID == 0 {
			t.Errorf("entry %+v", e)
		}
	}
	want := []string{
		"anonymous session.create unauthorized 127.0.0.1",
		"the-admin scope.create invalid 127.0.0.1",
		"the-reader scope.create forbidden 127.0.0.1",
		"the-admin scope.create conflict 127.0.0.1",
		"the-admin scope.create ok 127.0.0.1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("audit log (-want +got):\n%s", diff)
	}
	if log.Next == "" {
		t.Fatal("there are more entries, but no next page")
	}
	more := read[httpapi.AuditPage](t, admin.do("GET", "/audit?after="+log.Next, nil).want(t, 200))
	if len(more.Items) != 2 || more.Next != "" {
		t.Errorf("second page has %d entries, next %q; want the two sign-ins", len(more.Items), more.Next)
	}
	if b, _ := json.Marshal(log); strings.Contains(string(b), "wrong") || strings.Contains(w.log.String(), password) {
		t.Error("a password is in a log")
	}
}

func scopeInput(name string) map[string]any {
	return map[string]any{"name": name, "targets": []map[string]any{{"cidr": "127.0.0.0/30"}}}
}
