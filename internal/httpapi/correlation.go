// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/locus"
)

func (s *server) registerCorrelation(api huma.API) {
	add(s, api, "explain-exposure", http.MethodGet, "/exposures/{id}/explain", "Why the sightings of an exposure are one", s.explainExposure)
	add(s, api, "list-correlation-rules", http.MethodGet, "/correlation-rules", "List what persons say of names of weaknesses", s.listCorrelationRules)
	add(s, api, "create-correlation-rule", http.MethodPost, "/correlation-rules", "Add a rule and apply it to what is stored", s.createCorrelationRule, status(http.StatusCreated))
	add(s, api, "try-correlation-rule", http.MethodPost, "/correlation-rules/preview", "Say what adding a rule would do, and do nothing", s.tryCorrelationRule)
	add(s, api, "delete-correlation-rule", http.MethodDelete, "/correlation-rules/{id}", "End a rule and take apart what it made one", s.deleteCorrelationRule)
}

// Explanation says why the sightings of an exposure are one: the same weakness
// at the same place of the same asset.
type Explanation struct {
	Exposure    gyre.ID             `json:"exposure"`
	Weakness    string              `json:"weakness"`
	Names       []string            `json:"names" doc:"All names of the weakness"`
	Ties        []gyre.Tie          `json:"ties" doc:"Who says that the names are of one weakness"`
	Related     []string            `json:"related" doc:"Bulletins that fix it among others, so that they are no names of it"`
	Place       string              `json:"place" doc:"What makes the place one, whoever saw it"`
	PlaceForm   string              `json:"place_form" doc:"How that is made out of what sources say"`
	Locus       string              `json:"locus" doc:"Where that is today"`
	Asset       gyre.Asset          `json:"asset" doc:"With the identifiers by which it is known"`
	Sources     []ExplainedSighting `json:"sources"`
	Merges      []gyre.Merge        `json:"merges" doc:"What was made one on the way here, and why; newest first"`
	Correlation string              `json:"correlation" doc:"The same in a sentence"`
}

// ExplainedSighting is one source's latest word, in its own words.
type ExplainedSighting struct {
	Source   string        `json:"source"`
	Seen     bool          `json:"seen"`
	Weakness string        `json:"weakness" doc:"What it calls the weakness"`
	Locus    string        `json:"locus" doc:"Where it says that it lies"`
	Severity gyre.Severity `json:"severity" doc:"What it rates it"`
	Run      gyre.ID       `json:"run"`
}

// CorrelationRuleList is every rule of the workspace.
type CorrelationRuleList struct {
	Items []gyre.CorrelationRule `json:"items"`
}

// CorrelationRuleInput is a rule to add or to try.
type CorrelationRuleInput struct {
	Kind   gyre.CorrelationKind `json:"kind" enum:"same,different,means"`
	Tool   string               `json:"tool,omitempty" maxLength:"200" doc:"means: whose rule it is"`
	Name   string               `json:"name" maxLength:"500"`
	Other  string               `json:"other" maxLength:"500"`
	Reason string               `json:"reason,omitempty" maxLength:"1000"`
}

func (in CorrelationRuleInput) rule(by string) gyre.CorrelationRule {
	return gyre.CorrelationRule{Kind: in.Kind, Tool: in.Tool, Name: in.Name, Other: in.Other, Reason: in.Reason, By: by}
}

