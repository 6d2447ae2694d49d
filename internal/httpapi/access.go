// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"net/http"
	"runtime"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/auth"
)

func (s *server) registerAccess(api huma.API) {
	add(s, api, "get-setup", http.MethodGet, "/setup", "Whether anybody can sign in yet", s.getSetup)
	add(s, api, "get-version", http.MethodGet, "/version", "What runs here", s.getVersion)
	add(s, api, "create-session", http.MethodPost, "/session", "Sign in", s.createSession)
	add(s, api, "get-session", http.MethodGet, "/session", "Who is signed in", s.getSession)
	add(s, api, "delete-session", http.MethodDelete, "/session", "Sign out", s.deleteSession)
	add(s, api, "set-password", http.MethodPost, "/account/password", "Set one's own password; other sessions end", s.setPassword)

	add(s, api, "list-accounts", http.MethodGet, "/accounts", "List accounts", s.listAccounts)
	add(s, api, "create-account", http.MethodPost, "/accounts", "Add an account", s.createAccount, status(http.StatusCreated))
	add(s, api, "patch-account", http.MethodPatch, "/accounts/{id}", "Change an account", s.patchAccount)
	add(s, api, "delete-account", http.MethodDelete, "/accounts/{id}", "Delete an account, its tokens and sessions", s.deleteAccount)
	add(s, api, "create-account-link", http.MethodPost, "/accounts/{id}/link", "Make a one-time sign-in link for an account", s.createLink, status(http.StatusCreated))

	add(s, api, "list-tokens", http.MethodGet, "/tokens", "List one's own API tokens; administrators see all", s.listTokens)
	add(s, api, "create-token", http.MethodPost, "/tokens", "Make an API token", s.createToken, status(http.StatusCreated))
	add(s, api, "delete-token", http.MethodDelete, "/tokens/{id}", "Revoke an API token", s.deleteToken)
	add(s, api, "list-audit", http.MethodGet, "/audit", "The audit log, newest first", s.listAudit)
}

func (s *server) getSetup(ctx context.Context, _ *nothing) (*reply[Setup], error) {
	needed, err := s.Auth.NeedsSetup(ctx)
	return ok(Setup{needed}, err)
}

func (s *server) getVersion(context.Context, *nothing) (*reply[Version], error) {
	return ok(Version{s.Version, runtime.Version()}, nil)
}

// sessionReply is a Session with its cookie.
type sessionReply struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Session
}

// cookieReply is an answer with a cookie only.
type cookieReply struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (s *server) createSession(ctx context.Context, in *with[SignIn]) (*sessionReply, error) {
	var p *auth.Principal
	var cookie *http.Cookie
	var err error
	note(ctx).object = in.Body.Name
	if in.Body.OneTimeToken != "" {
		p, cookie, err = s.Auth.SignInOnce(ctx, in.Body.OneTimeToken, note(ctx).address)
	} else {
		p, cookie, err = s.Auth.SignIn(ctx, in.Body.Name, in.Body.Password, note(ctx).address)
	}
	if err != nil {
		return nil, err
	}
	note(ctx).principal = p
	session, err := s.session(ctx, p)
	return &sessionReply{*cookie, session}, err
}

func (s *server) getSession(ctx context.Context, _ *nothing) (*reply[Session], error) {
	p := auth.From(ctx)
	if p == nil {
		return nil, errAnonymous
	}
	return ok(s.session(ctx, p))
}

func (s *server) session(ctx context.Context, p *auth.Principal) (Session, error) {
	ws, err := s.Workspaces.Workspace(ctx, p.Workspace)
	if err != nil {
		return Session{}, err
	}
	out := Session{
		Account:   SessionAccount{ID: p.Account.ID, Name: p.Name(), Role: p.Account.Role, MustChange: p.MustChange()},
		Workspace: WorkspaceName{ws.ID, ws.Name}, Version: s.Version,
	}
	if p.Method == auth.ByProcess {
		out.Account.Role = gyre.RoleAdmin
	}
	for _, g := range auth.TokenScopes {
		if p.May(g) {
			out.Account.Grants = append(out.Account.Grants, string(g))
		}
	}
	return out, nil
}

