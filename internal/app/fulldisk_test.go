// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package app

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

// TestFullDisk imports on a disk of a few megabytes: the upload is refused
// before the disk is full; where that is switched off the import stands still when it
// is, says so, and goes on to the whole report when there is room.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	size := func(flags uintptr, size string) {
		t.Helper()
		if err := syscall.Mount("tmpfs", disk, "tmpfs", flags, "size="+size); err != nil {
			t.Skipf("no right to mount a small disk: %v", err)
		}
	}
	size(0, "12m")
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	a := openAt(t, filepath.Join(disk, "data"), t.TempDir())
	report := generated(t, "nessus", 8000, 0)
	in := func() httpapi.Import {
		return httpapi.Import{Name: "r.nessus", Size: int64(len(report)), Body: strings.NewReader(report)}
	}
	if _, err := (imports{a}).Receive(t.Context(), a.workspace.ID, in()); gyre.ErrorCode(err) != gyre.Unavailable || !strings.Contains(err.Error(), "disk-reserve") {
		t.Fatalf("a disk without room: %v", err)
	}
	if pieces, _ := a.chunks(t); pieces != 0 {
		t.Errorf("%d pieces are left", pieces)
	}

	a.uploads.Free = nil
	r, err := imports{a}.Receive(t.Context(), a.workspace.ID, in())
	if err != nil {
		t.Fatal(err)
	}
	var u gyre.Upload
	for deadline := time.Now().Add(10 * time.Second); u.Error == "" && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if u, err = a.db.Upload(t.Context(), a.workspace.ID, r.ID); err != nil {
			t.Fatal(err)
		}
	}
	if u.State != gyre.UploadStoring && u.State != gyre.UploadChecking || !strings.Contains(u.Error, "full") {
		// The disk may be so full that not even the reason can be written.
		if u.State.Ended() {
			t.Fatalf("on a full disk it is %s: %v", u.State, u.Err())
		}
		t.Logf("it is %s: %v", u.State, u.Err())
	}
	size(syscall.MS_REMOUNT, "200m")
	if u, err = (imports{a}).Wait(t.Context(), a.workspace.ID, r.ID); err != nil || u.State != gyre.UploadDone {
		t.Fatalf("with room: %s %v %v", u.State, u.Err(), err)
	}
	calm := openAt(t, filepath.Join(t.TempDir(), "calm"), t.TempDir())
	undisturbed := calm.imported(t, httpapi.Import{Name: "r.nessus", Body: strings.NewReader(report)})
	if d := cmp.Diff(undisturbed.Counts, u.Counts); d != "" {
		t.Errorf("counts (-undisturbed +full disk):\n%s", d)
	}
	if d := cmp.Diff(calm.estate(t), a.estate(t)); d != "" {
		t.Errorf("the estate (-undisturbed +full disk):\n%s", d)
	}
}
