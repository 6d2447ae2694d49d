// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package upload

import (
	"context"
	"errors"
	"time"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/plugin"
)

// previewLimit bounds how long a preview keeps the workspace's other writers waiting.
const previewLimit = time.Minute

// TryOut says what importing a report would do. It is received and checked as an
// import is, then stored and judged the same way in a transaction that is thrown away; so
// the import does what the preview says, as long as nothing else changes the estate in
// between. Nothing of it is kept.
func (s *Stage) TryOut(ctx context.Context, ws gyre.ID, in Input) (gyre.UploadPreview, error) {
	in.Key = "" // a preview is not the request that will import
	u, _, err := s.open(ctx, ws, in)
	if err != nil {
		return gyre.UploadPreview{}, err
	}
	defer s.drop(ctx, u)
	if u.Size, u.Digest, err = s.keep(ctx, u, in); err != nil {
		return gyre.UploadPreview{}, err
	}
	p := &process{Stage: s, u: u, progress: func(int, int, string) {}}
	checked, err := p.check(ctx)
	if err == nil {
		err = checked.refused
	}
	if err != nil {
		return gyre.UploadPreview{}, err
	}
	p.u.Format, p.u.Looked, p.tool = checked.info.Name, checked.report.Looked, checked.report.Tool
	out := gyre.UploadPreview{
		Name: in.Name, Format: p.u.Format, Looked: p.u.Looked, Problems: checked.report.Problems, Limits: checked.report.Limits, Status: statusOf(checked.report),
	}
	limited, cancel := context.WithTimeout(ctx, previewLimit)
	defer cancel()
	err = s.Preview(limited, ws, func(t Trial) error { return p.try(limited, t, &out) })
	if errors.Is(limited.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		err = gyre.FieldErrorf(gyre.TooLarge, in.Name, "a preview may take %v, because others wait for it; this one would take longer", previewLimit)
	}
	return out, err
}

// try stores and judges the report in a trial.
func (p *process) try(ctx context.Context, t Trial, out *gyre.UploadPreview) error {
	sess, err := t.Begin(ctx, p.newRun())
	if err != nil {
		return err
	}
	d, content := p.document(ctx, func(int64) {})
	_, report, err := pipelined(ctx, func(ctx context.Context, emit plugin.Emit) (plugin.Info, plugin.Report, error) {
		return p.Parse(ctx, d, func(int, int, string) {}, emit)
	}, sess.Emit)
	if content.err != nil {
		return content.err
	}
	if err != nil {
		return err
	}
	run, err := sess.Finish(ctx, statusOf(report), report)
	if err != nil {
		return err
	}
	judged, err := t.Judge(ctx, run)
	if err != nil {
		return err
	}
	out.Counts = run.Counts
	out.Counts.Findings += judged.Counts.Findings
	out.Counts.Created += judged.Counts.Created
	out.Counts.Reopened += judged.Counts.Reopened
	out.Counts.Closed += judged.Counts.Closed
	out.Changes, err = t.Changes(ctx)
	return err
}

// statusOf is how a run ends that an importer has read to its end.
func statusOf(r plugin.Report) gyre.RunStatus {
	if len(r.Problems) > 0 {
		return gyre.RunPartial
	}
	return gyre.RunSucceeded
}
