// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/store"
	"github.com/gyre-ctem/gyre/internal/store/storetest"
)

func quiet(string, int, int, int64) {}

// address is where a database of an engine can be restored to.
func address(t testing.TB, engine store.Engine) string {
	t.Helper()
	if engine == store.SQLite {
		return "sqlite:" + filepath.Join(t.TempDir(), "gyre.db")
	}
	return storetest.EmptyPostgres(t)
}

// everything fills every table that there is, whatever its columns: with
// values that are easily lost on the way. It is a backup that nobody has made.
func everything(t testing.TB, schema int64, tables []store.Table, rows int) []byte {
	t.Helper()
	texts := []string{"", "ä日本\n\t'\"\\", `{"a":[1,null]}`, " ", "\u2028", `\x00`}
	ints := []int64{math.MaxInt64, math.MinInt64, 0, -1}
	floats := []float64{0, -1.5, math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1}
	var out bytes.Buffer
	w := &writer{out: compressed(t, &out), progress: quiet, sum: Summary{Header: Header{Format: format, Schema: schema, Engine: "test", Tables: tables}}}
	ok(t, w.json(recordHeader, w.sum.Header))
	for _, table := range tables {
		sec := newSection(table.Name)
		w.block = w.block[:0]
		for r := range rows {
			row := make([]any, len(table.Columns))
			for c, col := range table.Columns {
				switch col.Type {
				case "int":
					row[c] = int64(r)*1_000_003 + int64(c) // whatever is unique stays so
					if table.Name == "event" && col.Name == "at" && r < len(ints) {
						row[c] = ints[r]
					}
				case "text":
					row[c] = fmt.Sprintf("%09d.%d%s", r, c, texts[(r+c)%len(texts)])
				case "bytes":
					row[c] = []byte{0, 255, byte(r), '\n'}[:r%5]
				case "bool":
					row[c] = r%2 == 0
				case "float":
					row[c] = floats[(r+c)%len(floats)]
				}
			}
			var err error
			from := len(w.block)
			w.block, err = appendRow(w.block, row)
			ok(t, err)
			sec.add(w.block[from:])
		}
		ok(t, w.put(recordRows, w.block))
		w.sum.Sections = append(w.sum.Sections, sec.end())
		w.sum.Rows += int64(rows)
		ok(t, w.json(recordTable, w.sum.Sections[len(w.sum.Sections)-1]))
	}
	ok(t, w.json(recordTrailer, trailer{Tables: len(tables), Rows: w.sum.Rows, SHA256: total(w.sum.Sections)}))
	ok(t, w.out.(interface{ Close() error }).Close())
	return out.Bytes()
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// content is every row of every table, as text.
func content(t testing.TB, db *store.DB) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	ok(t, db.Snapshot(t.Context(), func(s *store.Snapshot) error {
		for _, table := range s.Tables() {
			err := s.Rows(t.Context(), table, func(values []any) error {
				out[table.Name] = append(out[table.Name], fmt.Sprintf("%#v", values))
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}))
	return out
}

func attach(t testing.TB, dsn string) *store.DB {
	t.Helper()
	db, err := store.Attach(t.Context(), dsn)
	ok(t, err)
	t.Cleanup(func() { ok(t, db.Close()) })
	return db
}

// schemaOf is the schema and the tables of this program.
func schemaOf(t testing.TB) (schema int64, tables []store.Table) {
	t.Helper()
	ok(t, storetest.Open(t, store.SQLite).Snapshot(t.Context(), func(s *store.Snapshot) error {
		schema, tables = s.Schema(), s.Tables()
		return nil
	}))
	if len(tables) < 30 {
		t.Fatalf("only %d tables", len(tables))
	}
	return schema, tables
}

// TestEverything: every row of every table goes from either engine to either engine,
// byte by byte, while others write.
func TestEverything(t *testing.T) {
	schema, tables := schemaOf(t)
	made := everything(t, schema, tables, 300)
	for _, from := range storetest.Engines {
		for _, to := range storetest.Engines {
			t.Run(string(from)+" to "+string(to), func(t *testing.T) {
				source := address(t, from)
				_, _, err := Restore(t.Context(), bytes.NewReader(made), source, false, quiet)
				ok(t, err)
				file, sum := whileWriting(t, source)
				target := address(t, to)
				got, kept, err := Restore(t.Context(), bytes.NewReader(file), target, false, quiet)
				ok(t, err)
				if got.SHA256 != sum.SHA256 || kept != "" {
					t.Fatalf("restored %s, kept %q; want %s", got.SHA256, kept, sum.SHA256)
				}
				// What the writers wrote after the backup is not in it. Going back with the
				// copy and forth again must give what the copy holds, row by row.
				copied := content(t, attach(t, target))
				if n := len(copied["setting"]); n < 300 || n != len(copied["audit"]) {
					t.Errorf("%d settings and %d records: the backup is not of one moment", n, len(copied["audit"]))
				}
				for _, table := range tables {
					if len(copied[table.Name]) < 300 {
						t.Errorf("table %s has %d rows", table.Name, len(copied[table.Name]))
					}
				}
				var again bytes.Buffer
				_, err = Write(t.Context(), attach(t, target), "test", &again, quiet)
				ok(t, err)
				back := address(t, from)
				_, _, err = Restore(t.Context(), bytes.NewReader(again.Bytes()), back, false, quiet)
				ok(t, err)
				if d := cmp.Diff(copied, content(t, attach(t, back))); d != "" {
					t.Errorf("there and back again (-there +back):\n%s", d)
				}
				db, err := store.Open(t.Context(), target) // by the program itself
				ok(t, err)
				ok(t, db.Close())
			})
		}
	}
}

// whileWriting backs a database up while others write to it: each of their
// transactions puts one row into a table that is read early and one into a table
// that is read late.
func whileWriting(t *testing.T, dsn string) ([]byte, Summary) {
	t.Helper()
	db, err := store.Open(t.Context(), dsn)
	ok(t, err)
	defer func() { ok(t, db.Close()) }()
	ws, err := db.EnsureWorkspace(t.Context(), "of the writers")
	ok(t, err)
	before := content(t, db)
	var wrote atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			err := db.Write(ctx, ws.ID, func(tx *store.Tx) error {
				for _, q := range []string{
					"INSERT INTO setting (workspace, name, value) VALUES ($1, $2, '')",
					"INSERT INTO audit (id, workspace, at, actor, address, action, object, outcome, details) VALUES ($1 + CAST($2 AS BIGINT), 1, 1, '', '', '', '', '', '')",
				} {
					if _, err := tx.SQL().ExecContext(ctx, q, int64(1)<<60, fmt.Sprint(i)); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				if ctx.Err() == nil {
					t.Error(err)
				}
				return
			}
			wrote.Add(1)
		}
	})
	var out bytes.Buffer
	var first int64
	sum, err := Write(t.Context(), db, "test", &out, func(table string, _, _ int, _ int64) {
		switch table {
		case "audit":
			first = wrote.Load()
		case "setting": // more has been written between the two
			for end := time.Now().Add(10 * time.Second); wrote.Load() < first+3 && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
		}
	})
	stop()
	wg.Wait()
	ok(t, err)
	if wrote.Load() < first+3 {
		t.Fatal("nobody could write while the backup was made")
	}
	// What nobody wrote to is in the backup as it is in the database.
	after := content(t, db)
	if d := cmp.Diff(before["exposure"], after["exposure"]); d != "" {
		t.Fatal(d)
	}
	return out.Bytes(), sum
}

// TestRefused: what is broken, cut short or not a backup at all is refused, and
// what is there stays as it is.
func TestRefused(t *testing.T) {
	schema, tables := schemaOf(t)
	good := everything(t, schema, tables, 20)
	newer := everything(t, schema+1, tables, 1)
	fewer := everything(t, schema, tables[1:], 1)
	changed := append([]store.Table{}, tables...)
	changed[0].Columns = append([]store.Column{}, changed[0].Columns[1:]...)
	other := everything(t, schema, changed, 1)
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			target := address(t, engine)
			_, _, err := Restore(t.Context(), bytes.NewReader(good), target, false, quiet)
			ok(t, err)
			before := content(t, attach(t, target))
			cases := map[string][]byte{"empty": nil, "text": []byte("hello"), "a newer schema": newer, "a table less": fewer, "a column less": other, "more after its end": append(append([]byte{}, good...), 'x')}
			for i := range 8 {
				cases[fmt.Sprintf("cut at %d/8", i)] = good[:len(good)*i/8]
				flipped := append([]byte{}, good...)
				flipped[len(flipped)*(2*i+1)/16] ^= 1 << (i % 8)
				cases[fmt.Sprintf("a bit at %d/16", 2*i+1)] = flipped
			}
			cases["the last byte"] = good[:len(good)-1]
			for name, file := range cases {
				for _, force := range []bool{false, true} {
					_, kept, err := Restore(t.Context(), bytes.NewReader(file), target, force, quiet)
					if err == nil || kept != "" {
						t.Errorf("%s: restored, kept %q", name, kept)
					}
				}
			}
			if _, _, err := Restore(t.Context(), bytes.NewReader(good), target, false, quiet); gyre.ErrorCode(err) != gyre.Conflict {
				t.Errorf("over a database that is there: %v", err)
			}
			stopped, stop := context.WithCancel(t.Context())
			_, _, err = Restore(stopped, bytes.NewReader(good), target, true, func(table string, _, _ int, _ int64) {
				if table == "run" {
					stop()
				}
			})
			if err == nil {
				t.Error("a restore that was stopped in the middle says that it was done")
			}
			if d := cmp.Diff(before, content(t, attach(t, target))); d != "" {
				t.Fatalf("it is not as it was:\n%s", d)
			}
			if path, isFile := strings.CutPrefix(target, "sqlite:"); isFile {
				names, err := os.ReadDir(filepath.Dir(path))
				ok(t, err)
				for _, n := range names {
					if strings.Contains(n.Name(), "restoring") || strings.Contains(n.Name(), "replaced") {
						t.Errorf("%s is left", n.Name())
					}
				}
			}
		})
	}
}

