// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

func (c *cli) feedCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "feed", Aliases: []string{"feeds"}, Short: "How fresh threat intelligence is, and fetch it"}
	show := func(list httpapi.FeedList) error {
		r := &rows{header: []string{"Feed", "Last sync", "Data of", "Records", "Error", "Missing because of it"}}
		for _, f := range list.Items {
			r.add(f.Name, firstOf(when(f.LastSync), "never"), when(f.DataDate), strconv.Itoa(f.Records), short(f.Error, 60), f.Missing)
		}
		return c.printer().list(list, r)
	}
	detach := false
	sync := &cobra.Command{
		Use: "sync [NAME]", Short: "Fetch what is new, from all feeds or one", Args: cobra.MaximumNArgs(1),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			name := argOr(args, 0, "")
			if detach {
				return c.addJob(cmd.Context(), a, gyre.JobInput{Kind: "sync", Feed: name})
			}
			var list httpapi.FeedList
			if err := a.do(cmd.Context(), http.MethodPost, "/feeds/sync", httpapi.FeedSync{Name: name}, &list); err != nil {
				return err
			}
			return show(list)
		}),
	}
	sync.Flags().BoolVar(&detach, "detach", false, "return at once with the job; needs a running server")
	cmd.AddCommand(
		sync,
		&cobra.Command{
			Use: "list", Short: "List feeds", Args: cobra.NoArgs,
			RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
				var list httpapi.FeedList
				if err := a.get(cmd.Context(), "/feeds", nil, &list); err != nil {
					return err
				}
				return show(list)
			}),
		},
	)
	return cmd
}

func (c *cli) userCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Aliases: []string{"users"}, Short: "Who may sign in"}
	cmd.AddCommand(c.userListCmd(), c.userAddCmd(), c.userLinkCmd(), c.userPasswordCmd(), c.userRemoveCmd())
	return cmd
}

func (c *cli) userListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List accounts", Args: cobra.NoArgs,
		RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
			var list httpapi.AccountList
			if err := a.get(cmd.Context(), "/accounts", nil, &list); err != nil {
				return err
			}
			r := &rows{header: []string{"Name", "Role", "Disabled", "Last sign-in", "Created"}}
			for _, x := range list.Items {
				r.add(x.Name, string(x.Role), strconv.FormatBool(x.Disabled), when(x.LastSignIn), when(x.Created))
			}
			return c.printer().list(list, r)
		}),
	}
}

func (c *cli) userAddCmd() *cobra.Command {
	role := "reader"
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add an account; prints a one-time link to sign in with", Args: cobra.ExactArgs(1),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			var made httpapi.NewAccount
			if err := a.do(cmd.Context(), http.MethodPost, "/accounts", httpapi.AccountInput{Name: args[0], Role: gyre.Role(role)}, &made); err != nil {
				return err
			}
			return c.printer().object(made, append([][2]string{{"Account", made.Account.Name}, {"Role", string(made.Account.Role)}}, linkFields(a, made.Link)...)...)
		}),
	}
	cmd.Flags().StringVar(&role, "role", role, "reader, editor or admin")
	return cmd
}

func linkFields(a *api, l *httpapi.SignInLink) [][2]string {
	if l == nil {
		return nil
	}
	return [][2]string{{"Sign in once", firstOf(a.console, a.base) + "/sign-in#token=" + l.Token}, {"Until", when(l.Expires)}}
}

func (a *api) account(cmd *cobra.Command, name string) (gyre.Account, error) {
	var list httpapi.AccountList
	if err := a.get(cmd.Context(), "/accounts", nil, &list); err != nil {
		return gyre.Account{}, err
	}
	for _, x := range list.Items {
		if x.Name == name {
			return x, nil
		}
	}
	return gyre.Account{}, gyre.Errorf(gyre.NotFound, "there is no account %q", name)
}

func (c *cli) userLinkCmd() *cobra.Command {
	return &cobra.Command{
		Use: "link [NAME]", Short: "Print a one-time link to sign in with (admin)", Args: cobra.MaximumNArgs(1),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			x, err := a.account(cmd, argOr(args, 0, "admin"))
			if err != nil {
				return err
			}
			var l httpapi.SignInLink
			if err := a.do(cmd.Context(), http.MethodPost, "/accounts/"+x.ID.String()+"/link", nil, &l); err != nil {
				return err
			}
			return c.printer().object(l, linkFields(a, &l)...)
		}),
	}
}

