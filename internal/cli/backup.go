// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/app"
	"github.com/gyre-ctem/gyre/internal/store/backup"
)

// backedUp is what the commands say of a backup.
type backedUp struct {
	File     string           `json:"file"`
	Bytes    int64            `json:"bytes,omitempty"`
	Created  time.Time        `json:"created"`
	Version  string           `json:"version"`
	Schema   int64            `json:"schema"`
	Engine   string           `json:"engine"`
	Rows     int64            `json:"rows"`
	SHA256   string           `json:"sha256"`
	Kept     string           `json:"kept,omitempty"`
	Sections []backup.Section `json:"tables"`
}

func (c *cli) sayBackup(w io.Writer, file string, bytes int64, kept string, s backup.Summary) error {
	h := s.Header
	b := backedUp{
		File: file, Bytes: bytes, Created: h.Created, Version: h.Version, Schema: h.Schema, Engine: string(h.Engine), Rows: s.Rows, SHA256: s.SHA256,
		Kept: kept, Sections: s.Sections,
	}
	p := c.printer()
	p.w = w
	fields := [][2]string{
		{"File", file},
		{"Made", when(h.Created) + " by Gyre " + h.Version + " on " + string(h.Engine)},
		{"Schema", strconv.FormatInt(h.Schema, 10)},
		{"Tables", strconv.Itoa(len(s.Sections))},
		{"Rows", strconv.FormatInt(s.Rows, 10)},
		{"Sum", s.SHA256},
	}
	if kept != "" {
		fields = append(fields, [2]string{"What was there", "kept as " + kept})
	}
	return p.object(b, fields...)
}

// tableProgress draws how far a backup is, where somebody looks.
func (c *cli) tableProgress() (backup.Progress, func()) {
	if c.quiet || !c.terminal() {
		return func(string, int, int, int64) {}, func() {}
	}
	var last time.Time
	return func(table string, done, total int, rows int64) {
			if now := time.Now(); now.Sub(last) >= 100*time.Millisecond {
				last = now
				_, _ = fmt.Fprintf(c.err, "\r\x1b[K%d of %d tables: %s, %d rows", done, total, table, rows)
			}
		}, func() {
			_, _ = fmt.Fprint(c.err, "\r\x1b[K")
		}
}

// onTheSpot refuses --server: these commands work on the database itself.
func (c *cli) onTheSpot() error {
	if firstOf(c.server, c.getenv("GYRE_SERVER")) != "" {
		return gyre.FieldErrorf(gyre.Invalid, "--server", "a backup is made of a database and not through a server; name it with --data or --database")
	}
	return nil
}

func (c *cli) backupCmd() *cobra.Command {
	force := false
	cmd := &cobra.Command{
		Use: "backup FILE", Short: "Write the whole database into one file; - is standard output", Args: cobra.ExactArgs(1),
		Long: `Writes everything that the database holds at this moment into one compressed file,
while a server goes on working on it. A backup of SQLite can be restored into
PostgreSQL, and the other way round. Sessions and queued jobs are left out.

The file holds the hashes of passwords and tokens, and everything that is wrong with
your estate. It is readable by you only; keep it so.`,
		Example: `  gyre backup gyre.backup
  gyre backup - | age -r age1… > gyre.backup.age
  gyre backup verify gyre.backup`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.onTheSpot(); err != nil {
				return err
			}
			return c.backup(cmd, args[0], force)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "write over a file that is there")
	cmd.AddCommand(&cobra.Command{
		Use: "verify FILE", Short: "Say whether a backup is whole, and what it holds; - is standard input", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, size := c.in, int64(0)
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return gyre.Errorf(gyre.Invalid, "%s cannot be read: %w", args[0], errors.Unwrap(err))
				}
				defer func() { _ = f.Close() }()
				if st, err := f.Stat(); err == nil {
					size = st.Size()
				}
				in = f
			}
			s, err := backup.Verify(cmd.Context(), in)
			if err != nil {
				return err
			}
			return c.sayBackup(c.out, args[0], size, "", s)
		},
	})
	return cmd
}

func (c *cli) backup(cmd *cobra.Command, file string, force bool) error {
	cfg, err := c.settings(cmd, nil)
	if err != nil {
		return err
	}
	progress, end := c.tableProgress()
	defer end()
	if file == "-" {
		if f, ok := c.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return gyre.Errorf(gyre.Invalid, "a backup is nothing for a terminal; send it into a file or a program")
		}
		s, err := app.Backup(cmd.Context(), cfg, version, c.out, progress)
		if err != nil {
			return err
		}
		end()
		return c.sayBackup(c.err, file, 0, "", s)
	}
	if _, err := os.Lstat(file); err == nil && !force {
		return gyre.Errorf(gyre.Conflict, "%s is there already; --force writes over it", file)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return gyre.Errorf(gyre.Invalid, "%s cannot be written: %w", file, err)
	}
	// Beside it first, so that under its name there is a whole backup or none.
	tmp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".part-*") // readable by its owner only
	if err != nil {
		return gyre.Errorf(gyre.Invalid, "%s cannot be written: %w", file, err)
	}
	defer func() {
		_ = tmp.Close()
		_ = os.Remove(tmp.Name())
	}()
	s, err := app.Backup(cmd.Context(), cfg, version, tmp, progress)
	if err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return gyre.Errorf(gyre.Unavailable, "write %s: %w", file, err)
	}
	st, err := tmp.Stat()
	if err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), file); err != nil {
		return gyre.Errorf(gyre.Unavailable, "write %s: %w", file, err)
	}
	end()
	return c.sayBackup(c.out, file, st.Size(), "", s)
}

func (c *cli) restoreCmd() *cobra.Command {
	force := false
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "Make the database out of a backup", Args: cobra.ExactArgs(1),
		Long: `Makes the database out of a backup, of the same or an older version of Gyre and of
either kind of database. The backup is verified first. The new database is made
beside the place where it belongs, compared with the backup row by row, and put there
only then: what goes wrong before leaves everything as it was.

No server may run on the data folder. A database that is there already is refused;
with --force it is kept beside the new one.`,
		Example: `  gyre restore gyre.backup
  gyre restore gyre.backup --data /srv/gyre --database postgres://gyre@db/gyre   from SQLite to PostgreSQL`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.onTheSpot(); err != nil {
				return err
			}
			cfg, err := c.settings(cmd, nil)
			if err != nil {
				return err
			}
			f, err := os.Open(args[0])
			if err != nil {
				return gyre.Errorf(gyre.Invalid, "%s cannot be read: %w", args[0], errors.Unwrap(err))
			}
			defer func() { _ = f.Close() }()
			progress, end := c.tableProgress()
			s, kept, err := app.Restore(cmd.Context(), cfg, f, force, progress)
			end()
			if err != nil {
				return err
			}
			return c.sayBackup(c.out, args[0], 0, kept, s)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace a database that is there; it is kept beside the new one")
	return cmd
}
