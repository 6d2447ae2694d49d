// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"

	"github.com/gyre-ctem/gyre/internal/store"
)

// server is the one PostgreSQL of this test process.
var server struct {
	once  sync.Once
	err   error
	port  int
	admin *sql.DB
	// stdin is held open for as long as this process lives: see watch.
	stdin io.WriteCloser
	dbs   atomic.Int64
}

var errNoPostgres = errors.New("no initdb and postgres on PATH or in /usr/lib/postgresql/*/bin")

const template = "gyre_template"

// newPostgres makes a database, migrated or empty, that goes with the test, and
// returns its address.
func newPostgres(t testing.TB, migrated bool) string {
	t.Helper()
	url := newPostgresDatabase(t, migrated)
	t.Cleanup(func() {
		name := url[strings.LastIndexByte(url, '/')+1 : strings.IndexByte(url, '?')]
		if _, err := server.admin.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return url
}

func newPostgresDatabase(t testing.TB, migrated bool) string {
	t.Helper()
	server.once.Do(func() { server.err = startPostgres() })
	if errors.Is(server.err, errNoPostgres) {
		t.Skipf("NOT TESTED ON POSTGRESQL: %v (install Debian's package postgresql)", server.err)
	}
	if server.err != nil {
		t.Fatalf("start PostgreSQL: %v", server.err)
	}
	name, from := fmt.Sprintf("gyre_test_%d", server.dbs.Add(1)), "template0"
	if migrated {
		from = template
	}
	ctx := context.Background()
	if _, err := server.admin.ExecContext(ctx, "CREATE DATABASE "+name+" TEMPLATE "+from); err != nil {
		t.Fatalf("create database: %v", err)
	}
	return address(name)
}

func address(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", server.port, database)
}

// findPostgres returns the folder of initdb and postgres; the newest when there are several.
func findPostgres() (string, error) {
	var folders []string
	if p, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			folders = append(folders, filepath.Dir(real))
		}
	}
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Sort(installed)
	slices.Reverse(installed)
	for _, f := range append(folders, installed...) {
		if isFile(filepath.Join(f, "initdb")) && isFile(filepath.Join(f, "postgres")) {
			return f, nil
		}
	}
	return "", errNoPostgres
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// watch runs the server and, when its standard input ends, stops it and
// removes its folder. The test process holds the other end, so this happens also when
// it is killed.
const watch = `"$1/postgres" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
	-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300 -c shared_buffers=64MB >"$2/log" 2>&1 <&- &
pid=$!
cat >/dev/null
kill -QUIT $pid
wait $pid
rm -rf "$2"`

func startPostgres() error {
	bin, err := findPostgres()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "gyre-postgres-")
	if err != nil {
		return err
	}
	attr, err := dropRoot(folder)
	if err != nil {
		return err
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), // #nosec -- a program of PostgreSQL, in a test
		"-D", filepath.Join(folder, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	initdb.SysProcAttr, initdb.Dir = attr, folder
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server.port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return err
	}
	run := exec.Command("/bin/sh", "-c", watch, "sh", bin, folder, fmt.Sprint(server.port)) // #nosec -- fixed text
	run.SysProcAttr, run.Dir = attr, folder
	if server.stdin, err = run.StdinPipe(); err != nil {
		return err
	}
	if err := run.Start(); err != nil {
		return err
	}
	if server.admin, err = sql.Open("pgx", address("postgres")); err != nil {
		return err
	}
	server.admin.SetMaxOpenConns(2)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for server.admin.PingContext(ctx) != nil {
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(folder, "log")) // #nosec -- our own folder
			return fmt.Errorf("PostgreSQL did not answer: %s", log)
		case <-time.After(20 * time.Millisecond):
		}
	}
	if _, err := server.admin.ExecContext(ctx, "CREATE DATABASE "+template+" TEMPLATE template0"); err != nil {
		return err
	}
	db, err := store.Open(ctx, address(template))
	if err != nil {
		return fmt.Errorf("migrate template: %w", err)
	}
	return db.Close()
}
