#!/usr/bin/env bash
# Installs what the tests need, as root or with CI=true on a Debian-like system.
# Otherwise it names the one command to run.
set -euo pipefail

# One line for each need: the command that has to be there, the package that has it.
needs="
go golang-go
gcc gcc
curl curl
jq jq
node nodejs
npm npm
chromium chromium
git git
"

packages=()
while read -r command package; do
	if [ -n "$command" ] && ! command -v "$command" >/dev/null; then
		packages+=("$package")
	fi
done <<<"$needs"
if [ "${#packages[@]}" -gt 0 ] && [[ " ${packages[*]} " == *" gcc "* ]]; then
	packages+=(libc6-dev) # the race detector links with it
fi

if [ "${#packages[@]}" -gt 0 ]; then
	sudo=
	if [ "$(id -u)" != 0 ]; then
		sudo=sudo
	fi
	install="$sudo apt-get install -y --no-install-recommends ca-certificates ${packages[*]}"
	install=${install# }
	if ! command -v apt-get >/dev/null; then
		echo "setup: missing: ${packages[*]} (install them with your package manager)" >&2
		exit 1
	fi
	if [ -n "$sudo" ] && { [ "${CI:-}" != true ] || ! command -v sudo >/dev/null; }; then
		echo "setup: some tools are missing; run: $install" >&2
		exit 1
	fi
	export DEBIAN_FRONTEND=noninteractive
	$sudo apt-get update -qq
	$install
fi

# Any Go from 1.21 on fetches the version that go.mod asks for by itself.
cd "$(dirname "$0")/.."
if ! go version >/dev/null; then
	echo "setup: Go is too old or cannot be run: see https://go.dev/doc/install" >&2
	exit 1
fi

# Vite, which builds the pages, says the same in its package.json.
if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
	echo "setup: node $(node --version) is too old: the pages need 20.19 or newer, see https://nodejs.org" >&2
	exit 1
fi
