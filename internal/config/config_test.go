// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gyre-ctem/gyre"
)

var update = flag.Bool("update", false, "write docs/config.md anew")

func noEnv(string) string { return "" }

func TestPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gyre.yaml")
	if err := os.WriteFile(file, []byte("listen: 127.0.0.1:1\nlog-level: warn\nlog-format: json\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(k string) string {
		return map[string]string{"GYRE_LISTEN": "127.0.0.1:2", "GYRE_LOG_LEVEL": "error"}[k]
	}
	c, err := Load(file, env, map[string]string{"listen": "127.0.0.1:3"})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"listen": "127.0.0.1:3", "log-level": "error", "log-format": "json", "feed-interval": "24h"} {
		if got := c.Get(key); got != want {
			t.Errorf("%s = %q, want %q", key, got, want)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(text string) string {
		f := filepath.Join(dir, "c.yaml")
		if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return f
	}
	for name, tc := range map[string]struct {
		file  string
		flags map[string]string
		want  string
	}{
		"unknown key":   {file: "colour: red\n", want: `no setting "colour"`},
		"not a map":     {file: "- a\n- b\n", want: "flat YAML map"},
		"bad address":   {flags: map[string]string{"listen": "here"}, want: "host:port"},
		"bad duration":  {flags: map[string]string{"feed-interval": "often"}, want: "duration"},
		"key, no cert":  {flags: map[string]string{"tls-key": "k.pem"}, want: "together"},
		"bad database":  {flags: map[string]string{"database": "mysql://x"}, want: "postgres://"},
		"bad log level": {flags: map[string]string{"log-level": "loud"}, want: "none of"},
	} {
		t.Run(name, func(t *testing.T) {
			path := ""
			if tc.file != "" {
				path = file(tc.file)
			}
			_, err := Load(path, noEnv, tc.flags)
			if gyre.ErrorCode(err) != gyre.Invalid || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want invalid: %s", err, tc.want)
			}
		})
	}
}

func TestCheckListen(t *testing.T) {
	for addr, ok := range map[string]bool{
		"127.0.0.1:8437": true, "[::1]:8437": true, "localhost:1": true,
		"0.0.0.0:8437": false, ":8437": false, "192.0.2.1:80": false, "[::]:1": false,
	} {
		c, err := Load("", noEnv, map[string]string{"listen": addr})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.CheckListen(); (err == nil) != ok {
			t.Errorf("listen on %s: %v, want allowed=%v", addr, err, ok)
		}
		c, err = Load("", noEnv, map[string]string{"listen": addr, "insecure-listen": "true"})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.CheckListen(); err != nil {
			t.Errorf("listen on %s with insecure-listen: %v", addr, err)
		}
	}
}

func TestDocIsCurrent(t *testing.T) {
	var want bytes.Buffer
	if err := WriteDoc(&want); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "docs", "config.md")
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil { // #nosec -- documentation
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s does not say what the option table says; write it anew with: go test ./internal/config -update", path)
	}
}
