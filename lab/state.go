// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	gyre "github.com/gyre-ctem/gyre"
)

const (
	stateFile = "rows.json" // the table as it was last, with what is fixed
	infoFile  = "lab.json"  // how to reach the running estate
	maxState  = 4 << 20
)

// Stored returns the table as the estate in a folder last had it, running or not.
func Stored(dir string) ([]Row, error) {
	data, err := readSmall(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, gyre.Errorf(gyre.NotFound, "no practice estate was ever up in %s; gyre lab up starts one", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read the estate's table: %w", err)
	}
	var rows []Row
	if err := json.Unmarshal(data, &rows); err != nil {
		return nil, gyre.FieldErrorf(gyre.Invalid, filepath.Join(dir, stateFile), "not the table of a practice estate: %v", err)
	}
	return rows, nil
}

// readState lists the ids of the rows that are fixed.
func readState(dir string) ([]string, error) {
	rows, err := Stored(dir)
	if gyre.ErrorCode(err) == gyre.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var fixed []string
	for i := range rows {
		if rows[i].Fixed {
			fixed = append(fixed, rows[i].ID)
		}
	}
	return fixed, nil
}

func writeState(dir string, rows []Row) error {
	data, err := json.MarshalIndent(rows, "", " ")
	if err != nil {
		return fmt.Errorf("write the estate's table: %w", err)
	}
	return writeFile(filepath.Join(dir, stateFile), data)
}

func writeFile(path string, data []byte) error {
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return fmt.Errorf("write %q: %w", filepath.Base(path), err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write %q: %w", filepath.Base(path), err)
	}
	return nil
}

func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxState {
		return nil, gyre.FieldErrorf(gyre.TooLarge, path, "larger than %d bytes", maxState)
	}
	return os.ReadFile(path) // #nosec G304 -- the estate's own folder
}
