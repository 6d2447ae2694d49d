// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strings"
)

// Downloads serves a folder; with its flaw it lists it.
func Downloads(s *Site) {
	files := map[string]string{
		"price-list.txt": "article;price\n1001;12.50\n1002;8.90\n", "manual.txt": "Read this first.\n",
		"customers-2023.txt": "number;city\n4711;Springfield\n",
	}
	s.Pages = map[string]http.HandlerFunc{}
	for name, text := range files {
		s.Pages["/"+name] = func(w http.ResponseWriter, _ *http.Request) { Text(w, http.StatusOK, text) }
	}
	s.Pages["/"] = func(w http.ResponseWriter, _ *http.Request) {
		if !s.has("listing") {
			Page(w, http.StatusOK, s.Title, "<p>Follow the link that you were sent.</p>")
			return
		}
		var b strings.Builder
		b.WriteString("<pre><a href=\"../\">../</a>\n")
		for _, name := range []string{"customers-2023.txt", "manual.txt", "price-list.txt"} {
			fmt.Fprintf(&b, "<a href=\"%s\">%s</a>   01-Mar-2024 09:12   %d\n", name, html.EscapeString(name), len(files[name]))
		}
		b.WriteString("</pre>")
		Page(w, http.StatusOK, "Index of /", b.String())
	}
}

// Blog has its repository and its environment file in the document root.
func Blog(s *Site) {
	while := func(flaw, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if !s.has(flaw) {
				Page(w, http.StatusNotFound, "Not found", "<p>There is no such page.</p>")
				return
			}
			Text(w, http.StatusOK, text)
		}
	}
	s.Pages = map[string]http.HandlerFunc{
		"/.git/HEAD":            while("git", "ref: refs/heads/main\n"),
		"/.git/refs/heads/main": while("git", "4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"),
		"/.git/config":          while("git", "[core]\n\trepositoryformatversion = 0\n\tbare = false\n[remote \"origin\"]\n\turl = https://git.corp.example/web/blog.git\n"),
		"/.env":                 while("env", "APP_ENV=production\nDB_HOST=10.1.2.3\nDB_USER=blog\nDB_PASSWORD=practice-only\nMAIL_PASSWORD=practice-only\n"),
	}
}

// Admin has an administration page behind basic authentication.
func Admin(s *Site) {
	admin := func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		want := "F7-quite-long-and-not-guessable"
		if s.has("default-credentials") {
			want = "admin"
		}
		if user != "admin" || subtle.ConstantTimeCompare([]byte(password), []byte(want)) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="Administration"`)
			Page(w, http.StatusUnauthorized, "Sign in", "<p>A name and a password, please.</p>")
			return
		}
		Page(w, http.StatusOK, "Administration", "<p>Signed in as admin.</p><ul><li>Users</li><li>Backups</li><li>Restart</li></ul>")
	}
	s.Pages = map[string]http.HandlerFunc{"/admin": admin, "/admin/": admin, "/": func(w http.ResponseWriter, _ *http.Request) {
		Page(w, http.StatusOK, s.Title, `<p><a href="/admin">Administration</a></p>`)
	}}
}

// Status is a web server with a status page.
func Status(s *Site) {
	s.Pages = map[string]http.HandlerFunc{"/server-status": func(w http.ResponseWriter, _ *http.Request) {
		if !s.has("server-status") {
			Page(w, http.StatusForbidden, "Forbidden", "<p>Not from here.</p>")
			return
		}
		Page(w, http.StatusOK, "Apache Status", "<h2>Apache Server Status for "+html.EscapeString(s.Name)+
			"</h2><dl><dt>Server uptime: 41 days 3 hours</dt><dt>Total accesses: 98123 - Total Traffic: 1.1 GB</dt></dl>"+
			"<pre>Srv PID Acc M CPU Client VHost Request\n0-0 812 0/12/900 W 0.4 10.20.0.7 status GET /login?user=ops HTTP/1.1</pre>")
	}}
}

// Home is the organisation's home page; it counts its visitors with a supplier's script.
func Home(s *Site) {
	const script = "window.visits=(window.visits||0)+1;"
	sum := sha512.Sum384([]byte(script))
	integrity := ` integrity="sha384-` + base64.StdEncoding.EncodeToString(sum[:]) + `" crossorigin="anonymous"`
	s.Pages = map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) {
		attrs := integrity
		if s.has("foreign-script") {
			attrs = ""
		}
		Page(w, http.StatusOK, s.Title, `<p>Welcome.</p><script src="https://metrics.supplier.example/count.js"`+attrs+`></script>`)
	}}
}

// Wiki asks for a password on every page, over plain HTTP as long as its flaw is there.
func Wiki(s *Site) {
	s.Plain = func() bool { return s.has("basic-cleartext") }
	s.Fallback = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="Wiki"`)
		Page(w, http.StatusUnauthorized, "Sign in", "<p>The wiki is for employees.</p>")
	}
}

// Customers is an API that describes itself by OpenAPI.
func Customers(s *Site) {
	data := map[string]any{
		"/v1/customers": []map[string]any{
			{"number": 4711, "name": "Example Bakery", "city": "Springfield", "iban": "XX00 EXAMPLE 4711"},
			{"number": 4712, "name": "Example Garage", "city": "Shelbyville", "iban": "XX00 EXAMPLE 4712"},
		},
		"/v1/orders": []map[string]any{{"order": 9001, "customer": 4711, "total": "118.40"}, {"order": 9002, "customer": 4712, "total": "17.80"}},
	}
	s.Pages = map[string]http.HandlerFunc{"/openapi.json": func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.document())
	}}
	for path, rows := range data {
		s.Pages[path] = func(w http.ResponseWriter, r *http.Request) {
			switch {
			case !s.has("open-api"):
				w.Header().Set("WWW-Authenticate", `Bearer realm="customers"`)
				writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "a token is needed"})
			case r.Method != http.MethodGet && r.Method != http.MethodHead:
				writeJSON(w, http.StatusMethodNotAllowed, map[string]any{"error": "read only"})
			default:
				writeJSON(w, http.StatusOK, rows)
			}
		}
	}
}

func (s *Site) document() map[string]any {
	list := func(id, what string) map[string]any {
		op := map[string]any{
			"operationId": id, "summary": "List " + what,
			"responses": map[string]any{"200": map[string]any{"description": "The " + what, "content": map[string]any{
				"application/json": map[string]any{"schema": map[string]any{"type": "array", "items": map[string]any{"type": "object"}}},
			}}},
		}
		if !s.has("open-api") {
			op["security"] = []any{map[string]any{"token": []any{}}}
		}
		return map[string]any{"get": op}
	}
	return map[string]any{
		"openapi": "3.0.3", "info": map[string]any{"title": "Customers", "version": "1.4.0"},
		"paths": map[string]any{"/v1/customers": list("listCustomers", "customers"), "/v1/orders": list("listOrders", "orders")},
		"components": map[string]any{"securitySchemes": map[string]any{
			"token": map[string]any{"type": "http", "scheme": "bearer"},
		}},
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
