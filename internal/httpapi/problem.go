// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import (
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gyre-ctem/gyre"
)

// Problem is an error as it leaves the API (RFC 9457, application/problem+json),
// with two members more: code and errors.
type Problem struct {
	Type   string         `json:"type,omitempty" format:"uri-reference" doc:"Always about:blank: code says what kind it is"`
	Title  string         `json:"title" doc:"Words of the status"`
	Status int            `json:"status"`
	Detail string         `json:"detail,omitempty" doc:"What is wrong, for people"`
	Code   gyre.Code      `json:"code"`
	Errors []ProblemPlace `json:"errors,omitempty" doc:"Places in the input that are wrong"`
}

// ProblemPlace is one place in the input that is wrong.
type ProblemPlace struct {
	Location string `json:"location,omitempty" doc:"body.targets[2].cidr, query.filter, report.xml:14"`
	Message  string `json:"message"`
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// statusOf is the HTTP status of a code; codeOf goes the other way for errors
// that the router and the decoder make.
func statusOf(c gyre.Code) int {
	switch c {
	case gyre.Invalid:
		return http.StatusUnprocessableEntity
	case gyre.NotFound:
		return http.StatusNotFound
	case gyre.Conflict:
		return http.StatusConflict
	case gyre.Unauthorized:
		return http.StatusUnauthorized
	case gyre.Forbidden:
		return http.StatusForbidden
	case gyre.TooLarge:
		return http.StatusRequestEntityTooLarge
	case gyre.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func codeOf(status int) gyre.Code {
	switch status {
	case http.StatusNotFound:
		return gyre.NotFound
	case http.StatusConflict:
		return gyre.Conflict
	case http.StatusUnauthorized:
		return gyre.Unauthorized
	case http.StatusForbidden:
		return gyre.Forbidden
	case http.StatusRequestEntityTooLarge:
		return gyre.TooLarge
	case http.StatusServiceUnavailable, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return gyre.Unavailable
	}
	if status >= 500 {
		return gyre.Internal
	}
	return gyre.Invalid
}

// problemOf turns an error of a handler into a Problem. What a defect of Gyre
// says is for the log; the caller learns that there was one.
func problemOf(err error) *Problem {
	code := gyre.ErrorCode(err)
	p := newProblem(statusOf(code), err.Error())
	if code == gyre.Internal {
		p.Detail = "Gyre failed; its log says why"
		return p
	}
	if e, ok := errors.AsType[*gyre.Error](err); ok && e.Field != "" {
		p.Detail = e.Message
		p.Errors = []ProblemPlace{{Location: e.Field, Message: e.Message}}
	}
	return p
}

func newProblem(status int, detail string) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: detail, Code: codeOf(status)}
}

// huma makes its own errors (decoding, validation) through these variables of
// its package; there is no other way to give them our shape.
func init() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		p := newProblem(status, msg)
		for _, err := range errs {
			place := ProblemPlace{Message: "wrong"}
			if d, ok := errors.AsType[*huma.ErrorDetail](err); ok {
				place = ProblemPlace{Location: d.Location, Message: d.Message}
			} else if err != nil {
				place.Message = err.Error()
			}
			p.Errors = append(p.Errors, place)
		}
		return p
	}
	huma.DefaultArrayNullable = false // answers never hold null where a list belongs; see noNulls
}

// inBody puts the place that an error names into the body of the request.
func inBody(err error) error {
	e, found := errors.AsType[*gyre.Error](err)
	if !found || e.Field == "" {
		return err
	}
	placed := *e
	placed.Field = "body." + e.Field
	return &placed
}

var errAnonymous = gyre.Errorf(gyre.Unauthorized, "nobody is signed in: sign in, or send Authorization: Bearer with an API token")
