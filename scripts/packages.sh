#!/bin/sh
# Installs the Debian packages that the tests need and that are missing, saying
# which. Without the right to install, it names them; the tests that need them
# then skip, and say so.
need=""
have() { command -v "$1" >/dev/null 2>&1; }

have initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need="$need postgresql"
have chromium || have chromium-browser || have google-chrome || [ -n "${CHROMIUM_PATH:-}" ] || need="$need chromium"
have gcc || need="$need gcc libc6-dev"
[ -z "$need" ] && exit 0

sudo=""
if [ "$(id -u)" != 0 ]; then
	if have sudo && sudo -n true 2>/dev/null; then
		sudo="sudo -n"
	else
		echo "MISSING:$need. No right to install; tests that need them are skipped. Install them with: sudo apt-get install$need" >&2
		exit 0
	fi
fi
if ! have apt-get; then
	echo "MISSING:$need. This is not a Debian system; install their equivalents. Tests that need them are skipped." >&2
	exit 0
fi
echo "installing$need"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq && $sudo apt-get install -qq -y --no-install-recommends $need >/dev/null || {
	echo "MISSING:$need could not be installed; tests that need them are skipped." >&2
}
exit 0
