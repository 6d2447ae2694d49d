#!/bin/sh
# Runs every fuzz target for FUZZTIME (ten seconds).
set -eu
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
git grep -l '^func Fuzz' -- '*_test.go' | while read -r file; do
	pkg=./$(dirname "$file")
	sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$file" | while read -r target; do
		echo "== $pkg $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10s}" -fuzzminimizetime 5x "$pkg"
	done
done
