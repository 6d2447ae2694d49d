// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/config"
)

// version is set when the binary is linked.
var version = "dev"

// The exit codes.
const (
	exitOK          = 0
	exitFailed      = 1   // a defect, or something that Gyre could not do
	exitUsage       = 2   // the command or its input is wrong
	exitNotFound    = 3   // no such object
	exitConflict    = 4   // not in a state that allows it
	exitDenied      = 5   // not signed in, not allowed, or outside every scope
	exitUnavailable = 6   // something needed is missing or busy; may work later
	exitFindings    = 10  // --fail-on: there are exposures
	exitInterrupted = 130 // Ctrl-C
)

// cli is one call of the command line.
type cli struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string

	server, token, format, configFile string
	quiet                             bool

	api   *api
	close []func() error
}

// Main runs a command and returns its exit code.
func Main(ctx context.Context, args []string, in io.Reader, out, errw io.Writer) int {
	c := &cli{in: in, out: out, err: errw, getenv: os.Getenv}
	root := c.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errw)
	err := root.ExecuteContext(ctx)
	for i := len(c.close) - 1; i >= 0; i-- {
		err = errors.Join(err, c.close[i]())
	}
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	if msg := err.Error(); msg != "" {
		_, _ = fmt.Fprintln(errw, "gyre: "+printable(msg))
	}
	return exitCode(err)
}

// exitError carries an exit code that is not the error's own.
type exitError struct {
	code int
	msg  string
}

func (e *exitError) Error() string { return e.msg }

func exitCode(err error) int {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	if e, ok := errors.AsType[*gyre.Error](err); ok {
		switch e.Code {
		case gyre.Invalid, gyre.TooLarge:
			return exitUsage
		case gyre.NotFound:
			return exitNotFound
		case gyre.Conflict:
			return exitConflict
		case gyre.Unauthorized, gyre.Forbidden:
			return exitDenied
		case gyre.Unavailable:
			return exitUnavailable
		}
	}
	return exitFailed
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "gyre",
		Short: "Find what an attacker could use, fix what matters first, prove that it is fixed",
		Long: `Gyre turns a loop over your estate: scope, discover, identify, prioritize,
remediate, validate. Commands talk to the server that runs on the data folder,
to another one with --server, or work on the data folder itself when no server
runs.

Exit codes: 0 done, 1 failed, 2 wrong command or input, 3 not found, 4 conflict,
5 not allowed, 6 not available now, 10 exposures found (--fail-on), 130 interrupted.`,
		Example: `  gyre serve --first-cycle          start here: server, console and a first cycle on this machine
  gyre scan 192.0.2.0/28            look at a network that you may look at
  gyre exposure list --filter 'intel.kev && asset.internet_facing'
  gyre action list                  what to fix first, and how`,
		SilenceUsage: true, SilenceErrors: true,
		Version: version,
	}
	f := root.PersistentFlags()
	f.StringVar(&c.server, "server", "", "address of a Gyre server, with --token or $GYRE_TOKEN")
	f.StringVar(&c.token, "token", "", "API token for --server; better in $GYRE_TOKEN")
	f.StringVarP(&c.format, "output", "o", "table", "table, json or csv")
	f.StringVar(&c.configFile, "config", "", "settings file (YAML); see docs/config.md")
	f.BoolVarP(&c.quiet, "quiet", "q", false, "no progress")
	for _, o := range config.Options {
		f.String(o.Key, "", firstSentence(o.Doc)+" ("+config.EnvName(o.Key)+")")
	}
	// Settings of the server clutter the help of everything else.
	for _, o := range config.Options {
		if o.Key != "data" {
			_ = f.MarkHidden(o.Key)
		}
	}
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		// cobra checks the same after this, but with an error that has no code.
		if err := cmd.ValidateRequiredFlags(); err != nil {
			return gyre.Errorf(gyre.Invalid, "%w\nSee '%s --help'", err, cmd.CommandPath())
		}
		return checkFormat(c.format)
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return gyre.Errorf(gyre.Invalid, "%w\nSee '%s --help'", err, cmd.CommandPath())
	})
	root.AddCommand(
		c.serveCmd(), c.demoCmd(), c.cycleCmd(), c.scopeCmd(), c.scanCmd(), c.importCmd(), c.uploadCmd(), c.assetCmd(), c.reviewCmd(),
		c.exposureCmd(), c.correlationCmd(),
		c.actionCmd(), c.validateCmd(), c.feedCmd(), c.labCmd(), c.userCmd(), c.tokenCmd(), c.doctorCmd(), c.versionCmd(),
		c.jobCmd(), c.scheduleCmd(), c.workerCmd(),
		c.overviewCmd(), c.historyCmd(), c.trendCmd(), c.backupCmd(), c.restoreCmd(),
		c.compactCmd(),
	)
	usageErrors(root)
	return root
}

// usageErrors gives wrong arguments the exit code of wrong input.
func usageErrors(cmd *cobra.Command) {
	if args := cmd.Args; args != nil {
		cmd.Args = func(cmd *cobra.Command, a []string) error {
			if err := args(cmd, a); err != nil {
				return gyre.Errorf(gyre.Invalid, "%w\nSee '%s --help'", err, cmd.CommandPath())
			}
			return nil
		}
	}
	if cmd.HasSubCommands() && cmd.RunE == nil {
		cmd.Args = cobra.ArbitraryArgs // else cobra itself refuses what is no command of the root
		cmd.RunE = func(cmd *cobra.Command, a []string) error {
			if len(a) > 0 {
				return gyre.Errorf(gyre.Invalid, "there is no command %q\nSee '%s --help'", a[0], cmd.CommandPath())
			}
			return cmd.Help()
		}
	}
	for _, sub := range cmd.Commands() {
		usageErrors(sub)
	}
}

func firstSentence(s string) string {
	first, _, _ := strings.Cut(s, ". ")
	return strings.TrimSuffix(first, ".")
}

// settings loads the configuration with the flags that were given; defaults
// stand for flags that were not.
func (c *cli) settings(cmd *cobra.Command, defaults map[string]string) (*config.Config, error) {
	flags := map[string]string{}
	for k, v := range defaults {
		if c.getenv(config.EnvName(k)) == "" {
			flags[k] = v
		}
	}
	for _, o := range config.Options {
		if fl := cmd.Flags().Lookup(o.Key); fl != nil && fl.Changed {
			flags[o.Key] = fl.Value.String()
		}
	}
	return config.Load(c.configFile, c.getenv, flags)
}

func (c *cli) printer() *printer {
	p := &printer{w: c.out, format: c.format}
	if f, ok := c.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.width, _, _ = term.GetSize(int(f.Fd()))
	}
	return p
}

// terminal says whether progress can be drawn.
func (c *cli) terminal() bool {
	f, ok := c.err.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && c.getenv("TERM") != "dumb"
}

func logger(w io.Writer, cfg *config.Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Get("log-level")))
	opts := &slog.HandlerOptions{Level: level}
	if cfg.Get("log-format") == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
