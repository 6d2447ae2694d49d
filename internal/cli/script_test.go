// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gyre-ctem/gyre/internal/cli"
	"github.com/gyre-ctem/gyre/lab/labtest"
)

// TestMain lets this test binary be gyre itself when it is called by that name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gyre": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		code := cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
		stop()
		os.Exit(code)
	}})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("GYRE_DATA", e.WorkDir+"/data")
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"eventually": eventually, "jsonenv": jsonenv, "below": below, "exitcode": exitcode, "nested": nested, "estate": estate,
		},
	})
}

// eventually COMMAND… runs a command until it succeeds, for two minutes at most.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: eventually COMMAND…")
	}
	var err error
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if err = ts.Exec(args[0], args[1:]...); err == nil {
			return
		}
	}
	ts.Fatalf("%v never succeeded: %v", args, err)
}

// estate waits for the turn of this script to raise the practice estate.
func estate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: estate")
	}
	release, err := labtest.Wait(context.Background())
	ts.Check(err)
	ts.Defer(release)
}

// jsonenv NAME PATH sets a variable to a value of the JSON on standard output: items.0.id.
func jsonenv(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: jsonenv NAME PATH")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for _, part := range strings.Split(args[1], ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			i, err := strconv.Atoi(part)
			ts.Check(err)
			if i >= len(x) {
				ts.Fatalf("%s: only %d elements at %s", args[1], len(x), part)
			}
			v = x[i]
		}
	}
	if v == nil {
		ts.Fatalf("there is no %s in the output", args[1])
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

// below A B: the number A is below the number B.
func below(ts *testscript.TestScript, neg bool, args []string) {
	a, err := strconv.ParseFloat(args[0], 64)
	ts.Check(err)
	b, err := strconv.ParseFloat(args[1], 64)
	ts.Check(err)
	if (a < b) == neg {
		ts.Fatalf("%v below %v: %v", a, b, a < b)
	}
}

// exitcode N COMMAND… checks the exit code of a command.
func exitcode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode N COMMAND…")
	}
	got := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("%v ended with %s, want %s", args[1:], got, args[0])
	}
}

// nested FILE DEPTH MIB writes JSON that is nested that deep and padded to that size.
func nested(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: nested FILE DEPTH MIB")
	}
	depth, err := strconv.Atoi(args[1])
	ts.Check(err)
	mib, err := strconv.Atoi(args[2])
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer func() { ts.Check(f.Close()) }()
	_, err = f.WriteString(`{"bomFormat":"CycloneDX","specVersion":"1.5","components":`)
	ts.Check(err)
	_, err = f.WriteString(strings.Repeat("[", depth))
	ts.Check(err)
	for range mib {
		_, err = f.WriteString(strings.Repeat(`{"a":[`, 1<<20/6))
		ts.Check(err)
	}
}
