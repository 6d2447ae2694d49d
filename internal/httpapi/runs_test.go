// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/auth"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

// zeros is a body of n bytes that takes no memory.
func zeros(n int64) io.Reader { return io.LimitReader(zero{}, n) }

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestImport(t *testing.T) {
	w := newWorld(t)
	c := w.as(gyre.RoleEditor)
	raw := header("Content-Type", "application/octet-stream")
	const size = 200 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run := read[gyre.Run](t, c.do("POST", `/imports?name=C%3A%5Cscans%5C..%5Cscan.xml&zone=dmz&asset=web-1`, zeros(size), raw).want(t, 201))
	runtime.ReadMemStats(&after)
	if in := w.stages.lastIn; in.Name != "scan.xml" || in.Zone != "dmz" || in.Asset != "web-1" || in.By != "the-editor" || w.stages.imported.Load() != size {
		t.Errorf("import %+v of %d bytes", in, w.stages.imported.Load())
	}
	if grew := after.TotalAlloc - before.TotalAlloc; grew > size/2 {
		t.Errorf("an upload of %d MiB allocated %d MiB: it is not streamed", size>>20, grew>>20)
	}
	if got := read[gyre.Run](t, c.do("GET", "/runs/"+run.ID.String(), nil).want(t, 200)); got.Target != "scan.xml" {
		t.Errorf("run %+v", got)
	}
	if l := read[httpapi.RunList](t, c.do("GET", "/runs", nil).want(t, 200)); len(l.Items) != 1 {
		t.Errorf("runs %+v", l)
	}

	form := header("Content-Type", "multipart/form-data; boundary=x")
	p := c.do("POST", "/imports?name=a.xml", strings.NewReader("--x--"), form).problem(t, 422, gyre.Invalid)
	if !strings.Contains(p.Detail, "--data-binary") {
		t.Errorf("detail %q does not say what to do", p.Detail)
	}
	c.do("POST", "/imports?name=a.xml", strings.NewReader("x"), header("Content-Encoding", "gzip")).problem(t, 422, gyre.Invalid)
	c.do("POST", "/imports?name=a.xml", nil).problem(t, 422, gyre.Invalid)
	c.do("POST", "/imports", strings.NewReader("x"), raw).problem(t, 422, gyre.Invalid)

	// The same upload with the same key is one import.
	one := c.do("POST", "/imports?name=b.xml", zeros(1000), raw, key("u"), sized(1000)).want(t, 201)
	two := c.do("POST", "/imports?name=b.xml", zeros(1000), raw, key("u"), sized(1000)).want(t, 201)
	if string(one.body) != string(two.body) {
		t.Errorf("two imports:\n%s%s", one.body, two.body)
	}
}

func sized(n int64) option { return func(r *http.Request) { r.ContentLength = n } }

// TestImportTooLarge: the announced size is refused at once, an unannounced one
// when it is reached.
func TestImportTooLarge(t *testing.T) {
	w := newWorld(t)
	c := w.as(gyre.RoleEditor)
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /api/v1/imports?name=big.xml HTTP/1.1\r\nHost: localhost\r\nCookie: "+auth.CookieName+"="+c.cookie+"\r\nContent-Length: 5000000000\r\n\r\n")
	must(t, err)
	must(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("announcing 5 GB: %s", resp.Status)
	}
	if testing.Short() {
		return
	}
	a := c.do("POST", "/imports?name=big.xml", zeros(httpapi.MaxUpload+1), header("Content-Type", "text/xml"))
	p := a.problem(t, 413, gyre.TooLarge)
	if len(p.Errors) == 0 || p.Errors[0].Location != "big.xml" {
		t.Errorf("places %+v", p.Errors)
	}
}

// event is one server-sent event.
type event struct{ kind, data string }

// listen opens the stream of events and sends what it hears.
func listen(ctx context.Context, t *testing.T, c *caller) <-chan event {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, "GET", c.w.url+"/api/v1/events", nil)
	must(t, err)
	req.AddCookie(&http.Cookie{Name: auth.CookieName, Value: c.cookie})
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("events: %s %s", resp.Status, resp.Header.Get("Content-Type"))
	}
	out := make(chan event, 100)
	go func() {
		defer close(out)
		defer resp.Body.Close()
		var e event
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			switch kind, data, _ := strings.Cut(lines.Text(), ": "); kind {
			case "event":
				e.kind = data
			case "data":
				e.data = data
			case "":
				out <- e
			}
		}
	}()
	return out
}

func next(t *testing.T, events <-chan event, kind string) event {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case e, open := <-events:
			if !open {
				t.Fatalf("the stream ended before %s", kind)
			}
			if e.kind == kind {
				return e
			}
		case <-timeout:
			t.Fatalf("no event %s within 10 s", kind)
		}
	}
}

