// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package gyre

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Code classifies an error for whoever has to react to it. internal/httpapi
// maps codes to HTTP status, internal/cli to exit codes; nobody else does.
type Code string

// The codes.
const (
	Invalid      Code = "invalid"      // the input is wrong; saying it again will not help
	NotFound     Code = "not_found"    // no such object in this workspace
	Conflict     Code = "conflict"     // the object is not in a state that allows this
	Unauthorized Code = "unauthorized" // nobody is signed in
	Forbidden    Code = "forbidden"    // signed in, but not allowed; also: outside every scope
	TooLarge     Code = "too_large"    // over a stated limit of size, depth, count or time
	Unavailable  Code = "unavailable"  // something needed is missing or busy; may work later
	Internal     Code = "internal"     // a defect of Gyre
)

// Error is an error with a Code and, where it applies, the place in the input:
// Field is a path such as "targets[2].cidr" or "report.xml:14". Message holds
// the whole text; Err is there for errors.Is and errors.As only.
type Error struct {
	Code    Code
	Message string
	Field   string
	Err     error
}

func (e *Error) Error() string {
	s := e.Message
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	return s
}

// Unwrap returns the wrapped error.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an *Error; %w wraps as in fmt.Errorf.
func Errorf(code Code, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// FieldErrorf is Errorf with the place in the input that is wrong.
func FieldErrorf(code Code, field, format string, args ...any) error {
	return &Error{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Caught runs f and returns its error; a panic of f becomes an Internal one that says
// where. It is for goroutines beside a job's own: nobody else catches what happens in
// them, so what one report brings about would end the process with all that it does.
func Caught(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = Errorf(Internal, "panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// ErrorCode returns the code of the first *Error in err's chain; Internal when
// there is none, "" for nil.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}
