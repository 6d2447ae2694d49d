// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// web serves a handler, over TLS when there is a configuration.
func web(t testing.TB, conf *tls.Config, h http.HandlerFunc) uint16 {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.20.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	port := netip.MustParseAddrPort(ln.Addr().String()).Port()
	if conf != nil {
		ln = tls.NewListener(ln, conf)
	}
	go func() {
		defer close(done)
		_ = srv.Serve(ln)
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return port
}

func certificate(t testing.TB, name string, ends time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0xabc), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: ends.AddDate(-1, 0, 0), NotAfter: ends,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

const nobody = "<!doctype html><html><head><title>Nothing</title></head><body>There is nothing here. <a href=\"/hidden/a.txt\">a</a></body></html>"

// weakSite shows everything that a site should not.
func weakSite(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Server", "nginx/1.18.0")
	h.Set("Content-Type", "text/html; charset=utf-8")
	if o := r.Header.Get("Origin"); o != "" {
		h.Set("Access-Control-Allow-Origin", o)
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	json := func(s string) { h.Set("Content-Type", "application/json"); _, _ = io.WriteString(w, s) }
	if r.Method == http.MethodTrace {
		h.Set("Content-Type", "message/http")
		_, _ = fmt.Fprintf(w, "TRACE %s HTTP/1.1\r\n", r.URL.Path)
		_ = r.Header.Write(w)
		return
	}
	switch r.URL.Path {
	case "/":
		http.SetCookie(w, &http.Cookie{Name: "PHPSESSID", Value: "very-secret-session", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		_, _ = io.WriteString(w, nobody)
	case "/.git/HEAD":
		h.Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "ref: refs/heads/main\n")
	case "/.env":
		h.Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "# app\nAPP_ENV=production\n\nexport DB_PASSWORD=hunter2-is-the-value\n")
	case "/hidden/":
		_, _ = io.WriteString(w, "<html><head><title>Index of /hidden</title></head><body><pre><a href=\"a.txt\">a.txt</a></pre></body></html>")
	case "/server-status":
		_, _ = io.WriteString(w, "<title>Apache Status</title><h1>Apache Server Status for x</h1><dt>Server uptime: 1 day</dt>")
	case "/openapi.json":
		json(`{"openapi":"3.0.3","info":{"title":"Things"},"servers":[{"url":"/v1"}],"security":[{"token":[]}],"paths":{
			"/things":{"get":{}},"/empty":{"get":{}},"/guarded":{"get":{}},"/things/{id}":{"get":{}},"/search":{"get":{"parameters":[{"name":"q","in":"query","required":true}]}},
			"/public":{"get":{"security":[]}},"/health":{"get":{}},"/made":{"post":{}}}}`)
	case "/v1/things":
		json(`[{"id":1}]`)
	case "/v1/empty":
		json(`[]`)
	case "/v1/health", "/v1/public", "/v1/search", "/v1/made":
		json(`{"status":"up"}`)
	case "/v1/guarded":
		w.WriteHeader(http.StatusUnauthorized)
	case "/admin":
		if u, p, _ := r.BasicAuth(); u == "admin" && p == "password" {
			_, _ = io.WriteString(w, "<title>Administration</title>in")
			return
		}
		h.Set("WWW-Authenticate", `Basic realm="a"`)
		w.WriteHeader(http.StatusUnauthorized)
	case "/login":
		if r.Method == http.MethodPost {
			if c, err := r.Cookie("pre"); err != nil || c.Value != "1" || r.FormValue("csrf") != "t0ken" || r.FormValue("user")+r.FormValue("pass") != "adminadmin" {
				http.Redirect(w, r, "/login?error=1", http.StatusFound)
				return
			}
			http.SetCookie(w, &http.Cookie{Name: "s", Value: "1"})
			http.Redirect(w, r, "/dashboard", http.StatusFound)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "pre", Value: "1"})
		_, _ = io.WriteString(w, `<form method="post" action=""><input type=hidden name=csrf value=t0ken><input name=user><input type=password name=pass></form>`)
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, nobody)
	}
}