func TestEvents(t *testing.T) {
	w := newWorld(t)
	c := w.as(gyre.RoleEditor)
	ctx, cancel := context.WithCancel(t.Context())
	events := listen(ctx, t, c)
	next(t, events, "ping")
	p := w.plant(1)
	next(t, events, "change")
	c.do("PATCH", "/exposures", httpapi.ExposureChange{IDs: p.ids(), State: gyre.StateTriaged}).want(t, 200)
	next(t, events, "change")
	w.stages.tell(gyre.Cycle{ID: gyre.NewID(), Number: 7, State: gyre.CycleRunning})
	if e := next(t, events, "cycle"); !strings.Contains(e.data, `"number":7`) || !strings.Contains(e.data, `"stages":[]`) {
		t.Errorf("cycle %s", e.data)
	}
	watched := func() (n int) {
		w.stages.watchers.Range(func(_, _ any) bool { n++; return true })
		return n
	}
	if watched() != 1 {
		t.Errorf("%d watchers while one listens", watched())
	}
	cancel()
	for deadline := time.Now().Add(5 * time.Second); watched() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("who went away is still watched for")
		}
	}
	// A process that stops ends its streams.
	events = listen(t.Context(), t, c)
	next(t, events, "ping")
	w.stop()
	for timeout := time.After(5 * time.Second); ; {
		select {
		case _, open := <-events:
			if !open {
				return
			}
		case <-timeout:
			t.Fatal("the stream outlives the process's context")
		}
	}
}

// TestLongWorkOutlivesTheServersTimeouts: what takes long by nature is answered
// although the server lets other answers take less.
func TestLongWorkOutlivesTheServersTimeouts(t *testing.T) {
	w := newWorld(t, func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond })
	p := w.plant(1)
	c := w.as(gyre.RoleEditor)
	w.stages.takes = 900 * time.Millisecond
	c.do("POST", "/imports?name=a.xml", strings.NewReader("x")).want(t, 201)
	c.do("POST", "/exposures/"+p.exposures[0].ID.String()+"/validate", nil).want(t, 200)
	c.do("POST", "/feeds/sync", map[string]any{}).want(t, 200)
	events := listen(t.Context(), t, c)
	next(t, events, "ping")
	time.Sleep(900 * time.Millisecond)
	c.do("PATCH", "/exposures", httpapi.ExposureChange{IDs: p.ids(), State: gyre.StateTriaged}).want(t, 200)
	next(t, events, "change")
}

func TestConsole(t *testing.T) {
	w := newWorld(t)
	c := w.anonymous()
	for path, want := range map[string]struct {
		status       int
		cache, holds string
	}{
		"/":                              {200, "no-cache", "<title>Gyre"},
		"/exposures":                     {200, "no-cache", "<title>Gyre"},
		"/assets":                        {200, "no-cache", "<title>Gyre"},
		"/assets/0123456789abc":          {200, "no-cache", "<title>Gyre"},
		"/assets/main-abc123.js":         {200, "public, max-age=31536000, immutable", "export"},
		"/assets/main-000000.js":         {404, "no-store", "problem"},
		"/scheme.js":                     {200, "no-cache", "1"},
		"/favicon.ico":                   {404, "no-store", ""},
		"/assets/../../../../etc/passwd": {200, "no-cache", "<title>Gyre"},
		"/api/v2/x":                      {404, "no-store", ""},
	} {
		a := c.raw("GET", path, nil)
		if a.status == http.StatusMovedPermanently || a.status == http.StatusTemporaryRedirect {
			a = c.raw("GET", a.header.Get("Location"), nil)
		}
		if a.status != want.status || a.header.Get("Cache-Control") != want.cache || (want.status == 200 && !strings.Contains(string(a.body), want.holds)) {
			t.Errorf("%s: %d %q %.60s, want %+v", path, a.status, a.header.Get("Cache-Control"), a.body, want)
		}
	}
	c.raw("POST", "/exposures", nil).want(t, http.StatusMethodNotAllowed)
	if ct := c.raw("GET", "/assets/main-abc123.css", nil).header.Get("Content-Type"); !strings.HasPrefix(ct, "text/css") {
		t.Errorf("stylesheet is %q", ct)
	}
}

