// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

// Package awsconfig imports the snapshots that AWS Config delivers to a bucket
// (configurationItems, version 1.3): buckets, security groups, users, policies,
// databases, trails and instances of one account. plugins/all registers it;
// nothing else imports it.
//
// It says of a resource only what the snapshot shows. A resource that the snapshot
// lists as deleted covers its place, so that what was wrong with it closes; one that
// it does not list at all covers nothing, because Config may not record its kind.
//
// A snapshot is dated by its name, as Config writes it
// (ACCOUNT_Config_REGION_ConfigSnapshot_TIME_ID.json), or else by the newest capture of
// one of its resources: it was made no earlier.
package awsconfig

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
	"github.com/gyre-ctem/gyre/plugin/document"
)

// Importer reads AWS Config snapshots.
type Importer struct{}

// Info implements plugin.Importer.
func (Importer) Info() plugin.Info {
	return plugin.Info{
		Name: "awsconfig", Title: "AWS Config snapshot", Version: "1",
		Description: "Resources of an AWS account out of a configuration snapshot.",
	}
}

// Detect implements plugin.Importer.
func (Importer) Detect(_ string, head []byte) int {
	m := document.Members(head)
	if m["configurationItems"] == "[" && (m["configSnapshotId"] != "" || m["fileVersion"] != "") {
		return 100
	}
	return 0
}

const maxProblems = 100

type snapshot struct {
	in       plugin.Input
	out      *plugin.Batcher
	report   plugin.Report
	accounts map[string]gyre.Ref
	count    int
	captured time.Time // the newest of its resources
}

// item is a configuration item. Configuration is an object, or the same as JSON in a string.
type item struct {
	Status        string `json:"configurationItemStatus"`
	Captured      string `json:"configurationItemCaptureTime"`
	Account       string `json:"awsAccountId"`
	Region        string `json:"awsRegion"`
	Type          string `json:"resourceType"`
	ID            string `json:"resourceId"`
	Name          string `json:"resourceName"`
	ARN           string `json:"ARN"`
	Configuration any    `json:"configuration"`
	Supplementary any    `json:"supplementaryConfiguration"`
}

// Import implements plugin.Importer.
func (Importer) Import(ctx context.Context, in plugin.Input, emit plugin.Emit) (plugin.Report, error) {
	s := &snapshot{in: in, out: plugin.NewBatcher(ctx, emit), accounts: map[string]gyre.Ref{}}
	j := document.NewJSON(ctx, in.Name, in.Reader)
	if k := j.Peek(); k != '{' && k != 0 {
		return s.report, gyre.FieldErrorf(gyre.Invalid, j.Place(), "is not a JSON object")
	}
	found := false
	err := j.Object(func(key string) error {
		if key != "configurationItems" {
			return nil
		}
		found = true
		return s.shape(j.Array(func(int) error {
			var it item
			if err := j.Decode(&it); err != nil {
				return s.shape(err)
			}
			if at := document.Date(it.Captured); at.After(s.captured) {
				s.captured = at
			}
			return s.item(&it)
		}))
	})
	if err != nil {
		return s.report, err
	}
	if !found {
		return s.report, gyre.FieldErrorf(gyre.Invalid, in.Name+":byte 0", "holds no configurationItems")
	}
	if err := j.End(); err != nil {
		return s.report, err
	}
	if s.report.Looked = named(in.Name); s.report.Looked.IsZero() {
		s.report.Looked = s.captured
	}
	return s.report, s.out.Flush()
}

var nameTime = regexp.MustCompile(`_ConfigSnapshot_(\d{8}T\d{6}Z)_`)

// named is the time in the name that Config gives to a snapshot.
func named(file string) time.Time {
	if m := nameTime.FindStringSubmatch(file); m != nil {
		return document.Date(m[1], "20060102T150405Z")
	}
	return time.Time{}
}

func (s *snapshot) problem(reason string) {
	if len(s.report.Problems) < maxProblems {
		s.report.Problems = append(s.report.Problems, gyre.Problem{Place: s.in.Name, Reason: document.Line(reason, 500)})
	}
}

