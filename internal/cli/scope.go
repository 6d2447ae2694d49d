// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/internal/scope"
)

func (c *cli) scopeCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "scope", Aliases: []string{"scopes"}, Short: "Say what matters, and what may be looked at"}
	cmd.AddCommand(c.scopeListCmd(), c.scopeShowCmd(), c.scopeAddCmd(), c.scopeApplyCmd(), c.scopeRemoveCmd())
	return cmd
}

func (a *api) scopes(ctx context.Context) ([]gyre.Scope, error) {
	var list httpapi.ScopeList
	err := a.get(ctx, "/scopes", nil, &list)
	return list.Items, err
}

// scope finds a scope by its name or ID.
func (a *api) scope(ctx context.Context, name string) (gyre.Scope, error) {
	all, err := a.scopes(ctx)
	if err != nil {
		return gyre.Scope{}, err
	}
	var names []string
	for _, s := range all {
		if s.Name == name || s.ID.String() == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return gyre.Scope{}, gyre.Errorf(gyre.NotFound, "there is no scope %q; there are: %s", name, strings.Join(names, ", "))
}

func (a *api) scopeIDs(ctx context.Context, names []string) ([]gyre.ID, error) {
	var ids []gyre.ID
	for _, n := range names {
		s, err := a.scope(ctx, n)
		if err != nil {
			return nil, err
		}
		ids = append(ids, s.ID)
	}
	return ids, nil
}

// scopeInput is a scope without what the server gives it.
type scopeInput struct {
	gyre.Scope
	ID      *struct{} `json:"id,omitempty"`
	Created *struct{} `json:"created,omitempty"`
	Updated *struct{} `json:"updated,omitempty"`
}

// putScope creates a scope, or replaces the one of the same name.
func (a *api) putScope(ctx context.Context, s gyre.Scope) (stored gyre.Scope, created bool, err error) {
	old, err := a.scope(ctx, s.Name)
	switch {
	case gyre.ErrorCode(err) == gyre.NotFound:
		err = a.do(ctx, http.MethodPost, "/scopes", scopeInput{Scope: s}, &stored)
		return stored, true, err
	case err != nil:
		return s, false, err
	}
	err = a.do(ctx, http.MethodPut, "/scopes/"+old.ID.String(), scopeInput{Scope: s}, &stored)
	return stored, false, err
}

func (c *cli) scopeListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List scopes", Args: cobra.NoArgs,
		RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
			all, err := a.scopes(cmd.Context())
			if err != nil {
				return err
			}
			r := &rows{header: []string{"Name", "Owner", "Criticality", "Intensity", "Targets"}}
			for _, s := range all {
				var ts []string
				for _, t := range s.Targets {
					ts = append(ts, targetText(t))
				}
				r.add(s.Name, s.Owner, criticality(s.Criticality), string(s.Intensity), short(strings.Join(ts, ", "), 80))
			}
			if len(all) == 0 {
				r.footer = "No scope yet. Add one with: gyre scope add NAME --target 192.0.2.0/28"
			}
			return c.printer().list(all, r)
		}),
	}
}

func targetText(t gyre.Target) string { return t.CIDR + t.Domain + t.Root + t.File }

func (c *cli) scopeShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show a scope as YAML, as scope apply takes it", Args: cobra.ExactArgs(1),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			s, err := a.scope(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if c.format == "json" {
				return c.printer().json(s)
			}
			b, err := yaml.Marshal(s)
			if err != nil {
				return fmt.Errorf("write scope: %w", err)
			}
			_, err = c.out.Write(b)
			return err
		}),
	}
}

