// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
)

// Status says of each feed how it stands, in the order of the feeds.
func (in *Intel) Status(ctx context.Context) ([]gyre.FeedStatus, error) {
	records, err := in.records(ctx)
	if err != nil {
		return nil, err
	}
	ecosystems, err := in.ecosystems(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]gyre.FeedStatus, 0, len(in.feeds))
	for _, f := range in.feeds {
		info := f.Info()
		r := records[info.Name]
		s := gyre.FeedStatus{
			Name: info.Name, Title: info.Title, Base: in.base(f), LastTry: r.Tried, LastSync: r.Synced,
			DataDate: r.State.Date, Records: r.State.Records, Error: r.Error, Skipped: r.Skipped, Unchanged: r.Unchanged,
		}
		var missing []string
		switch {
		case r.State.Records == 0:
			missing = append(missing, info.Without)
		case r.Error != "":
			missing = append(missing, "what changed since "+since(r).Format(time.DateOnly))
		}
		if gone := lacking(r, ecosystems); len(gone) > 0 && r.State.Records > 0 {
			missing = append(missing, "advisories for "+strings.Join(gone, ", "))
		}
		s.Missing = strings.Join(missing, "; ")
		out = append(out, s)
	}
	return out, nil
}

func since(r FeedRecord) time.Time {
	if r.Synced.IsZero() {
		return r.State.Date
	}
	return r.Synced
}

// lacking lists the ecosystems of the estate that a feed with parts has no part for.
func lacking(r FeedRecord, ecosystems []string) []string {
	if r.State.Parts == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(ecosystems), func(e string) bool {
		_, have := r.State.Parts[e]
		return have
	})
}
