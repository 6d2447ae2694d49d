#!/bin/sh
# Drives the console in a headless Chromium, on the practice estate. Needs
# bin/gyre. Screenshots are kept in artifacts/screens.
set -eu
cd "$(dirname "$0")/.."
root=$PWD

chromium=${CHROMIUM_PATH:-}
for name in chromium chromium-browser google-chrome; do
	[ -n "$chromium" ] || chromium=$(command -v "$name" || true)
done
if [ -z "$chromium" ]; then
	echo "SKIPPED: the console is not driven in a browser, because there is no Chromium" >&2
	exit 0
fi

data=$(mktemp -d)
log=$data/demo.log
mkdir -p artifacts
bin/gyre demo --data "$data/gyre" --listen 127.0.0.1:0 >"$log" 2>&1 &
demo=$!
trap 'kill $demo 2>/dev/null || true; wait $demo 2>/dev/null || true; cp "$log" "$root/artifacts/demo.log"; rm -rf "$data"' EXIT

i=0
until grep -qs 'Ctrl-C stops the server' "$log"; do
	i=$((i + 1))
	if [ $i -gt 240 ] || ! kill -0 $demo 2>/dev/null; then
		echo "the demo did not come up:" >&2
		cat "$log" >&2
		exit 1
	fi
	sleep 0.5
done

GYRE_URL=$(sed -n 's/^Console: //p' "$log")
GYRE_ONE_TIME_URL=$(sed -n 's/^Sign in (once.*): //p' "$log")
export GYRE_URL GYRE_ONE_TIME_URL
export GYRE_BIN="$PWD/bin/gyre" GYRE_DATA="$data/gyre" CHROMIUM_PATH="$chromium"
cd web && npm run --silent e2e
