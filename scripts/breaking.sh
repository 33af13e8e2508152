#!/usr/bin/env bash
# Fails when the API is no longer compatible, on the wire or in JSON, with that of
# the main branch. Where there is no main branch, or no API on it, there is nothing
# to compare with.
set -euo pipefail
cd "$(dirname "$0")/.."

base=
for ref in refs/heads/main refs/remotes/origin/main; do
	if git rev-parse --quiet --verify "$ref^{commit}" >/dev/null &&
		[ -n "$(git ls-tree "$ref" proto/handoff)" ]; then
		base=$ref
		break
	fi
done
if [ -z "$base" ]; then
	echo "breaking: no API on a main branch to compare with"
	exit 0
fi

against=.cache/breaking
rm -rf "$against"
mkdir -p "$against/.cache"
git archive "$base" buf.yaml proto | tar -x -C "$against"
cp -R .cache/protovalidate "$against/.cache/"
go tool -modfile=tools/go.mod buf breaking --against "$against"
