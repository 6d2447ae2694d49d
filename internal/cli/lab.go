// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/lab"
)

func (c *cli) labCmd() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "lab", Short: "The practice estate: real listeners with planted weaknesses, on loopback",
		Long: `The practice estate is one process with real services on 127.0.10.0/24 to
127.0.13.0/24, in four zones, with weaknesses planted in them. Fixing and breaking
one really changes it while it runs. 'gyre demo' brings it up together with Gyre.`,
	}
	cmd.PersistentFlags().StringVar(&dir, "dir", "", "folder of the estate (lab in the data folder; that of gyre demo when it runs)")
	folder := func(cmd *cobra.Command) (string, error) {
		if dir != "" {
			return dir, nil
		}
		return c.labFolder(cmd)
	}
	cmd.AddCommand(
		c.labUpCmd(folder), c.labListCmd(folder), c.labChangeCmd(folder, true), c.labChangeCmd(folder, false),
		c.labScoreCmd(folder), c.labScopeCmd(folder), c.labDownCmd(folder), c.labGenCmd(),
	)
	return cmd
}

type folderOf func(*cobra.Command) (string, error)

// running is for commands that talk to the running estate.
func (folder folderOf) running(run func(cmd *cobra.Command, client *lab.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		dir, err := folder(cmd)
		if err != nil {
			return err
		}
		client, err := lab.Dial(dir)
		if err != nil {
			return err
		}
		return run(cmd, client, args)
	}
}

// labFolder prefers the estate that runs: that of the data folder, else that of the demo.
func (c *cli) labFolder(cmd *cobra.Command) (string, error) {
	cfg, err := c.settings(cmd, nil)
	if err != nil {
		return "", err
	}
	own := filepath.Join(cfg.Get("data"), "lab")
	for _, dir := range []string{own, filepath.Join(demoData(cfg.Get("data")), "lab")} {
		if _, err := lab.Dial(dir); err == nil {
			return dir, nil
		}
	}
	return own, nil
}

func (c *cli) labUpCmd(folder folderOf) *cobra.Command {
	return &cobra.Command{
		Use: "up", Short: "Bring the estate up, until Ctrl-C", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := folder(cmd)
			if err != nil {
				return err
			}
			e, err := lab.Start(cmd.Context(), lab.Options{Dir: dir, Logf: c.note})
			if err != nil {
				return err
			}
			defer e.Close()
			c.note("The practice estate is up: %d weaknesses planted.", countPlanted(e.Rows()))
			c.note("Its scopes:        gyre scope apply -f %s", e.ScopeFile())
			c.note("Its intelligence:  gyre feed sync --feeds %s", e.FeedDir())
			c.note("Ctrl-C, or 'gyre lab down', takes it down.")
			<-e.Done()
			return nil
		},
	}
}

func (c *cli) note(format string, args ...any) { _, _ = fmt.Fprintf(c.err, format+"\n", args...) }

func countPlanted(list []lab.Row) int {
	n := 0
	for i := range list {
		if list[i].Planted() {
			n++
		}
	}
	return n
}

// labRows reads the table of the running estate, or of one that is down.
func labRows(dir string) ([]lab.Row, error) {
	if client, err := lab.Dial(dir); err == nil {
		return client.Rows()
	}
	return lab.Stored(dir)
}

func (c *cli) labListCmd(folder folderOf) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List what is planted: the truth", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := folder(cmd)
			if err != nil {
				return err
			}
			list, err := labRows(dir)
			if err != nil {
				return err
			}
			return c.printer().list(list, labTable(list))
		},
	}
}

func labTable(list []lab.Row) *rows {
	r := &rows{header: []string{"ID", "State", "Class", "What", "Where", "How it is really fixed"}}
	for i := range list {
		x := &list[i]
		state := "planted"
		switch {
		case x.Unavailable != "":
			state = "not here"
		case x.Fixed:
			state = "fixed"
		}
		r.add(x.ID, state, string(x.Class), short(x.Title, 56), short(x.Where(), 44), short(x.Fix, 60))
	}
	return r
}

