// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package sarif

import (
	"crypto/sha256"
	"errors"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
)

// The limits of what is kept of one run.
const (
	maxRuns  = 1000
	maxRules = 20_000
	maxFiles = 200_000
	maxHelp  = 2000
)

// run is what the first reading keeps of a run: all but its results.
type run struct {
	tool       string
	rules      map[string]*rule
	order      []string   // ids in the order of the document
	components [][]string // ids by index: the driver's, then those of each extension
	files      []string   // artifacts that were looked at
	artifacts  []string   // URIs by index
	bases      map[string]string
	repository string
	image      string
	succeeded  bool
	failed     bool
	began      time.Time
	ref        gyre.Ref
	prints     plugin.Fingerprints
	described  map[[sha256.Size]byte]*rule // of all runs, by what is written of them; while they are read
}

// rule is a reportingDescriptor (section 3.49).
type rule struct {
	id                       string
	title, description, help string
	link                     string
	level                    string
	securitySeverity         float64
	cwes, tags               []string
	messages                 map[string]string
	kind                     *ruleKind // once it is known
}

// learned is what the first reading knows of the document.
type learned struct {
	runs     []*run
	problems []gyre.Problem
}

// recall makes of what was learned the state in which the second reading begins.
func (im *importer) recall(l *learned) {
	im.report.Problems = slices.Clone(l.problems)
	im.runs = make([]*run, len(l.runs))
	for i, r := range l.runs {
		own := *r // what changes while its results are read is not learned
		im.runs[i] = &own
	}
}

// describe is the first reading. It also sees to it that the whole document is sound.
func (im *importer) describe(j *document.JSON) (*learned, error) {
	if k := j.Peek(); k != '{' && k != 0 {
		return nil, gyre.FieldErrorf(gyre.Invalid, j.Place(), "is not a JSON object")
	}
	var runs []*run
	described := map[[sha256.Size]byte]*rule{}
	version, hasRuns := "", false
	err := j.Object(func(key string) (err error) {
		switch key {
		case "version":
			version, err = j.Text()
		case "runs":
			hasRuns = true
			err = j.Array(func(int) error {
				if len(runs) == maxRuns {
					return gyre.FieldErrorf(gyre.TooLarge, j.Place(), "more than %d runs", maxRuns)
				}
				r := &run{rules: map[string]*rule{}, bases: map[string]string{}, components: [][]string{nil}, described: described}
				runs = append(runs, r)
				return im.shapeOf(r, j.Object(func(key string) error { return im.shape(im.member(r, j, key)) }))
			})
		}
		return err
	})
	if err != nil {
		return nil, im.hardShape(err)
	}
	if !hasRuns {
		return nil, gyre.FieldErrorf(gyre.Invalid, im.in.Name+":byte 0", "holds no runs, so it is not SARIF")
	}
	if version != "" && !strings.HasPrefix(version, "2.1") {
		return nil, gyre.FieldErrorf(gyre.Invalid, im.in.Name+":byte 0", "is SARIF %s; version 2.1.0 is understood", document.Line(version, 20))
	}
	for _, r := range runs {
		r.described = nil
	}
	return &learned{runs, im.report.Problems}, nil
}

// shapeOf makes a run that is no object a run without results.
func (im *importer) shapeOf(r *run, err error) error {
	if r.tool == "" {
		r.tool = "unknown tool"
	}
	return im.shape(err)
}

// hardShape: where nothing is left to go on with, a wrong shape is the report's end.
func (im *importer) hardShape(err error) error {
	if !errors.Is(err, document.ErrShape) {
		return err
	}
	return gyre.FieldErrorf(gyre.Invalid, im.in.Name+":byte 0", "%s", document.Line(err.Error(), 300))
}

