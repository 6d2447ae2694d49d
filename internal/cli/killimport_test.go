// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/app"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
	"github.com/gyre-ctem/gyre/lab/gen"
)

// killFindings sets the number of findings of TestKilledImport; 500000 is a run of minutes.
const killFindings = "GYRE_KILL_FINDINGS"

// serving is a server as a process of its own, on a database of its own.
type serving struct {
	gyreAt
	database string
	cmd      *exec.Cmd
	log      *bytes.Buffer
	at       app.Server
}

func (s *serving) command(args ...string) *exec.Cmd {
	cmd := s.gyreAt.command(args...)
	cmd.Env = append(cmd.Env, "GYRE_DATABASE="+s.database)
	return cmd
}

func (s *serving) start() {
	s.t.Helper()
	s.cmd, s.log = s.command("serve", "--listen", "127.0.0.1:0"), &bytes.Buffer{}
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		var found bool
		if s.at, found = app.FindServer(s.data); found && s.at.PID == s.cmd.Process.Pid {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("no server:\n%s", s.log)
		}
	}
}

// kill ends the server with SIGKILL.
func (s *serving) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// end ends the server in good order.
func (s *serving) end() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Fatalf("server: %v\n%s", err, s.log)
	}
}

// hand hands a report in and returns at once.
func (s *serving) hand(file string) gyre.Upload {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := s.command("import", file, "--detach", "-o", "json")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("hand in: %v\n%s", err, stderr.String())
	}
	var all []gyre.Upload
	if err := json.Unmarshal(stdout.Bytes(), &all); err != nil || len(all) != 1 {
		s.t.Fatalf("%v: %s", err, stdout.String())
	}
	return all[0]
}

