# Gyre's tasks. `make help` lists them.

GO      ?= go
NPM     ?= npm
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  = -s -w -X github.com/gyre-ctem/gyre/internal/cli.version=$(VERSION)
BUILD    = CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'
# Packages with goroutines of their own: the race detector pays here. It needs cgo.
RACE     = ./internal/app ./internal/auth ./internal/audit ./internal/cycle ./internal/discover ./internal/httpapi ./internal/ingest ./internal/intel ./internal/job ./internal/projection \
           ./internal/scope ./internal/validate ./plugin ./plugins/source/host ./plugins/source/network

.PHONY: help run demo test build dev lint bench bench-10m gen fuzz e2e test-go test-race test-web packages tools clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## Build, start the server on 127.0.0.1 and run a first cycle on this machine
	@exec bin/gyre serve --first-cycle

demo: build ## The same on the practice estate, with intelligence loaded
	@exec bin/gyre demo

build: tools web/dist/index.html ## Build bin/gyre with the console embedded
	@mkdir -p bin
	$(BUILD) -o bin/gyre ./cmd/gyre

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && $(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(shell find web/src web/public web/index.html web/vite.config.ts -type f 2>/dev/null)
	cd web && $(NPM) run --silent build
	@touch $@

tools:
	@sh scripts/require.sh $(GO) node

test: packages tools ## Every test: Go on SQLite and PostgreSQL, race detector, console in Chromium
	@sh scripts/test.sh

test-go: ## Go tests, without the race detector
	CGO_ENABLED=0 $(GO) test -timeout 30m ./...

test-race: ## Go tests of the concurrent packages with the race detector
	CGO_ENABLED=1 $(GO) test -race -short -timeout 30m $(RACE)

test-web: ## Types, lint and unit tests of the console
	cd web && $(NPM) run --silent lint && $(NPM) run --silent test

e2e: build ## Drive the console in a headless Chromium on the practice estate
	@sh scripts/e2e.sh

packages:
	@sh scripts/packages.sh

lint: ## Static analysis of Go and TypeScript
	@sh scripts/lint.sh

bench: ## Benchmarks, with ratios against a named baseline
	CGO_ENABLED=0 $(GO) test -run '^$$' -bench . -benchmem -timeout 2h ./internal/... ./plugin/... ./plugins/...

bench-10m: ## Ten million exposures on PostgreSQL: fill, load, change, ask (an hour, 20 GB of disk; no part of CI)
	GYRE_BENCH_EXPOSURES=10000000 CGO_ENABLED=0 $(GO) test -run '^$$' -bench '^BenchmarkStore$$/^postgres$$' -benchtime 1x -timeout 4h ./internal/projection

fuzz: ## Fuzz every parser for ten seconds
	@sh scripts/fuzz.sh

gen: ## Write generated files anew: OpenAPI document, TypeScript client, docs/config.md
	CGO_ENABLED=0 $(GO) test ./internal/httpapi ./internal/config -update
	cd web && $(NPM) run --silent gen

dev: tools ## Inner loop: server that restarts on change, Vite with proxy
	@sh scripts/dev.sh

clean: ## Remove what was built (keeps your data folder)
	rm -rf bin web/dist/assets web/dist/index.html artifacts
