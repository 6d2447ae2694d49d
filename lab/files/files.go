// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package files writes the part of the practice estate that is files: root
// folders of hosts, a directory export, a cloud account export, infrastructure
// code, and a supplier's bill of materials.
//
// Only lab packages may import it. Invariants: Render is pure and says the whole
// content for the rows as they are, so that fixing or breaking a row is
// rendering again; what differs between a planted and a fixed row is what the
// row's fix says, and nothing else.
package files

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gyre-ctem/gyre/lab/truth"
)

// File is one file, by its slash-separated path below the estate's folder.
type File struct {
	Path string
	Mode os.FileMode
	Data []byte
}

// Estate is what files are rendered from.
type Estate struct {
	Rows []truth.Row
	Now  time.Time // dates in exports are counted back from it
	Made time.Time // when the exports say that they were made
	// PrivateKey is the PEM text of the key that is planted as a secret.
	PrivateKey string
	// Names are the short names of the hosts that have a root folder.
	Hosts []string
}

// NewPrivateKey makes the key that is planted. It opens nothing.
func NewPrivateKey() (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("make planted key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("write planted key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// Render returns every file as it is now.
func Render(e Estate) []File {
	files := []File{
		text(truth.DirectoryFile, e.directory()),
		{Path: truth.CloudFile, Mode: 0o600, Data: e.cloud()},
		{Path: truth.SBOMFile, Mode: 0o600, Data: e.sbom()},
	}
	for _, host := range e.Hosts {
		files = append(files, e.root(host)...)
	}
	files = append(files, e.terraform()...)
	return append(files, e.kubernetes()...)
}

func text(path, data string) File { return File{Path: path, Mode: 0o600, Data: []byte(data)} }

// stamp is a time as exports write it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// has says whether a flaw is planted now.
func (e Estate) has(flaw string) bool {
	for i := range e.Rows {
		if e.Rows[i].Flaw == flaw {
			return e.Rows[i].Planted()
		}
	}
	return false
}

// packages lists the rows about software that a host's file holds.
func (e Estate) packages(host, file string) []*truth.Row {
	var rows []*truth.Row
	for i := range e.Rows {
		if r := &e.Rows[i]; r.Package != nil && r.Host == host && r.Package.File == file {
			rows = append(rows, r)
		}
	}
	return rows
}

// Sync makes dir hold the files: it writes those that differ and removes those
// of before that are not wanted any more.
func Sync(dir string, before, after []File) error {
	want := make(map[string]bool, len(after))
	for _, f := range after {
		want[f.Path] = true
		if err := put(filepath.Join(dir, filepath.FromSlash(f.Path)), f); err != nil {
			return err
		}
	}
	for _, f := range before {
		if !want[f.Path] {
			if err := os.Remove(filepath.Join(dir, filepath.FromSlash(f.Path))); err != nil && !os.IsNotExist(err) {
				return fmt.Errorf("remove estate file: %w", err)
			}
		}
	}
	return nil
}

func put(path string, f File) error {
	if old, err := os.ReadFile(path); err != nil || string(old) != string(f.Data) { // #nosec G304 -- the estate's own folder
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return fmt.Errorf("make estate folder: %w", err)
		}
		// A reader sees the old file or the new one, never half of it.
		if err := os.WriteFile(path+".new", f.Data, 0o600); err != nil {
			return fmt.Errorf("write estate file: %w", err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			return fmt.Errorf("write estate file: %w", err)
		}
	}
	if err := os.Chmod(path, f.Mode); err != nil {
		return fmt.Errorf("set mode of estate file: %w", err)
	}
	return nil
}