// call asks the server's API.
func (s *serving) call(method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.at.URL+"/api/v1"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.at.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// upload reads how far an import is.
func (s *serving) upload(id gyre.ID) (d httpapi.ImportDetail, err error) {
	err = s.call(http.MethodGet, "/imports/"+id.String(), nil, &d)
	return d, err
}

// until waits until an import has come to a moment.
func (s *serving) until(id gyre.ID, moment func(gyre.Upload) bool) gyre.Upload {
	s.t.Helper()
	for deadline := time.Now().Add(60 * time.Minute); ; time.Sleep(2 * time.Millisecond) {
		d, err := s.upload(id)
		if err == nil && (moment(d.Upload) || d.State.Ended()) {
			return d.Upload
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("it is %+v: %v\n%s", d.Upload, err, s.log)
		}
	}
}

// broken reads how far an import had come when its server was killed.
func (s *serving) broken(id gyre.ID) gyre.Upload {
	s.t.Helper()
	db, err := store.Open(s.t.Context(), s.database)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	ws, err := db.EnsureWorkspace(s.t.Context(), "default")
	if err != nil {
		s.t.Fatal(err)
	}
	u, err := db.Upload(s.t.Context(), ws.ID, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

// left lists what an import left, without what differs from one import to the next.
func (s *serving) left() []string {
	s.t.Helper()
	ctx := s.t.Context()
	db, err := store.Open(ctx, s.database)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	ws, err := db.EnsureWorkspace(ctx, "default")
	if err != nil {
		s.t.Fatal(err)
	}
	check := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	assets, weaknesses := map[gyre.ID]string{}, map[gyre.ID]string{}
	var list []string
	check(db.EachAsset(ctx, ws.ID, func(a gyre.Asset) error {
		assets[a.ID] = a.Name
		list = append(list, fmt.Sprint(a.Name, a.Kind, a.Zone, a.Attributes, a.FirstSeen, a.LastSeen))
		return nil
	}))
	check(db.EachWeakness(ctx, ws.ID, func(w gyre.Weakness) error {
		weaknesses[w.ID] = w.Key
		list = append(list, fmt.Sprint(w.Key, w.Title, w.Severity, w.CVSS))
		return nil
	}))
	check(db.EachExposure(ctx, ws.ID, func(e gyre.Exposure) error {
		list = append(list, fmt.Sprint(assets[e.Asset], weaknesses[e.Weakness], e.Locus, e.State, e.Severity, e.Remedy.Fixed, e.FirstSeen, e.LastSeen))
		return nil
	}))
	kinds := map[string]int{}
	for seq := int64(0); ; {
		events, err := db.EventsSince(ctx, ws.ID, seq, 10_000)
		check(err)
		for _, e := range events {
			if e.Object != "run" && e.Object != "upload" { // of which there may be more
				kinds[e.Object+" "+e.Kind]++
			}
			seq = e.Seq
		}
		if len(events) == 0 {
			break
		}
	}
	for k, n := range kinds {
		list = append(list, fmt.Sprint("events ", k, " ", n))
	}
	runs, err := db.Runs(ctx, ws.ID, 0, 100)
	check(err)
	for _, r := range runs {
		if r.Source != "identify" || r.Status == gyre.RunSucceeded {
			list = append(list, fmt.Sprint("run ", r.Source, r.Target == "r.nessus", r.Status))
		}
	}
	pieces, refs, err := db.CountUploadRows(ctx, ws.ID)
	check(err)
	list = append(list, fmt.Sprint("pieces ", pieces, " refs ", refs))
	slices.Sort(list)
	return list
}

// TestKilledImport kills a server with SIGKILL again and again while it imports,
// at different moments. Each time the next one goes on by itself; in the end
// everything is as after an undisturbed import.
func TestKilledImport(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes")
	}
	findings := 20_000
	if text := os.Getenv(killFindings); text != "" {
		var err error
		if findings, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GYRE_WORKER_TIMEOUT", "2s") // on PostgreSQL: until a dead server's import is the next one's
	file := filepath.Join(t.TempDir(), "r.nessus")
	f, err := os.Create(file)
	if err == nil {
		err = gen.Write(f, gen.Options{Format: "nessus", Findings: findings, Seed: 1})
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) { killImports(t, engine, file) })
	}
}

func killImports(t *testing.T, engine store.Engine, file string) {
	server := func(name string) *serving {
		s := &serving{gyreAt: gyreAt{t: t, data: filepath.Join(t.TempDir(), name), feeds: t.TempDir()}, database: storetest.URL(t, engine)}
		s.start()
		t.Cleanup(s.kill)
		return s
	}
	calm := server("calm")
	began := time.Now()
	want := calm.until(calm.hand(file).ID, func(gyre.Upload) bool { return false })
	if want.State != gyre.UploadDone || want.Batches < 6 || want.Counts.Created < 1000 {
		t.Fatalf("undisturbed: %+v", want)
	}
	t.Logf("undisturbed: %d batches, %d exposures in %v", want.Batches, want.Counts.Created, time.Since(began).Round(time.Millisecond))
	calm.end()

	killed := server("killed")
	id := killed.hand(file).ID
	hits, in := 0, map[gyre.UploadState]int{}
	for _, moment := range []struct {
		name string
		is   func(u gyre.Upload) bool
	}{
		{"checking", func(u gyre.Upload) bool { return u.State == gyre.UploadChecking }},
		{"storing the first batches", func(u gyre.Upload) bool { return u.State == gyre.UploadStoring && u.Stored >= 1 }},
		{"storing in the middle", func(u gyre.Upload) bool { return u.State == gyre.UploadStoring && u.Stored >= want.Batches/2 }},
		{"storing near the end", func(u gyre.Upload) bool { return u.State == gyre.UploadStoring && u.Stored >= want.Batches-2 }},
		{"judging", func(u gyre.Upload) bool { return u.State == gyre.UploadJudging }},
		{"planning", func(u gyre.Upload) bool { return u.State == gyre.UploadPlanning }},
	} {
		u := killed.until(id, moment.is)
		if u.State.Ended() {
			t.Logf("%s: it was over before", moment.name)
			break
		}
		killed.kill()
		u = killed.broken(id)
		t.Logf("killed while %s (%d of %d stored), meant for %s", u.State, u.Stored, u.Batches, moment.name)
		hits++
		in[u.State]++
		killed.start()
	}
	must := []gyre.UploadState{gyre.UploadChecking, gyre.UploadStoring}
	if want.Batches > 40 { // else the others are over in a moment
		must = append(must, gyre.UploadJudging, gyre.UploadPlanning)
	}
	for _, state := range must {
		if in[state] == 0 {
			t.Errorf("no kill came while it was %s, but %v: the test proves little", state, in)
		}
	}
	got := killed.until(id, func(gyre.Upload) bool { return false })
	if got.State != gyre.UploadDone {
		t.Fatalf("it ended as %s: %v", got.State, got.Err())
	}
	if d := cmp.Diff(want.Counts, got.Counts); d != "" {
		t.Errorf("counts (-undisturbed +killed):\n%s", d)
	}
	killed.end()
	a, b := calm.left(), killed.left()
	if d := cmp.Diff(a, b); d != "" {
		t.Errorf("after %d kills the estate differs (-undisturbed +killed):\n%s", hits, d[:min(len(d), 4000)])
	}
}
