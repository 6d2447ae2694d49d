// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

func checkAddress(v string) error {
	_, port, err := net.SplitHostPort(v)
	if err != nil {
		return fmt.Errorf("%q is not host:port", v)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q is not a port", port)
	}
	return nil
}

func checkDatabase(v string) error {
	for _, p := range []string{"postgres://", "postgresql://", "sqlite:"} {
		if strings.HasPrefix(v, p) {
			return nil
		}
	}
	return errors.New("must start with sqlite: or postgres://")
}

func checkBool(v string) error {
	if _, err := strconv.ParseBool(v); err != nil {
		return fmt.Errorf("%q is neither true nor false", v)
	}
	return nil
}

func checkDuration(v string) error {
	if d, err := time.ParseDuration(v); err != nil || d < 0 {
		return fmt.Errorf("%q is not a duration such as 24h", v)
	}
	return nil
}

func oneOf(words ...string) func(string) error {
	return func(v string) error {
		for _, w := range words {
			if v == w {
				return nil
			}
		}
		return fmt.Errorf("%q is none of %s", v, strings.Join(words, ", "))
	}
}

// numberTo accepts whole numbers from 1.
func numberTo(most int64) func(string) error {
	return func(v string) error {
		if n, err := strconv.ParseInt(v, 10, 64); err != nil || n < 1 || n > most {
			return fmt.Errorf("%q is not a whole number from 1 to %d", v, most)
		}
		return nil
	}
}

func checkCount(s string) error {
	if n, err := strconv.Atoi(s); err != nil || n < 0 || n > 64 {
		return fmt.Errorf("%q is not a number from 0 to 64", s)
	}
	return nil
}
