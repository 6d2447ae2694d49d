// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/lab/gen"
)

// TestKilledWorkers: two servers and four workers share a PostgreSQL database, and
// for each kind of job workers are killed with SIGKILL while they work one. In the
// end every job is done, every effect is there once, and the estate is what an
// undisturbed process makes of the same work.
func TestKilledWorkers(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	database := storetest.URL(t, store.Postgres)
	t.Setenv("GYRE_WORKER_TIMEOUT", "2s")
	w := newWork(t)

	calm := &serving{gyreAt: gyreAt{t, filepath.Join(t.TempDir(), "calm"), w.feeds}, database: "sqlite:" + filepath.Join(t.TempDir(), "calm.db")}
	calm.start()
	t.Cleanup(calm.kill)
	w.do(calm, func(string, int, func()) {})
	want := calm.found()
	calm.end()
	if err := os.RemoveAll(w.feeds); err != nil { // nobody has advised of anything yet
		t.Fatal(err)
	}

	t.Setenv("GYRE_WORKERS", "0")
	var servers []*serving
	for i := range 2 {
		s := &serving{gyreAt: gyreAt{t, filepath.Join(t.TempDir(), fmt.Sprint("server", i)), w.feeds}, database: database}
		s.start()
		t.Cleanup(s.kill)
		servers = append(servers, s)
	}
	c := newCrowd(servers[0])
	w.do(servers[1], c.strike)
	for i, s := range servers {
		if diff := cmp.Diff(want, s.found()); diff != "" {
			t.Errorf("server %d: the estate differs (-undisturbed +killed):\n%s", i, diff)
		}
	}
	c.check(w)
}

// work is what the processes are given to do.
type work struct {
	t           *testing.T
	feeds, root string
	reports     []string
}

const (
	flawed  = 60 // packages of each list that advisories name
	retests = 4  // at least
)

func newWork(t *testing.T) *work {
	w := &work{t: t, feeds: filepath.Join(t.TempDir(), "feeds"), root: t.TempDir()}
	for i := range 5 {
		var text bytes.Buffer
		w.ok(gen.Write(&text, gen.Options{Format: "sarif", Findings: 1500, Seed: uint64(i + 1)}))
		w.report("sarif", text.String())
	}
	for i := range 2 {
		var parts []string
		for n := range 3 * flawed {
			parts = append(parts, fmt.Sprintf(`{"type":"library","name":"part-%d","version":"1.%d.0","purl":"pkg:npm/part-%d@1.%d.0"}`, n, i, n, i))
		}
		w.report("cdx.json", fmt.Sprintf(`{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"component":{"type":"application","name":"app-%d","version":"1"}},"components":[%s]}`,
			i, strings.Join(parts, ",")))
	}
	w.write(filepath.Join(w.root, "etc/os-release"), "ID=debian\nVERSION_ID=\"12\"\n")
	w.write(filepath.Join(w.root, "etc/machine-id"), "0123456789abcdef0123456789abcdef\n")
	var status strings.Builder
	for n := range flawed {
		_, _ = fmt.Fprintf(&status, "Package: part-%d\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\n\n", n)
	}
	w.write(filepath.Join(w.root, "var/lib/dpkg/status"), status.String())
	return w
}

func (w *work) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *work) write(path, text string) {
	w.t.Helper()
	w.ok(os.MkdirAll(filepath.Dir(path), 0o700))
	w.ok(os.WriteFile(path, []byte(text), 0o600))
}

func (w *work) report(suffix, text string) {
	path := filepath.Join(w.t.TempDir(), fmt.Sprintf("report-%d.%s", len(w.reports), suffix))
	w.write(path, text)
	w.reports = append(w.reports, path)
}

// advise publishes what is wrong with parts, in the layout of OSV.
func (w *work) advise() {
	for n := range flawed {
		for ecosystem, fixed := range map[string]string{"npm": "2.0.0", "Debian:12": "2.0-1"} {
			kind, id := "SEMVER", fmt.Sprintf("CVE-2024-1%03d", n)
			if ecosystem != "npm" {
				kind, id = "ECOSYSTEM", fmt.Sprintf("CVE-2024-2%03d", n)
			}
			folder, _, _ := strings.Cut(ecosystem, ":")
			w.write(filepath.Join(w.feeds, "osv", folder, "A-"+id+".json"), fmt.Sprintf(
				`{"id":"A-%s","modified":"2026-01-01T00:00:00Z","aliases":["%s"],"summary":"flaw","affected":[{"package":{"ecosystem":"%s","name":"part-%d"},"ranges":[{"type":"%s","events":[{"introduced":"0"},{"fixed":"%s"}]}]}]}`,
				id, id, ecosystem, n, kind, fixed,
			))
		}
	}
}

