// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"context"
	"errors"
	"io"
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

// imported imports a report and waits until that is done.
func (a *App) imported(t testing.TB, in httpapi.Import) gyre.Upload {
	t.Helper()
	return a.importedInto(t, a.workspace.ID, in)
}

func (a *App) importedInto(t testing.TB, ws gyre.ID, in httpapi.Import) gyre.Upload {
	t.Helper()
	u := a.handInTo(t, ws, in)
	if u.State != gyre.UploadDone {
		t.Fatalf("import of %s: %s, %v", in.Name, u.State, u.Err())
	}
	return u
}

// handIn hands a report in and waits for what becomes of it.
func (a *App) handIn(t testing.TB, in httpapi.Import) gyre.Upload {
	t.Helper()
	return a.handInTo(t, a.workspace.ID, in)
}

func (a *App) handInTo(t testing.TB, ws gyre.ID, in httpapi.Import) gyre.Upload {
	t.Helper()
	in.Size = -1
	r, err := imports{a}.Receive(t.Context(), ws, in)
	if err != nil {
		t.Fatal(err)
	}
	u, err := imports{a}.Wait(t.Context(), ws, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	u.Duplicate = r.Duplicate
	return u
}

// eachEngine runs a test on an installation of each engine.
func eachEngine(t *testing.T, test func(t *testing.T, a *App)) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			test(t, openOn(t, filepath.Join(t.TempDir(), "data"), t.TempDir(), storetest.URL(t, engine)))
		})
	}
}

func generated(t testing.TB, format string, findings int, changed float64) string {
	t.Helper()
	var b strings.Builder
	if err := gen.Write(&b, gen.Options{Format: format, Findings: findings, Seed: 1, Changed: changed}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// estate lists what is known of exposures and assets, without the IDs and times
// that differ from one import of the same to the next.
func (a *App) estate(t testing.TB) []string {
	t.Helper()
	ws := a.workspace.ID
	var list []string
	err := a.db.EachExposure(t.Context(), ws, func(e gyre.Exposure) error {
		asset, err := a.db.Asset(t.Context(), ws, e.Asset)
		if err != nil {
			return err
		}
		w, err := a.db.Weakness(t.Context(), ws, e.Weakness)
		list = append(list, strings.Join([]string{asset.Name, w.Key, e.Locus, string(e.State), e.Severity.String(), e.Remedy.Fixed}, " | "))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// emptied waits until no pieces of content and no refs of runs are kept: they
// are removed just after an import is done.
func (a *App) emptied(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		pieces, refs := a.chunks(t)
		if pieces+refs == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d pieces and %d refs are left", pieces, refs)
		}
	}
}

// chunks counts the pieces of content that are kept, and the refs of runs.
func (a *App) chunks(t testing.TB) (pieces, refs int) {
	t.Helper()
	pieces, refs, err := a.db.CountUploadRows(t.Context(), a.workspace.ID)
	if err != nil {
		t.Fatal(err)
	}
	return pieces, refs
}

// TestImportOnce: the same content with the same parameters is one import; asked
// for again it is imported again and changes nothing. When it is done nothing of
// its content is left.
func TestImportOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, a *App) {
		report := generated(t, "nessus", 3000, 0)
		in := func() httpapi.Import {
			return httpapi.Import{Name: "r.nessus", Zone: "lan", Body: strings.NewReader(report)}
		}
		first := a.imported(t, in())
		if first.Counts.Created < 2000 || first.Duplicate || first.Batches != first.Stored || first.Batches < 2 || first.Size != int64(len(report)) {
			t.Fatalf("first: %+v", first)
		}
		a.emptied(t)
		run, err := a.db.Run(t.Context(), a.workspace.ID, first.Run)
		if err != nil || run.Status != gyre.RunSucceeded || run.Source != "nessus" || run.Target != "r.nessus" {
			t.Errorf("run %+v: %v", run, err)
		}
		before := a.estate(t)

		second := a.imported(t, in())
		if !second.Duplicate || second.ID != first.ID {
			t.Errorf("the same again: %+v", second)
		}
		again := in()
		again.Again = true
		third := a.imported(t, again)
		if n := third.Counts; third.Duplicate || third.ID == first.ID || n.Created+n.Reopened+n.Closed+n.NewAssets != 0 || n.Findings != first.Counts.Findings {
			t.Errorf("forced: %+v", third)
		}
		if d := cmp.Diff(before, a.estate(t)); d != "" {
			t.Errorf("the same again changed the estate:\n%s", d)
		}
		elsewhere := in()
		elsewhere.Zone = "dmz"
		if u := a.imported(t, elsewhere); u.Duplicate {
			t.Error("another zone is no duplicate")
		}
		var names []string
		all, err := a.db.Uploads(t.Context(), a.workspace.ID, 0, 10)
		for _, u := range all {
			names = append(names, u.Name+" "+string(u.State))
		}
		if d := cmp.Diff([]string{"r.nessus done", "r.nessus done", "r.nessus done"}, names); d != "" || err != nil {
			t.Errorf("imports: %s %v", d, err)
		}
	})
}

