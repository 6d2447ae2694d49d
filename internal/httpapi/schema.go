// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/expr"
)

// The vocabulary imports the standard library only, so what the document says of
// its words beyond their Go type is said here, by types that stand in for them.

const idPattern = "^[0-7][0-9a-hjkmnp-tv-z]{12}$"

type (
	idSchema          struct{}
	stateSchema       struct{}
	bandSchema        struct{}
	classSchema       struct{}
	severitySchema    struct{}
	roleSchema        struct{}
	actionStateSchema struct{}
	cycleStateSchema  struct{}
	stageSchema       struct{}
	runStatusSchema   struct{}
	outcomeSchema     struct{}
	codeSchema        struct{}
	intensitySchema   struct{}
)

func words[T ~string](list ...T) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, w := range list {
		s.Enum = append(s.Enum, string(w))
	}
	return s
}

func (idSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: idPattern, PatternDescription: "an id: 13 characters of base32"}
}
func (stateSchema) Schema(huma.Registry) *huma.Schema { return words(gyre.States...) }
func (bandSchema) Schema(huma.Registry) *huma.Schema  { return words(gyre.Bands...) }
func (classSchema) Schema(huma.Registry) *huma.Schema { return words(gyre.Classes...) }
func (severitySchema) Schema(huma.Registry) *huma.Schema {
	return words("info", "low", "medium", "high", "critical")
}

func (roleSchema) Schema(huma.Registry) *huma.Schema {
	return words(gyre.RoleReader, gyre.RoleEditor, gyre.RoleAdmin)
}

func (actionStateSchema) Schema(huma.Registry) *huma.Schema {
	return words(gyre.ActionOpen, gyre.ActionInProgress, gyre.ActionDone, gyre.ActionVerified, gyre.ActionDismissed)
}

func (cycleStateSchema) Schema(huma.Registry) *huma.Schema {
	return words(gyre.CycleRunning, gyre.CycleFinished, gyre.CycleFailed, gyre.CycleCancelled, gyre.CycleInterrupted)
}
func (stageSchema) Schema(huma.Registry) *huma.Schema { return words(gyre.Stages...) }
func (runStatusSchema) Schema(huma.Registry) *huma.Schema {
	return words(gyre.RunRunning, gyre.RunSucceeded, gyre.RunPartial, gyre.RunFailed, gyre.RunCancelled, gyre.RunInterrupted)
}

func (outcomeSchema) Schema(huma.Registry) *huma.Schema {
	return words(gyre.OutcomeFixed, gyre.OutcomeStillThere, gyre.OutcomeInconclusive)
}

func (codeSchema) Schema(huma.Registry) *huma.Schema {
	return words(gyre.Invalid, gyre.NotFound, gyre.Conflict, gyre.Unauthorized, gyre.Forbidden, gyre.TooLarge, gyre.Unavailable, gyre.Internal)
}

func (intensitySchema) Schema(huma.Registry) *huma.Schema {
	return words(gyre.IntensityPassive, gyre.IntensityGentle, gyre.IntensityNormal)
}

func alias[T, As any](r huma.Registry) {
	r.RegisterTypeAlias(reflect.TypeFor[T](), reflect.TypeFor[As]())
}

// newRegistry returns a registry of schemas that knows the vocabulary.
func newRegistry() huma.Registry {
	r := huma.NewMapRegistry("#/components/schemas/", schemaName)
	alias[gyre.ID, idSchema](r)
	alias[gyre.State, stateSchema](r)
	alias[gyre.Band, bandSchema](r)
	alias[gyre.Class, classSchema](r)
	alias[gyre.Severity, severitySchema](r)
	alias[gyre.Role, roleSchema](r)
	alias[gyre.ActionState, actionStateSchema](r)
	alias[gyre.CycleState, cycleStateSchema](r)
	alias[gyre.Stage, stageSchema](r)
	alias[gyre.RunStatus, runStatusSchema](r)
	alias[gyre.Outcome, outcomeSchema](r)
	alias[gyre.Code, codeSchema](r)
	alias[gyre.Intensity, intensitySchema](r)
	return r
}

var schemaNames = map[reflect.Type]string{
	reflect.TypeFor[expr.Description]():         "FilterSchema",
	reflect.TypeFor[expr.FieldDescription]():    "FilterField",
	reflect.TypeFor[expr.FunctionDescription](): "FilterFunction",
	reflect.TypeFor[gyre.Problem]():             "RunProblem",
}

func schemaName(t reflect.Type, hint string) string {
	if name, ok := schemaNames[t]; ok {
		return name
	}
	return huma.DefaultSchemaNamer(t, hint)
}

// TransformSchema leaves out what the server gives a scope.
func (ScopeInput) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	for _, name := range []string{"id", "created", "updated"} {
		delete(s.Properties, name)
	}
	var required []string
	for _, name := range s.Required {
		if _, kept := s.Properties[name]; kept {
			required = append(required, name)
		}
	}
	s.Required = required
	return s
}

// pathID is an id in a path or a query.
type pathID struct{ gyre.ID }

// Schema implements huma.SchemaProvider.
func (pathID) Schema(r huma.Registry) *huma.Schema { return idSchema{}.Schema(r) }

func schemaOf[T any](r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[T](), true, "")
}