func (c *cli) scopeAddCmd() *cobra.Command {
	var targets, exclude []string
	var s gyre.Scope
	var zone, ports, intensity string
	var crit int
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add a scope", Args: cobra.ExactArgs(1),
		Long: `Adds a scope: what may be looked at, and how hard. A target is an address or
CIDR, a domain, or a folder (the root of a host, or reports and configuration).
Only add what you are authorised to probe.`,
		Example: `  gyre scope add shop --target 192.0.2.0/28 --zone internet --ports 22,80,443 --owner web-team
  gyre scope add this-host --target /
  gyre scope add iac --target ./terraform`,
		RunE: func(cmd *cobra.Command, args []string) error {
			s.Name, s.Intensity, s.Criticality, s.Exclusions = args[0], gyre.Intensity(intensity), gyre.Criticality(crit), exclude
			for _, t := range targets {
				target, err := parseTarget(t, gyre.Zone(zone), ports)
				if err != nil {
					return err
				}
				s.Targets = append(s.Targets, target)
			}
			a, err := c.connect(cmd)
			if err != nil {
				return err
			}
			var stored gyre.Scope
			if err := a.do(cmd.Context(), http.MethodPost, "/scopes", scopeInput{Scope: s}, &stored); err != nil {
				return err
			}
			return c.printer().object(stored, [2]string{"Scope", stored.Name}, [2]string{"Targets", strconv.Itoa(len(stored.Targets))},
				[2]string{"Next", "gyre cycle run --scope " + stored.Name})
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&targets, "target", nil, "address, CIDR, domain or folder; several allowed")
	f.StringSliceVar(&exclude, "exclude", nil, "address, CIDR, domain or folder that is never touched; several allowed")
	f.StringVar(&zone, "zone", "", "internet, dmz, internal, management or a word of your own")
	f.StringVar(&ports, "ports", "", "22,80,8000-8100; empty: a list of common ports")
	f.StringVar(&intensity, "intensity", "", "passive, gentle or normal")
	f.StringVar(&s.Owner, "owner", "", "who is responsible")
	f.Int64Var(&s.Worth, "worth", 0, "money at stake")
	f.IntVar(&crit, "criticality", 0, "of its assets: 1 low to 4 crown jewel")
	f.StringVar(&s.Runbook, "runbook", "", "how changes are made: a command or link with {asset}, {address}, {weakness}, {locus}")
	_ = cmd.MarkFlagRequired("target")
	return cmd
}

// parseTarget tells an address, a folder and a domain apart.
func parseTarget(s string, zone gyre.Zone, ports string) (gyre.Target, error) {
	if _, err := netip.ParseAddr(s); err == nil {
		return gyre.Target{CIDR: s, Zone: zone, Ports: ports}, nil
	}
	if _, err := netip.ParsePrefix(s); err == nil {
		return gyre.Target{CIDR: s, Zone: zone, Ports: ports}, nil
	}
	if !strings.ContainsAny(s, `/\`) && s != "." && s != ".." {
		if _, err := os.Stat(s); err != nil {
			return gyre.Target{Domain: s, Zone: zone}, nil
		}
	}
	abs, err := filepath.Abs(s)
	if err != nil {
		return gyre.Target{}, gyre.FieldErrorf(gyre.Invalid, "--target", "%q: %v", s, err)
	}
	st, err := os.Stat(abs)
	if err != nil {
		return gyre.Target{}, gyre.FieldErrorf(gyre.Invalid, "--target", "%q is no address, no domain, and no file: %v", s, err)
	}
	if st.IsDir() && isRoot(abs) {
		return gyre.Target{Root: abs, Zone: zone}, nil
	}
	return gyre.Target{File: abs, Zone: zone, Asset: filepath.Base(abs)}, nil
}

// isRoot says whether a folder is the root of a system rather than one of files.
func isRoot(folder string) bool {
	for _, mark := range []string{"etc/os-release", "usr/lib/os-release", "var/lib/dpkg", "lib/apk/db"} {
		if _, err := os.Stat(filepath.Join(folder, mark)); err == nil {
			return true
		}
	}
	return false
}

func (c *cli) scopeApplyCmd() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "apply -f FILE", Short: "Create or replace scopes from YAML; - is standard input", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in := c.in
			if file != "-" {
				f, err := os.Open(file) // #nosec -- the user names it
				if err != nil {
					return gyre.FieldErrorf(gyre.Invalid, file, "cannot be read: %v", errors.Unwrap(err))
				}
				defer func() { _ = f.Close() }()
				in = f
			}
			list, err := scope.Decode(file, in)
			if err != nil {
				return err
			}
			a, err := c.connect(cmd)
			if err != nil {
				return err
			}
			r := &rows{header: []string{"Scope", "What"}}
			for _, s := range list {
				stored, created, err := a.putScope(cmd.Context(), s)
				if err != nil {
					return fmt.Errorf("scope %s: %w", s.Name, err)
				}
				what := "replaced"
				if created {
					what = "created"
				}
				r.add(stored.Name, what)
			}
			return c.printer().list(list, r)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "YAML file with one scope, or several separated by ---")
	_ = cmd.MarkFlagRequired("file")
	return cmd
}

func (c *cli) scopeRemoveCmd() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Remove a scope; what its runs found stays", Args: cobra.ExactArgs(1),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			s, err := a.scope(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.do(cmd.Context(), http.MethodDelete, "/scopes/"+url.PathEscape(s.ID.String()), nil, nil)
		}),
	}
}