// TestReplace: with force, what was there is kept.
func TestReplace(t *testing.T) {
	schema, tables := schemaOf(t)
	one, two := everything(t, schema, tables, 3), everything(t, schema, tables, 5)
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			target := address(t, engine)
			_, _, err := Restore(t.Context(), bytes.NewReader(one), target, false, quiet)
			ok(t, err)
			db, err := store.Open(t.Context(), target) // so that the queue has tables too
			ok(t, err)
			old := content(t, db)
			if engine == store.Postgres {
				if _, _, err := Restore(t.Context(), bytes.NewReader(two), target, true, quiet); gyre.ErrorCode(err) != gyre.Conflict {
					t.Errorf("under a process that uses it: %v", err)
				}
			}
			ok(t, db.Close())
			_, kept, err := Restore(t.Context(), bytes.NewReader(two), target, true, quiet)
			ok(t, err)
			if db, err = store.Open(t.Context(), target); err != nil {
				t.Fatal(err)
			}
			if n := len(content(t, db)["exposure"]); n != 5 {
				t.Errorf("%d exposures, want the 5 of the backup", n)
			}
			ok(t, db.Close())
			if kept == "" {
				t.Fatal("what was there is not said to be kept")
			}
			if engine == store.SQLite {
				if d := cmp.Diff(old, content(t, attach(t, "sqlite:"+kept))); d != "" {
					t.Errorf("what was kept is not what was there:\n%s", d)
				}
			}
		})
	}
}

