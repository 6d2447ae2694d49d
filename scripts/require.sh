#!/bin/sh
# Says clearly what is missing to build Gyre: require.sh GO NODE
go=$1 node=$2 missing=0

have() { command -v "$1" >/dev/null 2>&1; }

if ! have "$go"; then
	echo "Go 1.26 or newer is needed and was not found. Get it from https://go.dev/dl/ and put its bin folder on PATH." >&2
	missing=1
else
	v=$("$go" env GOVERSION | sed 's/^go//; s/[^0-9.].*//')
	if [ "$(printf '%s\n1.26\n' "$v" | sort -V | head -n 1)" != 1.26 ]; then
		echo "Go 1.26 or newer is needed; this is $v. Get it from https://go.dev/dl/." >&2
		missing=1
	fi
fi
if ! have "$node"; then
	echo "Node.js 20 or newer is needed to build the console and was not found. Get it from https://nodejs.org/." >&2
	missing=1
else
	v=$("$node" --version | sed 's/^v//; s/\..*//')
	if [ "$v" -lt 20 ]; then
		echo "Node.js 20 or newer is needed to build the console; this is $("$node" --version). Get it from https://nodejs.org/." >&2
		missing=1
	fi
fi
exit $missing