func (s *snapshot) shape(err error) error {
	if errors.Is(err, document.ErrShape) {
		s.problem(err.Error())
		return nil
	}
	return err
}

// readers say what is known of each kind of resource.
var readers = map[string]struct {
	kind string
	read func(it *item, conf, more object, data map[string]any)
}{
	"AWS::S3::Bucket":         {"storage_bucket", bucket},
	"AWS::EC2::SecurityGroup": {"security_group", securityGroup},
	"AWS::IAM::User":          {"iam_user", user},
	"AWS::IAM::Policy":        {"iam_policy", policy},
	"AWS::RDS::DBInstance":    {"database", database},
	"AWS::CloudTrail::Trail":  {"audit_log", trail},
	"AWS::EC2::Instance":      {"instance", instance},
}

func (s *snapshot) item(it *item) error {
	reader, known := readers[it.Type]
	if !known {
		return nil
	}
	id := document.Line(it.ID, 500)
	if id == "" || it.Account == "" {
		s.problem("an item of type " + it.Type + " without id or account")
		return nil
	}
	s.count++
	s.in.Progress(s.count, 0, id)
	name := document.Line(it.Name, 300)
	if name == "" {
		name = id
	}
	key := strings.ToLower(document.Line(it.ARN, 500))
	if key == "" {
		key = strings.ToLower("aws:" + it.Account + ":" + document.Line(it.Region, 40) + ":" + it.Type + ":" + id)
	}
	ref := gyre.Ref("resource" + strconv.Itoa(s.count))
	deleted := strings.HasPrefix(it.Status, "ResourceDeleted")
	account, err := s.account(it.Account)
	if err != nil {
		return err
	}
	if err := s.out.Asset(gyre.AssetSighting{
		Ref: ref, Kind: gyre.CloudResource, Name: name, Zone: s.in.Zone, KnownOnly: deleted,
		Attributes:  map[string]string{"provider": "aws", "account": document.Line(it.Account, 40), "type": it.Type, "region": document.Line(it.Region, 40)},
		Identifiers: []gyre.Identifier{{Type: gyre.IDCloud, Value: strings.TrimRight(key, ".")}},
	}); err != nil {
		return err
	}
	if !deleted {
		if err := s.out.Relation(gyre.RelationSighting{From: account, To: ref, Type: gyre.Contains}); err != nil {
			return err
		}
		data := map[string]any{
			"provider": "aws", "account": document.Line(it.Account, 40), "region": document.Line(it.Region, 40),
			"type": reader.kind, "id": id, "name": name,
		}
		reader.read(it, asObject(it.Configuration), asObject(it.Supplementary), data)
		if err := s.out.Fact(gyre.Fact{Asset: ref, Aspect: gyre.AspectCloud, Locus: id, Credentialed: true, Data: data}); err != nil {
			return err
		}
	}
	return s.out.Cover(gyre.Coverage{Asset: ref, Aspect: gyre.AspectCloud, Loci: []string{id}, Credentialed: true})
}

func (s *snapshot) account(id string) (gyre.Ref, error) {
	if ref, ok := s.accounts[id]; ok {
		return ref, nil
	}
	id = document.Line(id, 40)
	ref := gyre.Ref("account:" + id)
	s.accounts[id] = ref
	name := document.Line(s.in.Asset, 200)
	if name == "" || len(s.accounts) > 1 {
		name = "AWS " + id
	}
	return ref, s.out.Asset(gyre.AssetSighting{
		Ref: ref, Kind: gyre.CloudAccount, Name: name, Zone: s.in.Zone, Attributes: map[string]string{"provider": "aws", "account": id},
		Identifiers: []gyre.Identifier{{Type: gyre.IDCloud, Value: strings.ToLower("aws:account:" + id)}},
	})
}

// object is a JSON object; nil when there is none.
type object = map[string]any

// asObject takes an object, or the object that stands as JSON in a string, as
// Config writes some parts.
func asObject(v any) object {
	switch v := v.(type) {
	case object:
		return v
	case string:
		var o object
		if err := json.Unmarshal([]byte(v), &o); err == nil {
			return o
		}
	}
	return nil
}

func list(v any) []any {
	l, _ := v.([]any)
	return l[:min(len(l), 1000)]
}