// TestMemory: neither writing nor reading holds a table in memory.
func TestMemory(t *testing.T) {
	schema, tables := schemaOf(t)
	file := everything(t, schema, tables, 2)
	allocated := testing.AllocsPerRun(3, func() {
		if _, err := Verify(t.Context(), bytes.NewReader(file)); err != nil {
			t.Fatal(err)
		}
	})
	if allocated > 50_000 {
		t.Errorf("%.0f allocations", allocated)
	}
	// A record that says that it is large costs what is there, and not what it says.
	var out bytes.Buffer
	z := compressed(t, &out)
	_, err := z.Write([]byte{recordHeader, 0x80, 0x80, 0x80, 0x20, '{'}) // 64 MiB
	ok(t, err)
	ok(t, z.Close())
	if _, err := Verify(t.Context(), bytes.NewReader(out.Bytes())); gyre.ErrorCode(err) != gyre.Invalid {
		t.Error(err)
	}
}

// TestSameSums: the same content has the same sums on both engines.
func TestSameSums(t *testing.T) {
	schema, tables := schemaOf(t)
	made := everything(t, schema, tables, 100)
	var sums []Summary
	for _, engine := range storetest.Engines {
		dsn := address(t, engine)
		_, _, err := Restore(t.Context(), bytes.NewReader(made), dsn, false, quiet)
		ok(t, err)
		var out bytes.Buffer
		sum, err := Write(t.Context(), attach(t, dsn), "test", &out, quiet)
		ok(t, err)
		read, err := Verify(t.Context(), bytes.NewReader(out.Bytes()))
		ok(t, err)
		if d := cmp.Diff(sum.Sections, read.Sections); d != "" {
			t.Errorf("written and read (-written +read):\n%s", d)
		}
		sums = append(sums, sum)
	}
	if d := cmp.Diff(sums[0].Sections, sums[len(sums)-1].Sections); d != "" {
		t.Errorf("the engines differ:\n%s", d)
	}
}