func (s *server) deleteSession(ctx context.Context, _ *nothing) (*cookieReply, error) {
	cookie, err := s.Auth.SignOut(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	return &cookieReply{*cookie}, nil
}

func (s *server) setPassword(ctx context.Context, in *with[PasswordChange]) (*cookieReply, error) {
	cookie, err := s.Auth.SetPassword(ctx, auth.From(ctx), in.Body.Current, in.Body.New)
	if err != nil {
		return nil, err
	}
	return &cookieReply{*cookie}, nil
}

func (s *server) listAccounts(ctx context.Context, _ *nothing) (*reply[AccountList], error) {
	all, err := s.Auth.Accounts(ctx, workspace(ctx))
	return ok(AccountList{all}, err)
}

func (s *server) createAccount(ctx context.Context, in *with[AccountInput]) (*reply[NewAccount], error) {
	a, err := s.Auth.CreateAccount(ctx, workspace(ctx), in.Body.Name, in.Body.Role, in.Body.Password)
	if err != nil {
		return nil, err
	}
	note(ctx).object, note(ctx).details = a.ID.String(), a.Name+" as "+string(a.Role)
	out := NewAccount{Account: a}
	if in.Body.Password == "" {
		link, err := s.Auth.Link(ctx, a, auth.InvitationLife)
		if err != nil {
			return nil, err
		}
		out.Link = &SignInLink{link.Token, link.Expires}
	}
	return ok(out, nil)
}

func (s *server) patchAccount(ctx context.Context, in *struct {
	ByID
	Body AccountPatch
},
) (*reply[gyre.Account], error) {
	return ok(s.Auth.PatchAccount(ctx, workspace(ctx), in.ID.ID, auth.AccountPatch(in.Body)))
}

func (s *server) deleteAccount(ctx context.Context, in *ByID) (*nothing, error) {
	return nil, s.Auth.DeleteAccount(ctx, auth.From(ctx), in.ID.ID)
}

func (s *server) createLink(ctx context.Context, in *ByID) (*reply[SignInLink], error) {
	a, err := s.Auth.Account(ctx, workspace(ctx), in.ID.ID)
	if err != nil {
		return nil, err
	}
	link, err := s.Auth.Link(ctx, a, auth.LinkLife)
	return ok(SignInLink(link), err)
}

func (s *server) listTokens(ctx context.Context, _ *nothing) (*reply[TokenList], error) {
	all, err := s.Auth.Tokens(ctx, auth.From(ctx))
	return ok(TokenList{all}, err)
}

func (s *server) createToken(ctx context.Context, in *with[TokenInput]) (*reply[NewToken], error) {
	t, secret, err := s.Auth.CreateToken(ctx, auth.From(ctx), auth.TokenRequest(in.Body))
	if err != nil {
		return nil, err
	}
	note(ctx).object, note(ctx).details = t.ID.String(), t.Name
	return ok(NewToken{t, secret}, nil)
}

func (s *server) deleteToken(ctx context.Context, in *ByID) (*nothing, error) {
	return nil, s.Auth.DeleteToken(ctx, auth.From(ctx), in.ID.ID)
}

func (s *server) listAudit(ctx context.Context, in *struct {
	PageQuery
},
) (*reply[AuditPage], error) {
	items, next, err := pageOf(in.PageQuery, func(before gyre.ID, limit int) ([]gyre.AuditEntry, error) {
		return s.Audit.List(ctx, workspace(ctx), before, limit)
	}, func(e gyre.AuditEntry) gyre.ID { return e.ID })
	return ok(AuditPage{items, next}, err)
}

// PageQuery asks for one page of a list that is ordered by id.
type PageQuery struct {
	After pathID `query:"after" doc:"next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

// pageOf reads one row more than the page holds, to know whether there is a next one.
func pageOf[T any](p PageQuery, read func(after gyre.ID, limit int) ([]T, error), id func(T) gyre.ID) (items []T, next string, err error) {
	items, err = read(p.After.ID, p.Limit+1)
	if err != nil || len(items) <= p.Limit {
		return items, "", err
	}
	items = items[:p.Limit]
	return items, id(items[p.Limit-1]).String(), nil
}
