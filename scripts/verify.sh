#!/usr/bin/env bash
# Fails when the generated code differs from what is committed. Run it after
# generating.
set -euo pipefail
cd "$(dirname "$0")/.."

generated=(gen ent internal/store/migrations)
if ! git diff --exit-code -- "${generated[@]}"; then
	echo "verify: generated code is out of date: run 'make generate' and commit" >&2
	exit 1
fi
untracked=$(git ls-files --others --exclude-standard -- "${generated[@]}")
if [ -n "$untracked" ]; then
	printf 'verify: generated but not committed:\n%s\n' "$untracked" >&2
	exit 1
fi
