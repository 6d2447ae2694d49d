// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"github.com/gyre-ctem/gyre"
)

const (
	lockName   = "gyre.lock"
	serverName = "server.json"
	engineName = "database"
)

// Server is how other processes of the same user reach the server that holds a
// data folder. The file that says it can be read by its owner only.
type Server struct {
	URL   string `json:"url"`
	Token string `json:"token"` // of this server's life; stands for the machine's own administrator
	PID   int    `json:"pid"`
}

// Folder is a data folder that this process holds.
type Folder struct {
	path string
	lock *flock.Flock
}

// LockFolder makes the folder if needed and takes it; gyre.Conflict when another
// process has it. The lock goes with the process, however it ends.
func LockFolder(path string) (*Folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, gyre.Errorf(gyre.Unavailable, "make data folder: %w", err)
	}
	l := flock.New(filepath.Join(path, lockName))
	ok, err := l.TryLock()
	if err != nil {
		return nil, gyre.Errorf(gyre.Unavailable, "lock data folder: %w", err)
	}
	if !ok {
		return nil, gyre.Errorf(gyre.Conflict, "another Gyre process uses the data folder %s; stop it, or choose another folder with --data", path)
	}
	return &Folder{path: path, lock: l}, nil
}

// Release gives the folder back.
func (f *Folder) Release() error {
	err := os.Remove(filepath.Join(f.path, serverName))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, f.lock.Unlock())
}

// bind notes which kind of database the folder goes with and refuses another: a
// command that forgot --database would else open an empty SQLite file in silence.
func (f *Folder) bind(database string) error {
	known, err := goesWith(f.path, database)
	if err != nil || known {
		return err
	}
	return f.rebind(database)
}

// rebind notes that from now on the folder goes with this kind of database.
func (f *Folder) rebind(database string) error {
	return os.WriteFile(filepath.Join(f.path, engineName), []byte(engineOf(database)+"\n"), 0o600)
}

// goesWith refuses a database of another kind than the one that a folder goes
// with; known says that it goes with one.
func goesWith(path, database string) (known bool, err error) {
	b, err := os.ReadFile(filepath.Join(path, engineName)) // #nosec G304 -- our own folder
	engine := strings.TrimSpace(string(b))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read %s: %w", engineName, err)
	case engine != engineOf(database):
		return true, gyre.FieldErrorf(gyre.Invalid, "database",
			"the data folder %s goes with a %s database; name it with --database or GYRE_DATABASE, or choose another folder with --data", path, engine)
	}
	return true, nil
}

func engineOf(database string) string {
	engine, _, _ := strings.Cut(database, ":")
	if engine == "postgresql" {
		return "postgres"
	}
	return engine
}

// announce writes down how to reach the server that now holds the folder.
func (f *Folder) announce(url string) (Server, error) {
	s := Server{URL: url, Token: rand.Text(), PID: os.Getpid()}
	b, err := json.Marshal(s)
	if err != nil {
		return s, err
	}
	tmp := filepath.Join(f.path, serverName+".new")
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return s, fmt.Errorf("write %s: %w", serverName, err)
	}
	return s, os.Rename(tmp, filepath.Join(f.path, serverName))
}

// FindServer reads how to reach the server that holds a folder; false when none does.
func FindServer(path string) (Server, bool) {
	l := flock.New(filepath.Join(path, lockName))
	if _, err := os.Stat(l.Path()); err != nil {
		return Server{}, false
	}
	if free, err := l.TryRLock(); err == nil && free {
		_ = l.Unlock()
		return Server{}, false // what the file says is of a process that died
	}
	b, err := os.ReadFile(filepath.Join(path, serverName)) // #nosec G304 -- the data folder is the caller's
	var s Server
	if err != nil || json.Unmarshal(b, &s) != nil || s.URL == "" {
		return Server{}, false
	}
	return s, true
}

// openFolder takes the data folder. A worker has none: what it needs is in the
// database, which a file that one process owns is not.
func (a *App) openFolder() (err error) {
	cfg := a.opt.Config
	if a.opt.Worker {
		if strings.HasPrefix(cfg.Database(), "sqlite:") {
			return gyre.FieldErrorf(gyre.Invalid, "database",
				"workers share a PostgreSQL database (--database postgres://… or GYRE_DATABASE); an SQLite file belongs to one process, and 'gyre serve' works its jobs")
		}
		return nil
	}
	if a.folder, err = LockFolder(cfg.Get("data")); err != nil {
		return err
	}
	return a.folder.bind(cfg.Database())
}