// TestImportRefused: a report that is broken near its end leaves nothing, says
// where it is broken, and can be tried again.
func TestImportRefused(t *testing.T) {
	eachEngine(t, func(t *testing.T, a *App) {
		report := generated(t, "nessus", 3000, 0)
		u := a.handIn(t, httpapi.Import{Name: "r.nessus", Body: strings.NewReader(report[:len(report)-500])})
		if u.State != gyre.UploadFailed || gyre.ErrorCode(u.Err()) != gyre.Invalid || !strings.HasPrefix(u.Err().Error(), "r.nessus:") {
			t.Errorf("%s: %v", u.State, u.Err())
		}
		if list := a.estate(t); len(list) != 0 {
			t.Errorf("%d exposures are left, as %s", len(list), list[0])
		}
		runs, err := a.db.Runs(t.Context(), a.workspace.ID, 0, 10)
		if err != nil || len(runs) != 0 {
			t.Errorf("runs %+v: %v", runs, err)
		}
		if pieces, _ := a.chunks(t); pieces == 0 {
			t.Error("its content is gone: nobody can try it again")
		}
		if _, err := (imports{a}).Retry(t.Context(), a.workspace.ID, u.ID, "ann"); err != nil {
			t.Fatal(err)
		}
		if u, err := (imports{a}).Wait(t.Context(), a.workspace.ID, u.ID); err != nil || u.State != gyre.UploadFailed {
			t.Errorf("tried again: %s %v", u.State, err)
		}
		// What failed is no duplicate of what is whole or of itself.
		if u := a.imported(t, httpapi.Import{Name: "r.nessus", Body: strings.NewReader(report)}); u.Duplicate {
			t.Error("a failed import stands for one that works")
		}
		if err := a.db.SweepUploads(t.Context(), a.workspace.ID, 0); err != nil {
			t.Fatal(err)
		}
		if pieces, _ := a.chunks(t); pieces != 0 {
			t.Errorf("%d pieces are kept for ever", pieces)
		}
		if _, err := (imports{a}).Retry(t.Context(), a.workspace.ID, u.ID, "ann"); gyre.ErrorCode(err) != gyre.Conflict {
			t.Errorf("tried again without its content: %v", err)
		}
	})
}

// breaking is a body that breaks off.
type breaking struct{ io.Reader }

func (b breaking) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = gyre.Errorf(gyre.Invalid, "the upload broke off")
	}
	return n, err
}

