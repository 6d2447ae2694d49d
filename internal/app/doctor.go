// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
	"github.com/gyre-ctem/gyre/web"
)

// Examine checks the installation and says what to do about what is wrong.
func (a *App) Examine(ctx context.Context, ws gyre.ID) []httpapi.Examination {
	checks := []httpapi.Examination{a.examineDatabase(ctx), a.examineFolder(), a.examineConsole(), a.examinePrivilege()}
	checks = append(checks, a.examineFeeds(ctx)...)
	checks = append(checks, a.examineJobs(ctx, ws)...)
	return append(checks, a.examineScopes(ctx, ws))
}

func examination(name string, err error, fine string) httpapi.Examination {
	if err != nil {
		return httpapi.Examination{Name: name, Detail: err.Error()}
	}
	return httpapi.Examination{Name: name, OK: true, Detail: fine}
}

func (a *App) examineDatabase(ctx context.Context) httpapi.Examination {
	return examination("database", a.db.Ping(ctx), fmt.Sprintf("%s answers, schema is current", a.db.Engine()))
}

func (a *App) examineFolder() httpapi.Examination {
	dir := a.opt.Config.Get("data")
	probe, err := os.CreateTemp(dir, ".doctor-*")
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err == nil {
		var st os.FileInfo
		if st, err = os.Stat(dir); err == nil && st.Mode().Perm()&0o077 != 0 {
			err = fmt.Errorf("other users can read it; close it with: chmod 700 %s", dir)
		}
	}
	return examination("data folder", err, filepath.Clean(dir)+" can be written, by its owner only")
}

func (a *App) examineConsole() httpapi.Examination {
	if _, built := web.FS(); !built {
		return examination("console", errors.New("this binary was built without the console; build it with: make build"), "")
	}
	return examination("console", nil, "embedded")
}

func (a *App) examinePrivilege() httpapi.Examination {
	if os.Geteuid() == 0 {
		return examination("privilege", nil, "runs as root: it can read every file, and does not need to")
	}
	return examination("privilege", nil, "runs as an ordinary user; files that it may not read are in the limits of a run")
}

func (a *App) examineFeeds(ctx context.Context) []httpapi.Examination {
	status, err := a.intel.Status(ctx)
	if err != nil {
		return []httpapi.Examination{examination("feeds", err, "")}
	}
	var list []httpapi.Examination
	for _, s := range status {
		var problem error
		switch {
		case s.Error != "":
			problem = fmt.Errorf("%s; missing: %s. Fetch it with: gyre feed sync %s", s.Error, s.Missing, s.Name)
		case s.Missing != "":
			problem = fmt.Errorf("missing: %s. Fetch it with: gyre feed sync %s", s.Missing, s.Name)
		}
		list = append(list, examination("feed "+s.Name, problem, fmt.Sprintf("%d records of %s", s.Records, s.DataDate.Format("2006-01-02"))))
	}
	return list
}

func (a *App) examineScopes(ctx context.Context, ws gyre.ID) httpapi.Examination {
	scopes, err := a.db.Scopes(ctx, ws)
	if err == nil && len(scopes) == 0 {
		err = errors.New("there is none, so nothing may be looked at; add one with: gyre scope add")
	}
	return examination("scopes", err, fmt.Sprintf("%d", len(scopes)))
}

// Gauges are the numbers of the estate for Prometheus.
func (a *App) Gauges(ctx context.Context) ([]httpapi.Gauge, error) {
	spaces, err := a.db.Workspaces(ctx)
	if err != nil {
		return nil, err
	}
	list, err := a.queueGauges(ctx, spaces)
	if err != nil {
		return nil, err
	}
	for _, ws := range spaces {
		t, err := a.projected.Tally(ctx, ws.ID)
		if err != nil {
			return nil, err
		}
		label := map[string]string{"workspace": ws.Name}
		list = append(
			list,
			httpapi.Gauge{Name: "gyre_assets", Help: "Assets.", Labels: label, Value: float64(t.Assets)},
			httpapi.Gauge{Name: "gyre_risk_points", Help: "Sum of the risk of active exposures.", Labels: label, Value: t.Risk},
		)
		for _, b := range gyre.Bands {
			list = append(list, httpapi.Gauge{
				Name: "gyre_exposures", Help: "Active exposures by band.",
				Labels: map[string]string{"workspace": ws.Name, "band": string(b)}, Value: float64(t.Bands[b]),
			})
		}
	}
	return list, nil
}
