#!/bin/sh
# Inner loop: the server, built again and restarted when a Go file or a pack
# changes, and Vite with a proxy to it.
set -eu
cd "$(dirname "$0")/.."
[ -d web/node_modules ] || (cd web && npm ci --no-audit --no-fund --loglevel=error)
mkdir -p bin
rm -f bin/.built
server=0
stop() {
	[ "$server" = 0 ] || kill "$server" 2>/dev/null || true
	kill "$vite" 2>/dev/null || true
	exit 0
}
(cd web && exec npx vite --clearScreen false) &
vite=$!
trap stop INT TERM

changed() {
	[ ! -e bin/.built ] || [ -n "$(find . -name node_modules -prune -o \( -name '*.go' -o -path './packs/*.yaml' \) -newer bin/.built -print | head -n 1)" ]
}

while :; do
	if changed; then
		touch bin/.built
		if CGO_ENABLED=0 go build -o bin/gyre-dev ./cmd/gyre; then
			if [ "$server" != 0 ]; then
				kill "$server" 2>/dev/null || true
				wait "$server" 2>/dev/null || true
			fi
			bin/gyre-dev serve --data "${GYRE_DATA:-./data}" &
			server=$!
		fi
	fi
	sleep 1
done
