#!/usr/bin/env bash
# Puts protovalidate's proto files into .cache/protovalidate, where buf finds them as
# a module. They come as a Go module, so no schema registry is asked. The module has
# no Go packages: `go mod tidy` would drop it from a go.mod, so it is pinned here.
set -euo pipefail
cd "$(dirname "$0")/.."

module=github.com/bufbuild/protovalidate@v1.2.2
sum=h1:2H/9/Kr97etSRqW3IJjTTb09z+zutkK2GDhDRbOnqr4=
target=$PWD/.cache/protovalidate

# From the root directory, so that no go.mod or go.sum is read or changed.
info=$(cd / && GOWORK=off go mod download -json "$module")
if ! grep -qF "\"Sum\": \"$sum\"" <<<"$info"; then
	printf 'protovalidate: %s is not what was pinned:\n%s\n' "$module" "$info" >&2
	exit 1
fi
source=$(sed -n 's/^[[:space:]]*"Dir": "\(.*\)",\{0,1\}$/\1/p' <<<"$info")

rm -rf "$target"
mkdir -p "$target/buf/validate"
install -m 644 "$source"/proto/protovalidate/buf/validate/*.proto "$target/buf/validate/"