// member reads a member of a run. An entry of the wrong shape is a problem and the next
// one is read: to leave a list in its middle would leave the stream there.
func (im *importer) member(r *run, j *document.JSON, key string) error {
	switch key {
	case "tool":
		return j.Object(func(key string) error {
			switch key {
			case "driver":
				return im.shape(im.component(r, j, 0))
			case "extensions":
				return im.shape(j.Array(func(i int) error {
					r.components = append(r.components, nil)
					return im.shape(im.component(r, j, i+1))
				}))
			}
			return nil
		})
	case "artifacts":
		return j.Array(func(int) error { return im.shape(r.artifact(j)) })
	case "originalUriBaseIds":
		return j.Object(func(id string) error {
			var base struct {
				URI string `json:"uri"`
			}
			err := j.Decode(&base)
			if len(r.bases) < 100 {
				r.bases[id] = base.URI
				j.Keep(len(id))
			}
			return im.shape(err)
		})
	case "versionControlProvenance":
		return j.Array(func(i int) error {
			var vcs struct {
				URI string `json:"repositoryUri"`
			}
			err := j.Decode(&vcs)
			if i == 0 {
				r.repository = vcs.URI
			}
			return im.shape(err)
		})
	case "invocations":
		return j.Array(func(int) error {
			var inv struct {
				OK    *bool  `json:"executionSuccessful"`
				Start string `json:"startTimeUtc"`
				End   string `json:"endTimeUtc"`
			}
			err := j.Decode(&inv)
			start := document.Date(inv.Start)
			if start.IsZero() {
				start = document.Date(inv.End) // then it began no later than that
			}
			r.began = document.Earliest(r.began, start)
			r.succeeded = r.succeeded || inv.OK != nil && *inv.OK
			r.failed = r.failed || inv.OK == nil || !*inv.OK
			return im.shape(err)
		})
	case "properties":
		return j.Object(func(key string) (err error) {
			if key == "imageName" {
				r.image, err = j.Text()
			}
			return err
		})
	}
	return nil
}

// component is a toolComponent (section 3.19); the first is the driver.
func (im *importer) component(r *run, j *document.JSON, index int) error {
	return j.Object(func(key string) error {
		switch key {
		case "name":
			name, err := j.Text()
			if index == 0 {
				r.tool = document.Line(name, 100)
			}
			return err
		case "rules":
			return im.shape(j.Array(func(int) error { return im.shape(r.rule(j, index)) }))
		}
		return nil
	})
}

type text struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown"`
}

func (t text) String() string {
	if t.Text != "" {
		return t.Text
	}
	return t.Markdown
}

const ruleListed = 64 // bytes that a run keeps of a rule that is known, about

func (r *run) rule(j *document.JSON, index int) error {
	if len(r.order) >= maxRules {
		return j.Skip()
	}
	place := j.Place()
	raw, err := j.Value()
	if err != nil {
		return err
	}
	// Each run of a report lists the rules of its tool, and most list the same.
	written := sha256.Sum256(raw)
	u := r.described[written]
	j.Keep(ruleListed)
	if u == nil {
		j.Keep(len(raw))
		if u, err = readRule(raw, place); err == nil {
			r.described[written] = u
		}
	}
	// Its place counts even when it cannot be read, because results name rules by index.
	r.components[index] = append(r.components[index], u.id)
	if err != nil || u.id == "" {
		return err
	}
	if _, known := r.rules[u.id]; !known {
		r.order = append(r.order, u.id)
	}
	r.rules[u.id] = u
	return nil
}

// readRule reads a rule; one that cannot be read may have an id.
func readRule(raw []byte, place string) (*rule, error) {
	var in struct {
		ID      string          `json:"id"`
		Name    string          `json:"name"`
		Short   text            `json:"shortDescription"`
		Full    text            `json:"fullDescription"`
		Help    text            `json:"help"`
		HelpURI string          `json:"helpUri"`
		Message map[string]text `json:"messageStrings"`
		Default struct {
			Level string `json:"level"`
		} `json:"defaultConfiguration"`
		Properties    map[string]any `json:"properties"`
		Relationships []struct {
			Target struct {
				ID string `json:"id"`
			} `json:"target"`
		} `json:"relationships"`
	}
	if err := document.Unmarshal(raw, place, &in); err != nil || in.ID == "" {
		return &rule{id: in.ID}, err
	}
	title := in.Short.String()
	if title == "" && in.Name != in.ID {
		title = in.Name
	}
	if title == "" {
		title = in.Full.String()
	}
	u := &rule{
		id: in.ID, title: document.Line(title, 200), description: document.Lines(in.Full.String(), maxHelp),
		help: document.Lines(in.Help.String(), maxHelp), link: document.Line(in.HelpURI, 500), level: in.Default.Level,
		securitySeverity: number(in.Properties["security-severity"]), tags: words(in.Properties["tags"]),
	}
	for id, m := range in.Message {
		if u.messages == nil {
			u.messages = map[string]string{}
		}
		if len(u.messages) < 50 {
			u.messages[id] = document.Lines(m.String(), maxHelp)
		}
	}
	ids := append(words(in.Properties["cwe"]), u.tags...)
	for _, rel := range in.Relationships {
		ids = append(ids, rel.Target.ID)
	}
	u.cwes = cwes(ids)
	return u, nil
}

