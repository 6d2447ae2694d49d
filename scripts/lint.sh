#!/bin/sh
# Static analysis. golangci-lint with .golangci.yml where it is installed, else
# the same analysers one by one through the Go toolchain. "lint.sh go" leaves the
# console out.
set -eu
cd "$(dirname "$0")/.."

if command -v golangci-lint >/dev/null 2>&1; then
	golangci-lint run ./...
else
	CGO_ENABLED=0 go vet ./...
	# Generated and vendored files do not exist on the Go side; gofumpt covers gofmt.
	out=$(go tool -modfile=tools/go.mod gofumpt -l -extra $(git ls-files '*.go'))
	if [ -n "$out" ]; then
		printf 'not formatted with gofumpt:\n%s\n' "$out" >&2
		exit 1
	fi
	CGO_ENABLED=0 go tool -modfile=tools/go.mod staticcheck ./...
	CGO_ENABLED=0 go tool -modfile=tools/go.mod gosec -quiet -exclude-dir=web -exclude-generated ./...
fi
[ "${1:-}" = go ] || (cd web && npm run --silent lint)