// do has everything done, through one server. Strike is told which kind of job is
// about to be worked, how often workers should die of it, and how to ask for another one.
func (w *work) do(s *serving, strike func(kind string, times int, another func())) {
	w.t.Helper()
	ask := func(kind string) func() { return func() { s.ask(gyre.JobInput{Kind: kind}) } }
	handed := 0
	hand := func() { // and again, which changes nothing
		i := handed % len(w.reports)
		s.run(nil, "import", "--asset", fmt.Sprintf("service-%d", i), w.reports[i], "--detach", "--again")
		handed++
	}
	for range w.reports {
		hand()
	}
	strike("import", 3, hand)
	s.settle()
	s.run(nil, "scope", "add", "host", "--target", w.root)
	s.ask(gyre.JobInput{Kind: "cycle"})
	strike("cycle", 1, ask("cycle"))
	s.settle()

	w.advise()
	s.ask(gyre.JobInput{Kind: "sync"})
	strike("sync", 1, ask("sync"))
	strike("match", 2, ask("match"))
	strike("score", 2, ask("score"))
	s.settle()

	var page httpapi.ExposurePage
	w.ok(s.call(http.MethodGet, "/exposures?limit=500&sort=weakness&filter="+url.QueryEscape(`weakness.startsWith("CVE-2024-2")`), nil, &page))
	if len(page.Items) != flawed {
		w.t.Fatalf("%d exposures of the host, not %d", len(page.Items), flawed)
	}
	next := 0
	retest := func() {
		s.ask(gyre.JobInput{Kind: "retest", Exposure: page.Items[next].ID})
		next++
	}
	for range retests {
		retest()
	}
	strike("retest", 2, retest)
	s.settle()
}

// ask asks for a job.
func (s *serving) ask(in gyre.JobInput) {
	s.t.Helper()
	if err := s.call(http.MethodPost, "/jobs", in, nil); err != nil {
		s.t.Fatalf("ask for %s: %v", in.Kind, err)
	}
}

// jobs lists jobs; an answer that was refused because the server was busy is none.
func (s *serving) jobs(query string) []gyre.Job {
	s.t.Helper()
	var list httpapi.JobList
	if err := s.call(http.MethodGet, "/jobs?limit=500&"+query, nil, &list); err != nil {
		s.t.Fatal(err)
	}
	return list.Items
}

// settle waits until no job is left, and fails when one ended otherwise than done.
func (s *serving) settle() {
	s.t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		open := s.jobs("state=waiting,scheduled,retrying,running")
		if len(open) == 0 {
			break
		}
		if time.Now().After(end) {
			s.t.Fatalf("%d jobs are not over: %+v", len(open), open)
		}
	}
	for _, j := range s.jobs("state=failed,cancelled") {
		s.t.Errorf("job %s of kind %s is %s: %+v", j.ID, j.Kind, j.State, j.Errors)
	}
}

// crowd is four workers beside the servers.
type crowd struct {
	*serving
	workers []*exec.Cmd
}

func newCrowd(s *serving) *crowd {
	c := &crowd{serving: s}
	for range 4 {
		c.hire()
	}
	return c
}

func (c *crowd) hire() {
	c.t.Helper()
	cmd := c.command("worker", "--workers", "2")
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.workers = append(c.workers, cmd)
	c.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// strike kills workers in the middle of jobs of a kind until that many jobs of
// the kind were taken over by others. When all were over before the blow came,
// another one is asked for.
func (c *crowd) strike(kind string, times int, another func()) {
	c.t.Helper()
	hit := map[gyre.ID]bool{}
	for end := time.Now().Add(time.Minute); len(hit) < times; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("only %d of %d kills came in the middle of a job of kind %s", len(hit), times, kind)
		}
		j, found := c.running(kind, hit)
		if !found {
			if len(c.jobs("state=waiting,scheduled,retrying,running&kind="+kind)) == 0 {
				another()
			}
			continue
		}
		time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond) // #nosec G404 -- any moment will do
		if !c.kill(j.Worker) {
			continue
		}
		c.hire()
		for j.Rescued == 0 && !j.State.Ended() && time.Now().Before(end) {
			time.Sleep(20 * time.Millisecond)
			if err := c.call(http.MethodGet, "/jobs/"+j.ID.String(), nil, &j); err != nil {
				c.t.Fatal(err)
			}
		}
		if j.Rescued > 0 {
			hit[j.ID] = true
		}
	}
}