func TestHealthAndMetrics(t *testing.T) {
	w := newWorld(t)
	c := w.anonymous()
	c.raw("GET", "/healthz", nil).want(t, 200)
	c.raw("GET", "/readyz", nil).want(t, 200)
	c.do("GET", "/setup", nil).want(t, 200)
	text := string(c.raw("GET", "/metrics", nil).want(t, 200).body)
	for _, want := range []string{
		`gyre_http_requests_total{method="GET",route="get-setup",status="200"} 1`, `gyre_risk_points{workspace="default"} 42`,
		"gyre_audit_failures_total 0", "go_goroutines", "gyre_http_request_duration_seconds_bucket",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	// From elsewhere metrics take somebody who may read.
	from := func(address, token string) int {
		r := httptest.NewRequest("GET", "http://127.0.0.1/metrics", nil)
		r.RemoteAddr = address
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		return rec.Code
	}
	made := read[httpapi.NewToken](t, w.as(gyre.RoleReader).do("POST", "/tokens", httpapi.TokenInput{Name: "prometheus", Scopes: []string{"read"}}).want(t, 201))
	if a, b, c := from("192.0.2.7:1", ""), from("192.0.2.7:1", made.Secret), from("127.0.0.1:1", ""); a != 401 || b != 200 || c != 200 {
		t.Errorf("metrics from elsewhere %d, with a token %d, from here %d", a, b, c)
	}
	must(t, w.db.Close())
	c.raw("GET", "/readyz", nil).problem(t, 503, gyre.Unavailable)
	c.raw("GET", "/healthz", nil).want(t, 200)
}

// TestLocalAdmin: the process itself may do everything, and is named for it.
func TestLocalAdmin(t *testing.T) {
	w := newWorld(t)
	r := httptest.NewRequest("POST", "http://gyre/api/v1/accounts", strings.NewReader(`{"name":"ann","role":"admin"}`))
	r.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r.WithContext(auth.WithLocalAdmin(r.Context())))
	if rec.Code != http.StatusCreated {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	log, err := w.db.Audit(t.Context(), w.ws, 0, 1)
	must(t, err)
	if log[0].Actor != "cli" || log[0].Action != "account.create" {
		t.Errorf("audit %+v", log[0])
	}
	rec = httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	if rec.Code != http.StatusForbidden { // the name gyre is let through for the process only
		t.Errorf("without the mark: %d", rec.Code)
	}
}

// TestImports: what is handed in without waiting answers at once with the
// import, which can be followed, and is one import with what is the same.
func TestImports(t *testing.T) {
	w := newWorld(t)
	c := w.as(gyre.RoleEditor)
	raw := header("Content-Type", "application/octet-stream")
	a := c.do("POST", "/imports?name=a.xml&wait=false", zeros(5000), raw, key("k"), sized(5000)).want(t, 202)
	u := read[gyre.Upload](t, a)
	if u.State != gyre.UploadWaiting || u.Size != 5000 || u.Actor != "the-editor" || a.header.Get("Location") != "/api/v1/imports/"+u.ID.String() {
		t.Errorf("%+v at %q", u, a.header.Get("Location"))
	}
	same := c.do("POST", "/imports?name=a.xml&wait=false", zeros(5000), raw).want(t, 202)
	if v := read[gyre.Upload](t, same); v.ID != u.ID || !v.Duplicate {
		t.Errorf("the same again: %+v", v)
	}
	again := c.do("POST", "/imports?name=a.xml&wait=false", zeros(5000), raw, key("k"), sized(5000)).want(t, 202)
	if v := read[gyre.Upload](t, again); v.ID != u.ID || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the same key: %+v %q", v, again.header.Get("Idempotency-Replayed"))
	}
	if d := read[httpapi.ImportDetail](t, c.do("GET", "/imports/"+u.ID.String(), nil).want(t, 200)); d.Result != nil || d.State != gyre.UploadWaiting {
		t.Errorf("before it is imported: %+v", d)
	}
	run := read[gyre.Run](t, c.do("POST", "/imports?name=a.xml", zeros(5000), raw).want(t, 200))
	d := read[httpapi.ImportDetail](t, c.do("GET", "/imports/"+u.ID.String(), nil).want(t, 200))
	if d.State != gyre.UploadDone || d.Result == nil || d.Result.ID != run.ID || d.Result.Counts.Created != 7 || run.Counts.Created != 7 {
		t.Errorf("done: %+v, run %+v", d, run)
	}
	v := read[gyre.Upload](t, c.do("POST", "/imports?name=b.xml&wait=false", zeros(10), raw).want(t, 202))
	if l := read[httpapi.ImportList](t, c.do("GET", "/imports?limit=1", nil).want(t, 200)); len(l.Items) != 1 || l.Items[0].ID != v.ID || l.Next == "" {
		t.Errorf("list %+v", l)
	}
	w.as(gyre.RoleReader).do("POST", "/imports/"+v.ID.String()+"/cancel", nil).problem(t, 403, gyre.Forbidden)
	if x := read[gyre.Upload](t, c.do("POST", "/imports/"+v.ID.String()+"/cancel", nil).want(t, 200)); x.State != gyre.UploadCancelled {
		t.Errorf("cancelled: %+v", x)
	}
	c.do("POST", "/imports/"+v.ID.String()+"/cancel", nil).problem(t, 409, gyre.Conflict)
	c.do("POST", "/imports/"+u.ID.String()+"/retry", nil).problem(t, 409, gyre.Conflict)
	c.do("GET", "/imports/"+gyre.NewID().String(), nil).problem(t, 404, gyre.NotFound)
	if p := read[gyre.UploadPreview](t, c.do("POST", "/imports?name=c.xml&preview=true", zeros(10), raw).want(t, 200)); p.Counts.Created != 7 {
		t.Errorf("preview %+v", p)
	}
}