func FuzzVerify(f *testing.F) {
	tables := []store.Table{{Name: "a", Columns: []store.Column{{Name: "id", Type: "int", Key: 1}, {Name: "t", Type: "text"}, {Name: "b", Type: "bytes"}, {Name: "f", Type: "float"}, {Name: "x", Type: "bool"}}}}
	f.Add(plain(f, everything(f, 1, tables, 3)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		// The records behind the compression; and the bytes as they are.
		var out bytes.Buffer
		z := compressed(t, &out)
		_, _ = z.Write(raw)
		ok(t, z.Close())
		for _, file := range [][]byte{out.Bytes(), raw} {
			if _, err := Verify(t.Context(), bytes.NewReader(file)); err != nil && gyre.ErrorCode(err) != gyre.Invalid {
				t.Fatalf("error of code %q: %v", gyre.ErrorCode(err), err)
			}
		}
	})
}

func TestRandomRows(t *testing.T) {
	columns := []store.Column{{Type: "int"}, {Type: "text"}, {Type: "bytes"}, {Type: "float"}, {Type: "bool"}}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		row := []any{rng.Int64() - rng.Int64(), strings.Repeat("é", rng.IntN(200)), make([]byte, rng.IntN(300)), rng.NormFloat64(), rng.IntN(2) == 0}
		if rng.IntN(4) == 0 {
			row[rng.IntN(len(row))] = nil
		}
		b, err := appendRow(nil, row)
		ok(t, err)
		back, rest, fine := rowOf(b, columns)
		if d := cmp.Diff(row, back); !fine || len(rest) > 0 || d != "" {
			t.Fatalf("%v: %s", fine, d)
		}
		for cut := range b {
			if _, rest, fine := rowOf(b[:cut], columns); fine && len(rest) >= 0 {
				t.Fatalf("a row that was cut at %d of %d is read", cut, len(b))
			}
		}
	}
}
