#!/bin/sh
# Every test, in the order in which a failure is cheapest. Each part prints a
# headline with its time; the first failure ends the run.
set -eu
cd "$(dirname "$0")/.."
start=$(date +%s)

part() {
	now=$(date +%s)
	printf '\n== %s (after %d s)\n' "$1" $((now - start))
}

part "build: console and binary"
make build

part "console: types, lint, unit tests"
(cd web && npm run --silent lint && npm run --silent test)

part "Go: static analysis"
sh scripts/lint.sh go

part "Go: tests"
CGO_ENABLED=0 go test -timeout 30m ./...

if command -v gcc >/dev/null 2>&1; then
	part "Go: race detector"
	make --no-print-directory test-race
else
	echo "SKIPPED: the race detector needs a C compiler (gcc)" >&2
fi

part "console in a browser, on the practice estate"
sh scripts/e2e.sh

part "done"