func TestWeakSite(t *testing.T) {
	port := web(t, nil, weakSite)
	got := mustRun(t, testScope("127.0.20.1", portList(port)), nil)
	root := got.fact(t, host, gyre.AspectHTTP, at(port))
	if root["status"] != int64(200) || root["title"] != "Nothing" || root["scheme"] != "http" || root["probe"] != "root" {
		t.Errorf("root %v", root)
	}
	if h, _ := root["headers"].(map[string]any); h["server"] != "nginx/1.18.0" || h["set-cookie"] != nil {
		t.Errorf("headers %v", h)
	}
	if c := fmt.Sprint(root["cookies"]); c != "[map[http_only:true name:PHPSESSID same_site:lax secure:false]]" {
		t.Errorf("cookies %s", c)
	}
	if tech := fmt.Sprint(root["technologies"]); tech != "[PHP nginx]" {
		t.Errorf("technologies %s", tech)
	}
	for suffix, want := range map[string]map[string]any{
		"/.git/HEAD":     {"probe": "git", "found": true},
		"/.env":          {"probe": "env", "found": true, "body_sample": "APP_ENV\nDB_PASSWORD"},
		"/hidden/":       {"probe": "listing", "found": true, "title": "Index of /hidden"},
		"/server-status": {"probe": "server-status", "found": true},
		"/#trace":        {"probe": "trace", "found": true, "path": "/"},
		"/#cors":         {"probe": "cors", "cors_any_origin_credentials": true},
		"/openapi.json":  {"probe": "openapi", "openapi_version": "3.0.3", "title": "Things"},
		"/admin":         {"probe": "default-credentials", "login_ok": true, "username": "admin"},
		"/login":         {"probe": "default-credentials", "login_ok": true, "username": "admin"},
	} {
		f := got.fact(t, host, gyre.AspectHTTP, at(port)+suffix)
		for k, v := range want {
			if f[k] != v {
				t.Errorf("%s: %s is %v, want %v", suffix, k, f[k], v)
			}
		}
		if !got.covers(host, gyre.AspectHTTP, at(port)+suffix) {
			t.Errorf("%s is not covered", suffix)
		}
	}
	if ops := fmt.Sprint(got.fact(t, host, gyre.AspectHTTP, at(port)+"/openapi.json")["open_operations"]); ops != "[GET /things]" {
		t.Errorf("open operations %s", ops)
	}
	if all := fmt.Sprint(got.facts); strings.Contains(all, "hunter2") || strings.Contains(all, "very-secret") || strings.Contains(all, "t0ken") {
		t.Error("a secret is in the facts")
	}
	if got.facts[host+" http "+at(port)+"/"] != nil || !got.covers(host, gyre.AspectHTTP, at(port)+"/uploads/") {
		t.Error("folders without a listing are not said to be without")
	}
	if got.covers(host, gyre.AspectHTTP, at(port)+"/some/other/path") {
		t.Error("a path is covered that nobody looked at")
	}
}