func (s *server) explainExposure(ctx context.Context, in *ByID) (*reply[Explanation], error) {
	ws := workspace(ctx)
	e, err := s.Exposures.Exposure(ctx, ws, in.ID.ID)
	if err != nil {
		return nil, err
	}
	w, err := s.Exposures.Weakness(ctx, ws, e.Weakness)
	if err != nil {
		return nil, err
	}
	x := Explanation{
		Exposure: e.ID, Weakness: w.Key, Names: append([]string{w.Key}, w.Aliases...), Related: w.Related,
		Place: e.Place, PlaceForm: locus.Form(e.Aspect, e.Place), Locus: e.Locus,
	}
	if x.Asset, err = s.Assets.Asset(ctx, ws, e.Asset); err != nil {
		return nil, err
	}
	obs, err := s.Exposures.Observations(ctx, ws, e.ID)
	if err != nil {
		return nil, err
	}
	for _, o := range obs {
		x.Sources = append(x.Sources, ExplainedSighting{o.Source, o.Seen, o.Weakness, o.Locus, o.Severity, o.Run})
	}
	if x.Ties, err = s.tiesOf(ctx, ws, x.Names); err != nil {
		return nil, err
	}
	for _, object := range []gyre.ID{e.ID, e.Weakness, e.Asset} {
		merges, err := s.Correlation.MergesOf(ctx, ws, object)
		if err != nil {
			return nil, err
		}
		x.Merges = append(x.Merges, merges[:min(len(merges), maxHistory)]...)
	}
	x.Correlation = x.sentence()
	return ok(x, nil)
}

// tiesOf are the ties within the names of one weakness, each once.
func (s *server) tiesOf(ctx context.Context, ws gyre.ID, names []string) ([]gyre.Tie, error) {
	all, err := s.Correlation.Ties(ctx, ws, names)
	if err != nil {
		return nil, err
	}
	rules, err := s.Correlation.CorrelationRules(ctx, ws)
	if err != nil {
		return nil, err
	}
	for _, r := range rules {
		if r.Kind != gyre.CorrelateDifferent {
			all = append(all, gyre.Tie{Name: r.Subject(), Other: r.Other, By: gyre.TiePerson, Source: "rule " + r.ID.String()})
		}
	}
	seen := map[gyre.Tie]bool{}
	var out []gyre.Tie
	for _, t := range all {
		if t.By == gyre.TieReport && t.Name > t.Other { // stored both ways
			t.Name, t.Other = t.Other, t.Name
		}
		if !seen[t] && slices.Contains(names, t.Name) && slices.Contains(names, t.Other) {
			seen[t] = true
			out = append(out, t)
		}
	}
	return out, nil
}

func (x *Explanation) sentence() string {
	var names []string
	for _, o := range x.Sources {
		if o.Seen && !slices.Contains(names, o.Source) {
			names = append(names, o.Source)
		}
	}
	slices.Sort(names)
	switch len(names) {
	case 0:
		return "No source sees it any more."
	case 1:
		return "Only " + names[0] + " sees it."
	}
	return strings.Join(names, ", ") + " see one weakness (" + x.Weakness + ") at one place (" + x.PlaceForm + ") of one asset (" + x.Asset.Name + ")."
}

func (s *server) listCorrelationRules(ctx context.Context, _ *nothing) (*reply[CorrelationRuleList], error) {
	all, err := s.Correlation.CorrelationRules(ctx, workspace(ctx))
	return ok(CorrelationRuleList{all}, err)
}

func (s *server) createCorrelationRule(ctx context.Context, in *with[CorrelationRuleInput]) (*reply[gyre.CorrelationEffect], error) {
	e, err := s.Correlation.AddCorrelationRule(ctx, workspace(ctx), in.Body.rule(actor(ctx)), false)
	note(ctx).object, note(ctx).details = e.Rule.ID.String(), string(in.Body.Kind)+" "+in.Body.Name+" "+in.Body.Other
	return ok(e, inBody(err))
}

func (s *server) tryCorrelationRule(ctx context.Context, in *with[CorrelationRuleInput]) (*reply[gyre.CorrelationEffect], error) {
	e, err := s.Correlation.AddCorrelationRule(ctx, workspace(ctx), in.Body.rule(actor(ctx)), true)
	e.Rule.ID = 0 // there is none
	return ok(e, inBody(err))
}

func (s *server) deleteCorrelationRule(ctx context.Context, in *ByID) (*reply[gyre.CorrelationEffect], error) {
	return ok(s.Correlation.RemoveCorrelationRule(ctx, workspace(ctx), in.ID.ID, actor(ctx), false))
}