// TestReceiveRefuses: what breaks off, is empty or too large, and what finds
// the queue or the disk full, leaves nothing at all.
func TestReceiveRefuses(t *testing.T) {
	eachEngine(t, func(t *testing.T, a *App) {
		ws := a.workspace.ID
		a.uploads.MaxSize, a.uploads.MaxOpen = 3<<20, 2
		full := func() (int64, error) { return a.uploads.Reserve, nil }
		for name, tc := range map[string]struct {
			body  io.Reader
			size  int64
			free  func() (int64, error)
			queue int
			code  gyre.Code
			says  string
		}{
			"broken off":          {breaking{io.LimitReader(zeros{}, 2<<20+7)}, -1, nil, 0, gyre.Invalid, "broke off"},
			"empty":               {strings.NewReader(""), -1, nil, 0, gyre.Invalid, "empty"},
			"too large":           {io.LimitReader(zeros{}, 3<<20+1), -1, nil, 0, gyre.TooLarge, "upload-size"},
			"announced too large": {nil, 3<<20 + 1, nil, 0, gyre.TooLarge, "upload-size"},
			"disk full":           {strings.NewReader("x"), 1, full, 0, gyre.Unavailable, "disk-reserve"},
			"queue full":          {strings.NewReader("x"), 1, nil, 2, gyre.Unavailable, "upload-queue"},
		} {
			a.uploads.Free = tc.free
			for range tc.queue { // they wait for nobody
				u, _, err := a.uploads.Receive(t.Context(), ws, imports{a}.input(httpapi.Import{Name: "w", Body: strings.NewReader("wait"), Again: true}))
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = a.db.DropUpload(context.Background(), ws, u.ID) }()
			}
			before, _ := a.chunks(t)
			_, err := imports{a}.Receive(t.Context(), ws, httpapi.Import{Name: "r", Size: tc.size, Body: tc.body})
			if gyre.ErrorCode(err) != tc.code || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: %v", name, err)
			}
			if after, _ := a.chunks(t); after != before {
				t.Errorf("%s: %d pieces are left", name, after-before)
			}
			all, err := a.db.Uploads(t.Context(), ws, 0, 10)
			for _, u := range all {
				if u.Name != "w" {
					t.Errorf("%s: upload %+v is left", name, u)
				}
				if err := a.db.DropUpload(t.Context(), ws, u.ID); err != nil {
					t.Fatal(err)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestPreview: a preview changes nothing, and the import that follows does
// exactly what it said.
func TestPreview(t *testing.T) {
	eachEngine(t, func(t *testing.T, a *App) {
		ws := a.workspace.ID
		steps := []struct{ name, text string }{
			{"first.nessus", generated(t, "nessus", 2000, 0)},
			{"second.nessus", strings.ReplaceAll(generated(t, "nessus", 2000, 10), "HOST_START", "HOST_BEGAN")},
			{"bom.json", sbom},
		}
		for _, s := range steps {
			in := func() httpapi.Import { return httpapi.Import{Name: s.name, Size: -1, Body: strings.NewReader(s.text)} }
			before, seqBefore := a.estate(t), a.seq(t)
			p, err := imports{a}.Preview(t.Context(), ws, in())
			if err != nil {
				t.Fatal(err)
			}
			if seq := a.seq(t); seq != seqBefore {
				t.Errorf("%s: the preview wrote %d events", s.name, seq-seqBefore)
			}
			if d := cmp.Diff(before, a.estate(t)); d != "" {
				t.Errorf("%s: the preview changed the estate:\n%s", s.name, d)
			}
			pieces, refs := a.chunks(t)
			all, err := a.db.Uploads(t.Context(), ws, 0, 1)
			if err != nil || pieces+refs != 0 || (len(all) > 0 && !all[0].State.Ended()) {
				t.Errorf("%s: of the preview %d pieces, %d refs and uploads %+v are left: %v", s.name, pieces, refs, all, err)
			}
			u := a.imported(t, in())
			a.emptied(t)
			if d := cmp.Diff(p.Counts, u.Counts); d != "" {
				t.Errorf("%s: -previewed +imported:\n%s", s.name, d)
			}
			if d := cmp.Diff(kinds(p.Changes), a.kindsSince(t, seqBefore)); d != "" {
				t.Errorf("%s: -previewed +imported:\n%s", s.name, d)
			}
			for _, c := range p.Changes {
				if len(c.Examples) == 0 || len(c.Examples) > 10 || len(c.Examples) > c.Count {
					t.Errorf("%s: examples of %+v", s.name, c)
				}
			}
		}
		bad := httpapi.Import{Name: "x", Size: -1, Body: strings.NewReader("hello")}
		if _, err := (imports{a}).Preview(t.Context(), ws, bad); gyre.ErrorCode(err) != gyre.Invalid {
			t.Errorf("a preview of what cannot be imported: %v", err)
		}
	})
}

func kinds(all []gyre.PreviewChange) map[string]int {
	m := map[string]int{}
	for _, c := range all {
		if c.Kind == "closed" || c.Kind == "reopened" {
			c.Kind = "state"
		}
		m[c.Object+" "+c.Kind] += c.Count
	}
	return m
}

// kindsSince counts what an import changed, but for what follows from it.
func (a *App) kindsSince(t testing.TB, seq int64) map[string]int {
	t.Helper()
	m := map[string]int{}
	events, err := a.db.EventsSince(t.Context(), a.workspace.ID, seq, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Object == "exposure" || e.Object == "asset" || e.Object == "weakness" {
			if e.Kind != "band" && e.Kind != "action" {
				m[e.Object+" "+e.Kind]++
			}
		}
	}
	return m
}

func (a *App) seq(t testing.TB) int64 {
	t.Helper()
	seq, err := a.db.Seq(t.Context(), a.workspace.ID)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

// TestCancelImport: an import can be cancelled until it is being stored; then
// it goes on to its end.
func TestCancelImport(t *testing.T) {
	eachEngine(t, func(t *testing.T, a *App) {
		ws := a.workspace.ID
		report := generated(t, "sarif", 2000, 0)
		u, _, err := a.uploads.Receive(t.Context(), ws, imports{a}.input(httpapi.Import{Name: "r.sarif", Body: strings.NewReader(report)}))
		if err != nil {
			t.Fatal(err)
		}
		claimed, err := a.db.ClaimUpload(t.Context(), ws, u.ID) // somebody checks it
		if err != nil {
			t.Fatal(err)
		}
		if u, err = a.db.CancelUpload(t.Context(), ws, u.ID, "ann"); err != nil || u.State != gyre.UploadCancelled {
			t.Fatalf("%s %v", u.State, err)
		}
		if err := a.db.TouchUpload(t.Context(), ws, u.ID, claimed.Fence, 1); !errors.Is(err, gyre.ErrUploadTaken) {
			t.Errorf("the worker of a cancelled import is told %v", err)
		}
		if _, err := (imports{a}).Retry(t.Context(), ws, u.ID, "ann"); err != nil {
			t.Fatal(err)
		}
		if u, err = (imports{a}).Wait(t.Context(), ws, u.ID); err != nil || u.State != gyre.UploadDone {
			t.Fatalf("retried: %s %v", u.State, err)
		}
		if _, err = a.db.CancelUpload(t.Context(), ws, u.ID, "ann"); gyre.ErrorCode(err) != gyre.Conflict {
			t.Errorf("cancelling what is done: %v", err)
		}
	})
}

// TestFence: of two workers that believe to have an import only the later one
// stores; the estate is as if there had been one.
func TestFence(t *testing.T) {
	eachEngine(t, func(t *testing.T, a *App) {
		ws := a.workspace.ID
		report := generated(t, "nessus", 6000, 0)
		in := imports{a}.input(httpapi.Import{Name: "r.nessus", Body: strings.NewReader(report)})
		u, _, err := a.uploads.Receive(t.Context(), ws, in)
		if err != nil {
			t.Fatal(err)
		}
		// The first is held up in the middle of storing, and taken for dead.
		held, goOn := make(chan struct{}), make(chan struct{})
		first := *a.uploads
		batches := 0
		first.TakeUp = heldUp(a.uploads.TakeUp, func() {
			if batches++; batches == 2 {
				close(held)
				<-goOn
			}
		})
		ended := make(chan error, 1)
		go func() {
			_, err := first.Process(context.WithoutCancel(t.Context()), ws, u.ID, nil)
			ended <- err
		}()
		<-held
		done, err := a.uploads.Process(t.Context(), ws, u.ID, nil)
		if err != nil || done.State != gyre.UploadDone {
			t.Fatalf("the second: %s %v", done.State, err)
		}
		close(goOn)
		if err := <-ended; !errors.Is(err, gyre.ErrUploadTaken) {
			t.Errorf("the first: %v", err)
		}
		calm := openAt(t, filepath.Join(t.TempDir(), "calm"), t.TempDir())
		undisturbed := calm.imported(t, httpapi.Import{Name: "r.nessus", Body: strings.NewReader(report)})
		if d := cmp.Diff(undisturbed.Counts, done.Counts); d != "" {
			t.Errorf("counts (-undisturbed +disturbed):\n%s", d)
		}
		if d := cmp.Diff(calm.estate(t), a.estate(t)); d != "" {
			t.Errorf("the estate (-undisturbed +disturbed):\n%s", d)
		}
	})
}

// TestDated: what a report saw is dated from when its tool looked, as it says.
func TestDated(t *testing.T) {
	eachEngine(t, func(t *testing.T, a *App) {
		const nmap = `<?xml version="1.0"?><nmaprun scanner="nmap" args="nmap" start="1700000000" version="7.94" xmloutputversion="1.05">
<host><status state="up"/><address addr="192.0.2.1" addrtype="ipv4"/></host><runstats><finished time="1700000100"/></runstats></nmaprun>`
		u := a.imported(t, httpapi.Import{Name: "scan.xml", Body: strings.NewReader(nmap)})
		run, err := a.db.Run(t.Context(), a.workspace.ID, u.Run)
		if want := time.Unix(1700000000, 0); err != nil || !u.Looked.Equal(want) || !run.Started.Equal(want) {
			t.Errorf("looked %v, run of %v, want %v: %v", u.Looked, run.Started, want, err)
		}
		err = a.db.ProjectionAssets(t.Context(), a.workspace.ID, nil, func(p store.ProjectionAsset) error {
			asset, err := a.db.Asset(t.Context(), a.workspace.ID, p.ID)
			if !asset.FirstSeen.Equal(run.Started) || !asset.LastSeen.Equal(run.Started) {
				t.Errorf("seen from %v to %v", asset.FirstSeen, asset.LastSeen)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		future := bytes.ReplaceAll([]byte(nmap), []byte("1700000000"), []byte("4700000000"))
		u = a.imported(t, httpapi.Import{Name: "future.xml", Body: bytes.NewReader(future)})
		if run, err = a.db.Run(t.Context(), a.workspace.ID, u.Run); err != nil || run.Started.After(u.Created) {
			t.Errorf("a run of the future: %v %v", run.Started, err)
		}
	})
}
