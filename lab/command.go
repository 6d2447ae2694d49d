// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"

	"github.com/gyre-ctem/gyre/lab/truth"
)

// Up keeps an estate up until the context ends or another terminal takes it
// down. ready is called once, when everything answers.
func Up(ctx context.Context, o Options, ready func(*Estate) error) error {
	e, err := Start(ctx, o)
	if err != nil {
		return err
	}
	defer e.Close()
	if ready != nil {
		if err := ready(e); err != nil {
			return err
		}
	}
	<-e.Done()
	return nil
}

// List returns the table of the estate in a folder, and whether it is running.
func List(dir string) (rows []Row, running bool, err error) {
	if c, err := Dial(dir); err == nil {
		rows, err = c.Rows()
		return rows, true, err
	}
	rows, err = Stored(dir)
	return rows, false, err
}

// ScoreAt compares what was found with the table of the estate in a folder.
func ScoreAt(dir string, found []Found) (Result, error) {
	rows, _, err := List(dir)
	if err != nil {
		return Result{}, err
	}
	return truth.Score(rows, found), nil
}