func (c *cli) userPasswordCmd() *cobra.Command {
	return &cobra.Command{
		Use: "password NAME", Short: "Set a password, read from the terminal or standard input", Args: cobra.ExactArgs(1),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			x, err := a.account(cmd, args[0])
			if err != nil {
				return err
			}
			pw, err := c.readSecret("New password: ")
			if err != nil {
				return err
			}
			return a.do(cmd.Context(), http.MethodPatch, "/accounts/"+x.ID.String(), httpapi.AccountPatch{Password: &pw, Unlock: true}, nil)
		}),
	}
}

func (c *cli) readSecret(prompt string) (string, error) {
	if f, ok := c.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		_, _ = fmt.Fprint(c.err, prompt)
		b, err := term.ReadPassword(int(f.Fd()))
		_, _ = fmt.Fprintln(c.err)
		return string(b), err
	}
	line, err := bufio.NewReader(c.in).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line != "" {
		return line, nil
	}
	return "", gyre.Errorf(gyre.Invalid, "no password on standard input: %w", err)
}

func (c *cli) userRemoveCmd() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Remove an account and its tokens", Args: cobra.ExactArgs(1),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			x, err := a.account(cmd, args[0])
			if err != nil {
				return err
			}
			return a.do(cmd.Context(), http.MethodDelete, "/accounts/"+x.ID.String(), nil, nil)
		}),
	}
}

func (c *cli) tokenCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "token", Aliases: []string{"tokens"}, Short: "Keys for programs that use the API"}
	var scopes []string
	var days int
	var account string
	add := &cobra.Command{
		Use: "add NAME", Short: "Make a token; its secret is shown this once", Args: cobra.ExactArgs(1),
		Example: "  gyre token add ci --scope read,scan --days 30",
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			in := httpapi.TokenInput{Name: args[0], Scopes: scopes, Account: account}
			if days > 0 {
				in.Expires = time.Now().Add(time.Duration(days) * 24 * time.Hour)
			}
			var made httpapi.NewToken
			if err := a.do(cmd.Context(), http.MethodPost, "/tokens", in, &made); err != nil {
				return err
			}
			return c.printer().object(made, [2]string{"Token", made.Token.Name}, [2]string{"Secret", made.Secret}, [2]string{"Until", when(made.Token.Expires)})
		}),
	}
	add.Flags().StringSliceVar(&scopes, "scope", []string{"read"}, "read, write, scan, admin; several allowed")
	add.Flags().IntVar(&days, "days", 90, "how long it is good for, at most 365")
	add.Flags().StringVar(&account, "account", "admin", "account that it acts for")
	cmd.AddCommand(
		add,
		&cobra.Command{
			Use: "list", Short: "List tokens", Args: cobra.NoArgs,
			RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
				var list httpapi.TokenList
				if err := a.get(cmd.Context(), "/tokens", nil, &list); err != nil {
					return err
				}
				r := &rows{header: []string{"ID", "Name", "May", "Until", "Last used"}}
				for _, t := range list.Items {
					r.add(t.ID.String(), t.Name, strings.Join(t.Scopes, ", "), when(t.Expires), when(t.LastUsed))
				}
				return c.printer().list(list, r)
			}),
		},
		&cobra.Command{
			Use: "remove ID", Short: "Remove a token; it stops working at once", Args: cobra.ExactArgs(1),
			RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
				return a.do(cmd.Context(), http.MethodDelete, "/tokens/"+url.PathEscape(args[0]), nil, nil)
			}),
		},
	)
	return cmd
}

func (c *cli) doctorCmd() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Check the installation and say what to do about what is wrong", Args: cobra.NoArgs,
		RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
			var d httpapi.Examinations
			if err := a.get(cmd.Context(), "/doctor", nil, &d); err != nil {
				return err
			}
			r := &rows{header: []string{"Check", "OK", "Detail"}}
			bad := 0
			for _, x := range d.Checks {
				word := "yes"
				if !x.OK {
					word = "NO"
					bad++
				}
				r.add(x.Name, word, x.Detail)
			}
			if err := c.printer().list(d, r); err != nil {
				return err
			}
			if bad > 0 {
				return &exitError{code: exitFailed}
			}
			return nil
		}),
	}
}

func (c *cli) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := httpapi.Version{Version: version, Go: runtime.Version()}
			return c.printer().object(v, [2]string{"Version", v.Version}, [2]string{"Go", v.Go}, [2]string{"Platform", runtime.GOOS + "/" + runtime.GOARCH})
		},
	}
}