// running finds a job that a worker has in hand.
func (c *crowd) running(kind string, but map[gyre.ID]bool) (gyre.Job, bool) {
	for _, j := range c.jobs("state=running&kind=" + kind) {
		if !but[j.ID] && j.Worker != 0 {
			return j, true
		}
	}
	return gyre.Job{}, false
}

// kill ends a worker with SIGKILL, if it is still one of ours.
func (c *crowd) kill(id gyre.ID) bool {
	c.t.Helper()
	var list httpapi.WorkerList
	if err := c.call(http.MethodGet, "/workers", nil, &list); err != nil {
		c.t.Fatal(err)
	}
	for _, w := range list.Items {
		for i, cmd := range c.workers {
			if w.ID == id && w.PID == cmd.Process.Pid {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
				c.workers = slices.Delete(c.workers, i, i+1)
				return true
			}
		}
	}
	return false
}

// check holds that each effect came once.
func (c *crowd) check(w *work) {
	t, ctx := c.t, c.t.Context()
	db, err := store.Open(ctx, c.database)
	w.ok(err)
	defer func() { w.ok(db.Close()) }()
	ws, err := db.EnsureWorkspace(ctx, "default")
	w.ok(err)
	kinds, rescued := map[string]int{}, map[string]int{}
	for _, j := range c.jobs("") {
		kinds[j.Kind]++
		rescued[j.Kind] += j.Rescued
		if j.Kind != "retest" {
			continue
		}
		verdicts, err := db.Verdicts(ctx, ws.ID, j.Object) // each is of another exposure
		w.ok(err)
		// Two looks at one host at once may take what they saw from each other, and then
		// one of them is inconclusive. None may call fixed what is there.
		if len(verdicts) != 1 || verdicts[0].ID != j.ID || verdicts[0].Outcome == gyre.OutcomeFixed {
			t.Errorf("retest %s of %s: verdicts %+v", j.ID, j.Object, verdicts)
		}
	}
	t.Logf("jobs %v, taken over %v", kinds, rescued)
	if kinds["import"] < len(w.reports) || kinds["retest"] < retests {
		t.Errorf("jobs: %v", kinds)
	}

	type life struct {
		created int
		band    string
	}
	lives := map[gyre.ID]*life{}
	for seq := int64(0); ; {
		events, err := db.EventsSince(ctx, ws.ID, seq, 10_000)
		w.ok(err)
		for _, e := range events {
			seq = e.Seq
			if e.Object != "exposure" {
				continue
			}
			if lives[e.ID] == nil {
				lives[e.ID] = &life{}
			}
			switch l := lives[e.ID]; e.Kind {
			case "created":
				l.created++
			case "band":
				if e.From != l.band || e.To == e.From {
					t.Errorf("exposure %s went from band %q to %q, and was in %q", e.ID, e.From, e.To, l.band)
				}
				l.band = e.To
			}
		}
		if len(events) == 0 {
			break
		}
	}
	n := 0
	w.ok(db.EachExposure(ctx, ws.ID, func(e gyre.Exposure) error {
		n++
		if l := lives[e.ID]; l == nil || l.created != 1 || l.band == "" {
			t.Errorf("exposure %s: %+v", e.ID, l)
		}
		return nil
	}))
	if n != len(lives) {
		t.Errorf("%d exposures, and events of %d", n, len(lives))
	}
	runs, err := db.Runs(ctx, ws.ID, 0, 1000)
	w.ok(err)
	imported, of := 0, map[string]bool{}
	for _, r := range runs {
		if r.Source == "sarif" || r.Source == "cyclonedx" {
			imported++
			of[r.Target] = true
		}
	}
	if imported != kinds["import"] || len(of) != len(w.reports) {
		t.Errorf("%d imports of %d reports were stored by %d runs, of %d", kinds["import"], len(w.reports), imported, len(of))
	}
}