func (r *run) artifact(j *document.JSON) error {
	var in struct {
		Location location `json:"location"`
		Roles    []string `json:"roles"`
	}
	err := j.Decode(&in)
	if len(r.artifacts) >= maxFiles {
		r.failed = true // so that nothing is covered: the list is not whole
		return err
	}
	r.artifacts = append(r.artifacts, in.Location.URI)
	looked := len(in.Roles) == 0
	for _, role := range in.Roles {
		looked = looked || role == "analysisTarget"
	}
	if file := r.path(in.Location); looked && file != "" {
		r.files = append(r.files, file)
	}
	return err
}

// location is an artifactLocation (section 3.4).
type location struct {
	URI   string `json:"uri"`
	Base  string `json:"uriBaseId"`
	Index *int   `json:"index"`
}

// path is the file as people write it: relative to the repository where the report
// allows to tell, without scheme and escapes.
func (r *run) path(l location) string {
	uri := l.URI
	if uri == "" && l.Index != nil && *l.Index >= 0 && *l.Index < len(r.artifacts) {
		uri = r.artifacts[*l.Index]
	}
	longest := ""
	for _, base := range r.bases {
		if len(base) > len(longest) && len(base) < len(uri) && strings.HasPrefix(uri, base) {
			longest = base
		}
	}
	uri = uri[len(longest):]
	p := uri
	if u, err := url.Parse(uri); err == nil {
		switch u.Scheme {
		case "http", "https":
			return document.Line(uri, 1000)
		default:
			p = u.Path
			if u.Opaque != "" {
				p = u.Opaque
			}
		}
	}
	p = strings.ReplaceAll(p, `\`, "/")
	if p = document.Line(p, 1000); p == "" {
		return ""
	}
	if strings.HasPrefix(p, "/") {
		return path.Clean(p)
	}
	return strings.TrimPrefix(path.Clean(p), "./")
}

// sighting is the asset whose results these are: what the importing person says,
// the image, the repository, or else this report.
func (r *run) sighting(in plugin.Input) gyre.AssetSighting {
	a := gyre.AssetSighting{Kind: gyre.Repository, Zone: in.Zone, Name: document.Line(in.Asset, 200)}
	id := func(t gyre.IdentifierType, value string) {
		i := gyre.Identifier{Type: t, Value: strings.TrimRight(strings.ToLower(document.Line(value, 400)), ".")}
		if t.Zoned() {
			i.Zone = in.Zone
		}
		a.Identifiers = append(a.Identifiers, i)
	}
	address, addrErr := netip.ParseAddr(in.Address)
	switch {
	case addrErr == nil:
		a.Kind = gyre.Host
		if a.Name != "" {
			id(gyre.IDHostname, a.Name)
		}
		id(gyre.IDIP, address.Unmap().WithZone("").String())
	case a.Name != "":
		id(gyre.IDURI, "asset:"+a.Name)
	case r.image != "":
		a.Kind, a.Name = gyre.Image, document.Line(r.image, 200)
		id(gyre.IDURI, "image:"+a.Name)
	case r.repository != "":
		repo := strings.TrimSuffix(strings.TrimSuffix(document.Line(r.repository, 300), "/"), ".git")
		a.Name = repo
		if u, err := url.Parse(repo); err == nil && u.Host != "" {
			a.Name = strings.TrimPrefix(u.Path, "/")
			repo = "https://" + u.Host + u.Path
		}
		id(gyre.IDURI, repo)
	default:
		id(gyre.IDURI, "file:"+in.Name)
	}
	if a.Identifiers[0].Value == "" {
		a.Identifiers = nil
		id(gyre.IDURI, "file:"+in.Name)
	}
	for _, n := range []string{document.Line(in.Name, 200), a.Identifiers[0].Value} {
		if a.Name == "" {
			a.Name = n
		}
	}
	return a
}

func words(v any) []string {
	var out []string
	switch v := v.(type) {
	case string:
		out = []string{v}
	case []any:
		for _, e := range v {
			if s, ok := e.(string); ok && len(out) < 50 {
				out = append(out, document.Line(s, 200))
			}
		}
	}
	return out
}

func number(v any) float64 {
	f, ok := v.(float64)
	if s, isText := v.(string); isText {
		var err error
		f, err = strconv.ParseFloat(s, 64)
		ok = err == nil
	}
	if !ok || !(f >= 0 && f <= 10) {
		return 0
	}
	return f
}
