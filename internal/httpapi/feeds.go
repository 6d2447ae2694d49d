// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// syncTimeout bounds how long fetching feeds may take within one request.
const syncTimeout = 15 * time.Minute

func (s *server) registerFeeds(api huma.API) {
	add(s, api, "list-feeds", http.MethodGet, "/feeds", "How fresh threat intelligence is, and what is missing because of it", s.listFeeds)
	add(s, api, "sync-feeds", http.MethodPost, "/feeds/sync", "Fetch threat intelligence now", s.syncFeeds)
}

func (s *server) listFeeds(ctx context.Context, _ *nothing) (*reply[FeedList], error) {
	all, err := s.Feeds.Feeds(ctx)
	return ok(FeedList{all}, err)
}

func (s *server) syncFeeds(ctx context.Context, in *struct {
	Unhurried
	Body *FeedSync
},
) (*reply[FeedList], error) {
	in.allow(syncTimeout)
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	name := ""
	if in.Body != nil {
		name = in.Body.Name
	}
	note(ctx).object = name
	all, err := s.Feeds.SyncFeeds(ctx, name)
	return ok(FeedList{all}, err)
}
