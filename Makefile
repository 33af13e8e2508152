.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

GO_TOOL := go tool -modfile=tools/go.mod
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/handoff
	go build -trimpath -o bin/handoff ./cmd/handoff

.PHONY: test
test: ## install what is missing, then vet and test everything
	scripts/setup.sh
	go vet ./...
	go test -race -timeout 20m ./...

.PHONY: race
race: ## test everything with the race detector
	go test -race ./...

.PHONY: chaos
chaos: ## kill the server under load, 100 times, and compare what everybody was told (SEED=1 MESSAGES=100000 KILLS=110 DURATION=60m KEEP=folder)
	go test -count=1 -v -timeout 3h ./chaos -run '^TestChaos$$' -messages $(or $(MESSAGES),100000) -kills $(or $(KILLS),110) \
		-duration $(or $(DURATION),60m) -sessions $(or $(SESSIONS),64) \
		$(if $(SEED),-seed $(SEED)) $(if $(KEEP),-keep $(abspath $(KEEP)))

.PHONY: bench
bench: ## compare with the bare things below (ROWS=1,4 RUNS=5 QUICK=1 JSON=file PROFILE=folder)
	cd bench && go build -o ../bin/bench . && exec ../bin/bench \
		$(if $(ROWS),--rows $(ROWS)) $(if $(RUNS),--runs $(RUNS)) $(if $(QUICK),--quick) \
		$(if $(JSON),--json $(abspath $(JSON))) $(if $(PROFILE),--profile $(abspath $(PROFILE)))

.PHONY: gobench
gobench: ## run the Go benchmarks
	go test -run '^$$' -bench . ./...

.PHONY: generate
generate: protos tools/node_modules/.package-lock.json ## regenerate gen, ent and what else is generated
	$(GO_TOOL) buf generate
	$(GO_TOOL) buf generate --template buf.gen.widget.yaml
	if [ -f ent/generate.go ]; then go generate ./ent/...; fi

.PHONY: docs
docs: ## write the generated parts of docs/providers
	go test -count=1 ./internal/provider/all -run '^(TestConformance|TestDocsAreFresh)$$' -args -update

.PHONY: conformance
conformance: ## run the suite for all providers and print its table
	go test -count=1 ./internal/provider/... -run Conformance
	go test -count=1 -v ./internal/provider/all -run '^TestConformance$$' | grep -E '^\||^[0-9]+\. |FAIL|^ok'

.PHONY: verify
verify: generate client ## fail when committed and generated code differ
	scripts/verify.sh

.PHONY: lint
lint: protos web/node_modules/.package-lock.json gen/ts/node_modules/.package-lock.json ## lint Go, TypeScript and the API, and compare the API with main
	$(GO_TOOL) golangci-lint run ./...
	cd web && npm run check
	cd gen/ts && npm run check
	cd bench && go vet ./... && go test ./...
	$(GO_TOOL) buf format --diff --exit-code
	$(GO_TOOL) buf lint
	scripts/breaking.sh

.PHONY: fmt
fmt: protos ## format Go and the API
	$(GO_TOOL) golangci-lint fmt ./...
	$(GO_TOOL) buf format -w

.PHONY: client
client: gen/ts/node_modules/.package-lock.json ## compile the TypeScript client into gen/ts/dist
	rm -rf gen/ts/dist
	cd gen/ts && npx --no-install tsc

.PHONY: web
web: web/node_modules/.package-lock.json ## check the pages and build them into web/dist
	cd web && npm run check && npm run build

.PHONY: protos
protos:
	scripts/protovalidate.sh

%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	cd $* && $(NPM_CI)
	touch $@