// TestSites that answer every path in one way must not look weak.
func TestSitesWithoutFlaws(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"page for everything": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, nobody)
		},
		"listing for everything": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			if r.URL.Path == "/" {
				_, _ = io.WriteString(w, nobody)
				return
			}
			_, _ = io.WriteString(w, "<title>Index of /</title><a href=x>x</a>")
		},
		"key for everything": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "PATH="+r.URL.Path+"\n")
		},
		"echo": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprintf(w, "<p>You asked for %s of %s: ref: refs/heads/main Index of / Apache Server Status</p>", r.Method, r.URL.Path)
		},
		"lets everybody in": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			if _, _, ok := r.BasicAuth(); !ok {
				w.Header().Set("WWW-Authenticate", `Basic realm="a"`)
				w.WriteHeader(http.StatusUnauthorized)
			}
			_, _ = io.WriteString(w, "<p>x</p>")
		},
		"form that always redirects": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			if r.Method == http.MethodPost {
				http.SetCookie(w, &http.Cookie{Name: "try", Value: "1"})
				http.Redirect(w, r, "/welcome", http.StatusFound)
				return
			}
			_, _ = io.WriteString(w, `<form method=post action=/x><input name=u><input type=password name=p></form> sign out`)
		},
		"allowed origins": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "https://partner.example")
			w.Header().Set("Access-Control-Allow-Credentials", "true")
		},
		"elsewhere": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://www.example.net/")
			w.WriteHeader(http.StatusMovedPermanently)
		},
		"in circles": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", r.URL.Path+"a")
			w.WriteHeader(http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port := web(t, nil, h)
			got := mustRun(t, testScope("127.0.20.1", portList(port)), nil)
			for place, f := range got.facts {
				if strings.Contains(place, " http ") && f["probe"] != "root" {
					t.Errorf("%s: %v", place, f)
				}
			}
			got.fact(t, host, gyre.AspectHTTP, at(port))
		})
	}
}

// TestBusySite: a server that says it is too busy has said nothing.
func TestBusySite(t *testing.T) {
	var mu sync.Mutex
	n := 0
	port := web(t, nil, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		busy := n > 4
		mu.Unlock()
		if busy {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		weakSite(w, r)
	})
	got := mustRun(t, testScope("127.0.20.1", portList(port)), nil)
	if got.covers(host, gyre.AspectHTTP, at(port)+"/openapi.json") || got.covers(host, gyre.AspectHTTP, at(port)+"/admin") {
		t.Errorf("covered although the server was busy: %v", got.coverage)
	}
	if len(got.report.Limits) == 0 {
		t.Error("nothing is said about it")
	}
}