func (c *cli) labChangeCmd(folder folderOf, fix bool) *cobra.Command {
	use, what := "break", "Plant a weakness again"
	if fix {
		use, what = "fix", "Really fix a planted weakness while the estate runs"
	}
	return &cobra.Command{
		Use: use + " ID… | PLACE LOCUS WEAKNESS", Short: what, Args: cobra.MinimumNArgs(1),
		Example: fmt.Sprintf("  gyre lab %s W-01\n  gyre lab %s 127.0.10.11 tcp/8443 tls.certificate-expired\n  gyre lab %s all", use, use, use),
		RunE: folder.running(func(_ *cobra.Command, client *lab.Client, args []string) error {
			change := client.Break
			if fix {
				change = client.Fix
			}
			list, err := change(args...)
			if err != nil {
				return err
			}
			return c.printer().list(list, labTable(list))
		}),
	}
}

func (c *cli) labScopeCmd(folder folderOf) *cobra.Command {
	return &cobra.Command{
		Use: "scope", Short: "Print the estate's scopes as YAML, for gyre scope apply", Args: cobra.NoArgs,
		RunE: folder.running(func(_ *cobra.Command, client *lab.Client, _ []string) error {
			b, err := client.ScopeYAML()
			if err != nil {
				return err
			}
			_, err = c.out.Write(b)
			return err
		}),
	}
}

func (c *cli) labDownCmd(folder folderOf) *cobra.Command {
	return &cobra.Command{
		Use: "down", Short: "Take the running estate down; what was fixed stays fixed", Args: cobra.NoArgs,
		RunE: folder.running(func(cmd *cobra.Command, client *lab.Client, _ []string) error {
			return client.Down(cmd.Context())
		}),
	}
}

func (c *cli) labScoreCmd(folder folderOf) *cobra.Command {
	return &cobra.Command{
		Use: "score", Short: "Compare what Gyre found with what is planted", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := folder(cmd)
			if err != nil {
				return err
			}
			list, err := labRows(dir)
			if err != nil {
				return err
			}
			a, err := c.connect(cmd)
			if err != nil {
				return err
			}
			res, err := a.labScore(cmd.Context(), list)
			if err != nil {
				return err
			}
			return c.printer().list(res, scoreRows(res))
		},
	}
}

// labScore compares what a server knows with the truth.
func (a *api) labScore(ctx context.Context, list []lab.Row) (lab.Result, error) {
	found, err := a.labFound(ctx)
	if err != nil {
		return lab.Result{}, err
	}
	return lab.Score(list, found), nil
}

func (a *api) labFound(ctx context.Context) ([]lab.Found, error) {
	lf := listFlags{filter: `state != "fixed" && state != "false_positive"`, all: true}
	page, err := pages(ctx, a, "/exposures", lf, func(p *httpapi.ExposurePage) *string { return &p.Next },
		func(all, p *httpapi.ExposurePage) { all.Items = append(all.Items, p.Items...) })
	if err != nil {
		return nil, err
	}
	assets := map[gyre.ID]gyre.Asset{}
	found := make([]lab.Found, 0, len(page.Items))
	for _, e := range page.Items {
		x, ok := assets[e.Asset.ID]
		if !ok {
			var d httpapi.AssetDetail
			if err := a.get(ctx, "/assets/"+url.PathEscape(e.Asset.ID.String()), nil, &d); err != nil {
				return nil, err
			}
			x = d.Asset
			assets[x.ID] = x
		}
		f := lab.Found{Asset: x.Name, Weakness: e.Weakness, Class: e.Class, Locus: e.Locus, State: e.State}
		for _, i := range x.Identifiers {
			if i.Type == gyre.IDIP {
				f.Addresses = append(f.Addresses, i.Value)
			} else {
				f.Names = append(f.Names, i.Value)
			}
		}
		found = append(found, f)
	}
	return found, nil
}

func scoreRows(res lab.Result) *rows {
	r := &rows{header: []string{"Class", "Planted", "Found", "Missed", "False"}}
	for _, class := range slices.SortedFunc(maps.Keys(res.Classes), func(a, b gyre.Class) int { return cmp.Compare(a, b) }) {
		n := res.Classes[class]
		r.add(string(class), strconv.Itoa(n.Planted), strconv.Itoa(n.Found), strconv.Itoa(n.Missed), strconv.Itoa(n.False))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Found %d of %d planted (%.0f %%), %d false.", res.Found, res.Planted, 100*res.Share, len(res.False))
	for _, m := range res.Missed {
		fmt.Fprintf(&b, "\n  missed  %s  %s, at %s", m.ID, m.Title, m.Where)
	}
	for _, f := range res.False {
		fmt.Fprintf(&b, "\n  false   %s at %s %s", f.Weakness, f.Asset, f.Locus)
	}
	r.footer = b.String()
	return r
}
