// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre"
)

func (s *server) registerIdentity(api huma.API) {
	add(s, api, "list-merges", http.MethodGet, "/merges", "What turned out to be one, newest first", s.listMerges)
	add(s, api, "undo-merge", http.MethodPost, "/merges/{id}/undo", "Take a merge back: both are there again, and stay apart", s.undoMerge)
	add(s, api, "list-asset-merges", http.MethodGet, "/assets/{id}/merges", "The merges that an asset has been in, newest first", s.listAssetMerges)
	add(s, api, "explain-asset", http.MethodGet, "/assets/{id}/identity", "Why this is one asset: who says so", s.explainAsset)
	add(s, api, "preview-merge", http.MethodGet, "/assets/{id}/merge", "What merging another asset into this one would do", s.previewMerge)
	add(s, api, "merge-asset", http.MethodPost, "/assets/{id}/merge", "Say that another asset is this one", s.mergeAsset)
	add(s, api, "list-reviews", http.MethodGet, "/reviews", "What could be of several assets, oldest first", s.listReviews)
	add(s, api, "answer-review", http.MethodPost, "/reviews/{id}", "Say which asset it is, or that it is none of them", s.answerReview)
	add(s, api, "reopen-review", http.MethodPost, "/reviews/{id}/undo", "Take the answer to a review back", s.reopenReview)
}

// MergePage is one page of merges.
type MergePage struct {
	Items []gyre.Merge `json:"items"`
	Next  string       `json:"next,omitempty"`
}

// MergeInput says which asset is merged, and why.
type MergeInput struct {
	From   gyre.ID `json:"from" doc:"The asset that goes"`
	Reason string  `json:"reason" minLength:"1" maxLength:"2000"`
}

// ReviewPage is one page of reviews.
type ReviewPage struct {
	Items []gyre.Review `json:"items"`
	Next  string        `json:"next,omitempty"`
}

// ReviewAnswer settles a review.
type ReviewAnswer struct {
	Answer string  `json:"answer" enum:"same,different" doc:"same: it is the asset that is chosen; different: it is none of the candidates"`
	Asset  gyre.ID `json:"asset,omitempty" doc:"The asset that it is; none is the one suggested"`
}

func (s *server) listMerges(ctx context.Context, in *struct{ PageQuery }) (*reply[MergePage], error) {
	items, next, err := pageOf(in.PageQuery, func(before gyre.ID, limit int) ([]gyre.Merge, error) {
		return s.Identities.Merges(ctx, workspace(ctx), before, limit)
	}, func(m gyre.Merge) gyre.ID { return m.ID })
	return ok(MergePage{items, next}, err)
}

func (s *server) undoMerge(ctx context.Context, in *ByID) (*reply[gyre.Merge], error) {
	m, err := s.Identities.UndoMerge(ctx, workspace(ctx), in.ID.ID, actor(ctx))
	note(ctx).details = m.FromName + " and " + m.IntoName
	return ok(m, err)
}

func (s *server) listAssetMerges(ctx context.Context, in *ByID) (*reply[MergePage], error) {
	items, err := s.Identities.MergesOf(ctx, workspace(ctx), in.ID.ID)
	return ok(MergePage{Items: items}, err)
}

func (s *server) explainAsset(ctx context.Context, in *ByID) (*reply[gyre.AssetIdentity], error) {
	return ok(s.Identities.Identity(ctx, workspace(ctx), in.ID.ID))
}

func (s *server) previewMerge(ctx context.Context, in *struct {
	ByID
	From pathID `query:"from" required:"true" doc:"The asset that would go"`
},
) (*reply[gyre.MergePreview], error) {
	return ok(s.Identities.PreviewMerge(ctx, workspace(ctx), in.From.ID, in.ID.ID))
}

func (s *server) mergeAsset(ctx context.Context, in *struct {
	ByID
	Body MergeInput
},
) (*reply[gyre.Merge], error) {
	m, err := s.Identities.MergeAssets(ctx, workspace(ctx), in.Body.From, in.ID.ID, actor(ctx), in.Body.Reason)
	note(ctx).details = in.Body.From.String() + ": " + in.Body.Reason
	return ok(m, err)
}

func (s *server) listReviews(ctx context.Context, in *struct {
	PageQuery
	State string `query:"state" enum:"open,answered,moot,all" default:"open"`
},
) (*reply[ReviewPage], error) {
	state := in.State
	if state == "all" {
		state = ""
	}
	items, next, err := pageOf(in.PageQuery, func(after gyre.ID, limit int) ([]gyre.Review, error) {
		return s.Identities.Reviews(ctx, workspace(ctx), state, after, limit)
	}, func(r gyre.Review) gyre.ID { return r.ID })
	return ok(ReviewPage{items, next}, err)
}

func (s *server) answerReview(ctx context.Context, in *struct {
	ByID
	Body ReviewAnswer
},
) (*reply[gyre.Review], error) {
	r, err := s.Identities.AnswerReview(ctx, workspace(ctx), in.ID.ID, in.Body.Answer, in.Body.Asset, actor(ctx))
	note(ctx).details = in.Body.Answer + " " + r.Chosen.String()
	return ok(r, err)
}

func (s *server) reopenReview(ctx context.Context, in *ByID) (*reply[gyre.Review], error) {
	return ok(s.Identities.ReopenReview(ctx, workspace(ctx), in.ID.ID, actor(ctx)))
}