func TestLockoutSafe(t *testing.T) {
	var mu sync.Mutex
	tries := map[string]int{}
	port := web(t, nil, func(w http.ResponseWriter, r *http.Request) {
		if u, _, ok := r.BasicAuth(); ok {
			mu.Lock()
			tries[u]++
			mu.Unlock()
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="one"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	got := mustRun(t, testScope("127.0.20.1", portList(port)), nil)
	if tries["admin"] == 0 || tries["admin"] > 3 || len(tries) > 3 {
		t.Errorf("tried %v", tries)
	}
	for _, suffix := range []string{"/#login", "/admin", "/login"} {
		if !got.covers(host, gyre.AspectHTTP, at(port)+suffix) {
			t.Errorf("%s is not covered", suffix)
		}
	}
}

func TestEngines(t *testing.T) {
	reply := func(status int, header, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			k, v, _ := strings.Cut(header, ": ")
			w.Header().Set(k, v)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	mux := func(m map[string]http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if h := m[r.URL.Path]; h != nil {
				h(w, r)
				return
			}
			w.WriteHeader(http.StatusNotFound)
		}
	}
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		want map[string]any
	}{
		"elasticsearch open": {
			reply(200, "X-Elastic-Product: Elasticsearch", `{"cluster_name":"c","version":{"number":"8.1.0"},"tagline":"You Know, for Search"}`),
			map[string]any{"protocol": "elasticsearch", "version": "8.1.0", "auth_required": false},
		},
		"elasticsearch closed": {
			reply(401, "WWW-Authenticate: ApiKey", `{"error":{"type":"security_exception"},"status":401}`),
			map[string]any{"protocol": "elasticsearch", "auth_required": true},
		},
		"docker open": {
			mux(map[string]http.HandlerFunc{"/version": reply(200, "A: b", `{"Version":"24.0.7","ApiVersion":"1.43","MinAPIVersion":"1.12"}`), "/containers/json": reply(200, "A: b", `[]`)}),
			map[string]any{"protocol": "docker", "version": "24.0.7", "auth_required": false},
		},
		"docker closed": {
			mux(map[string]http.HandlerFunc{"/version": reply(200, "A: b", `{"Version":"24.0.7","ApiVersion":"1.43","MinAPIVersion":"1.12"}`), "/containers/json": reply(403, "A: b", `{"message":"denied"}`)}),
			map[string]any{"protocol": "docker", "auth_required": true},
		},
		"etcd open": {
			mux(map[string]http.HandlerFunc{"/version": reply(200, "A: b", `{"etcdserver":"3.5.9","etcdcluster":"3.5.0"}`), "/v3/kv/range": reply(200, "A: b", `{"header":{"revision":"1"}}`)}),
			map[string]any{"protocol": "etcd", "version": "3.5.9", "auth_required": false},
		},
		"etcd closed": {
			mux(map[string]http.HandlerFunc{"/version": reply(200, "A: b", `{"etcdserver":"3.5.9"}`), "/v3/kv/range": reply(400, "A: b", `{"error":"etcdserver: user name is empty"}`)}),
			map[string]any{"protocol": "etcd", "auth_required": true},
		},
		"kubelet open": {mux(map[string]http.HandlerFunc{"/pods": reply(200, "A: b", `{"kind":"PodList","items":[]}`)}), map[string]any{"protocol": "kubelet", "auth_required": false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port := web(t, nil, c.h)
			got := mustRun(t, testScope("127.0.20.1", portList(port)), nil)
			f := got.fact(t, host, gyre.AspectService, at(port))
			for k, v := range c.want {
				if f[k] != v {
					t.Errorf("%s is %v, want %v", k, f[k], v)
				}
			}
			if !got.covers(host, gyre.AspectService, at(port)) || !got.covers(host, gyre.AspectHTTP, at(port)) {
				t.Error("not covered")
			}
		})
	}
}

func TestTLS(t *testing.T) {
	ends := time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	port := web(t, &tls.Config{
		Certificates: []tls.Certificate{certificate(t, "shop.example", ends)},
		MinVersion:   tls.VersionTLS10, MaxVersion: tls.VersionTLS12,
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA},
	}, weakSite)
	s := testScope("127.0.20.1", portList(port))
	got := mustRun(t, s, nil)
	f := got.fact(t, host, gyre.AspectTLS, at(port))
	for k, want := range map[string]string{
		"not_after": "2024-03-01T12:00:00Z", "not_before": "2023-03-01T12:00:00Z", "subject": "CN=shop.example", "self_signed": "true", "san": "[shop.example]",
		"key_type": "ecdsa", "key_bits": "256", "protocols": "[TLS1.0 TLS1.1 TLS1.2]", "weak_ciphers": "[TLS_ECDHE_ECDSA_WITH_RC4_128_SHA]",
		"signature_algorithm": "ECDSA-SHA256", "serial": "abc", "name_matches": "<nil>",
	} {
		if fmt.Sprint(f[k]) != want {
			t.Errorf("%s is %v, want %s", k, f[k], want)
		}
	}
	if f := got.fact(t, host, gyre.AspectHTTP, at(port)); f["scheme"] != "https" {
		t.Errorf("http fact %v", f)
	}
	if f := got.fact(t, host, gyre.AspectService, at(port)); f["tls"] != true || f["protocol"] != "https" || f["product"] != "nginx" || f["version"] != "1.18.0" {
		t.Errorf("service fact %v", f)
	}
	if !got.covers(host, gyre.AspectTLS, at(port)) {
		t.Error("TLS is not covered")
	}
	place := &plugin.Place{Aspect: gyre.AspectTLS, Locus: at(port), Asset: gyre.Asset{ID: 9, Identifiers: []gyre.Identifier{
		{Type: gyre.IDIP, Value: "127.0.20.1", Zone: gyre.ZoneDMZ}, {Type: gyre.IDFQDN, Value: "portal.example"},
	}}}
	again := mustRun(t, s, place)
	if f := again.fact(t, string(gyre.RefID(9)), gyre.AspectTLS, at(port)); f["name_matches"] != false || len(again.facts) != 1 {
		t.Errorf("retest: %v", again.facts)
	}
}

func TestModernTLS(t *testing.T) {
	port := web(t, &tls.Config{Certificates: []tls.Certificate{certificate(t, "a.example", time.Now().AddDate(1, 0, 0))}, MinVersion: tls.VersionTLS13}, weakSite)
	f := mustRun(t, testScope("127.0.20.1", portList(port)), nil).fact(t, host, gyre.AspectTLS, at(port))
	if fmt.Sprint(f["protocols"], f["weak_ciphers"]) != "[TLS1.3] []" {
		t.Errorf("protocols %v, weak %v", f["protocols"], f["weak_ciphers"])
	}
}

func TestRetestOfOnePath(t *testing.T) {
	var mu sync.Mutex
	var paths []string
	port := web(t, nil, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		paths = append(paths, r.Method+" "+r.URL.Path)
		mu.Unlock()
		weakSite(w, r)
	})
	place := &plugin.Place{Aspect: gyre.AspectHTTP, Locus: at(port) + "/.git/HEAD", Asset: gyre.Asset{ID: 9, Identifiers: []gyre.Identifier{
		{Type: gyre.IDIP, Value: "127.0.20.1", Zone: gyre.ZoneDMZ},
	}}}
	ref := string(gyre.RefID(9))
	got := mustRun(t, testScope("127.0.20.0/24", portList(port)+",22"), place)
	if len(got.facts) != 1 || len(got.assets) != 0 || got.fact(t, ref, gyre.AspectHTTP, place.Locus)["found"] != true {
		t.Errorf("facts %v, assets %v", got.facts, got.assets)
	}
	if len(got.coverage) != 1 || !slices.Equal(got.coverage[0].Loci, []string{place.Locus}) {
		t.Errorf("coverage %+v", got.coverage)
	}
	if slices.Contains(paths, "GET /.env") || slices.Contains(paths, "GET /admin") {
		t.Errorf("a retest of one path asked for %v", paths)
	}
	place.Locus = at(port) + "/hidden/"
	if got = mustRun(t, testScope("127.0.20.0/24", portList(port)), place); got.fact(t, ref, gyre.AspectHTTP, place.Locus) == nil || !got.covers(ref, gyre.AspectHTTP, place.Locus) {
		t.Errorf("coverage %+v", got.coverage)
	}
	place.Locus = "tcp/65000/.env"
	if _, err := run(t, testScope("127.0.20.0/24", portList(port)), place); gyre.ErrorCode(err) != gyre.Forbidden {
		t.Errorf("a port outside the target: %v", err)
	}
	place.Asset.Identifiers[0].Value = "10.0.0.1"
	if _, err := run(t, testScope("127.0.20.0/24", portList(port)), place); gyre.ErrorCode(err) != gyre.Conflict {
		t.Errorf("an asset outside the target: %v", err)
	}
}

// TestPagesThatAreSecrets: a site whose front page is an environment file, or
// whose answers carry credentials.
func TestPagesThatAreSecrets(t *testing.T) {
	port := web(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/plain")
		h.Set("X-Api-Key", "hunter22")
		h.Set("Location", "/next?session_id=hunter22")
		_, _ = w.Write([]byte("APP_NAME=hunter22\nSOME_SETTING=hunter22\n"))
	})
	got := mustRun(t, testScope("127.0.20.1", portList(port)), nil)
	var names bool
	for place, f := range got.facts {
		text := fmt.Sprint(f)
		if strings.Contains(text, "hunter22") {
			t.Errorf("%s keeps a secret: %s", place, text)
		}
		names = names || strings.Contains(text, "SOME_SETTING") && strings.Contains(text, "x-api-key")
	}
	if !names {
		t.Errorf("the names of what was given away are not kept: %v", got.facts)
	}
}
