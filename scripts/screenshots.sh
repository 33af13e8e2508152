#!/usr/bin/env bash
# Makes the pictures of docs/images anew: the real server, in the browser of the
# tests. Run scripts/setup.sh before, once.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
go build -o "$scratch/handoff" ./cmd/handoff
cd web
[ -d node_modules ] || npm ci --ignore-scripts --no-audit --no-fund
HANDOFF_BIN=$scratch/handoff SCREENSHOTS=$scratch node --test \
	e2e/conversation.test.mjs e2e/chat.test.mjs e2e/widget.test.mjs
for name in chat-light chat-dark desk-light desk-dark chat-wait-light widget-light widget-dark; do
	mv "$scratch/$name.png" "../docs/images/$name.png"
done
