# Tasks for contributors. `make help` lists the targets.
GO        ?= go
BIN       := bin
GOLANGCI  := $(BIN)/tools/golangci-lint
GOLANGCI_VERSION := v2.15.0
VALE      := $(BIN)/tools/vale
VALE_VERSION := v3.21.0
GOVULNCHECK := $(BIN)/tools/govulncheck
GOVULNCHECK_VERSION := v1.9.0
NFPM      := $(BIN)/tools/nfpm
NFPM_VERSION := v2.45.0
ACTIONLINT := $(BIN)/tools/actionlint
ACTIONLINT_VERSION := v1.7.12
GORELEASER := $(BIN)/tools/goreleaser
GORELEASER_VERSION := v2.14.3
CYCLONEDX := $(BIN)/tools/cyclonedx-gomod
CYCLONEDX_VERSION := v1.10.0
BENCH     ?= .
FUZZTIME  ?= 2m
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS   = -X $(shell $(GO) list -m)/internal/buildinfo.version=$(VERSION)

# `make module PATH=…` replaces the search path of the recipes, so this restores the one of the environment.
ifeq ($(origin PATH),command line)
  MODULE := $(PATH)
  override PATH := $(or $(shell /usr/bin/tr '\0' '\n' 2>/dev/null </proc/$$PPID/environ | /usr/bin/sed -n 's/^PATH=//p'),$(shell echo "$$PATH"))
  ifeq ($(PATH),$(MODULE))
    $(error this make cannot take PATH=, say MODULE=$(MODULE))
  endif
endif

.DEFAULT_GOAL := help
.PHONY: help build test unit race e2e soak chaos deploy lint prose vuln fmt bench demo dev assets tools pictures module portable dist packages release-check clean

help: # list the targets by topic
	@grep -hE '^[a-z0-9-]+:.*## [A-Z][a-z]+: ' $(MAKEFILE_LIST) | awk '{ name = $$1; sub(/:.*/, "", name); text = $$0; sub(/.*## /, "", text); \
		topic = text; sub(/: .*/, "", topic); sub(/^[A-Z][a-z]+: /, "", text); if (!(topic in lines)) topics[++n] = topic; \
		lines[topic] = lines[topic] sprintf("  %-14s %s\n", name, text) } END { for (i = 1; i <= n; i++) printf "%s\n%s\n", topics[i], lines[topics[i]] }'

build: ## Build: build worker, lake, enqueue, mp, mixduck and the stand-in for Mixpanel into bin/
	$(GO) build -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/worker ./cmd/lake ./cmd/mp ./mixpanel/mixpaneltest/fakemixpanel
	CGO_ENABLED=0 $(GO) build -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/enqueue ./cmd/mixduck

assets: ## Build: bundle the page's editor and plots from npm; `make build` then embeds them
	$(GO) run ./tools/assets

# Each group is one `go test`. testsum runs them and prints what failed, what was skipped and why, and the slowest tests.
# `make lint` and `make unit` vet the code, so go test does not need to. Linking without symbols and DWARF takes half the
# time, and stack traces do not need either.
TESTS     := -vet=off -shuffle=on -parallel 8 -timeout 15m -ldflags='-s -w'
# The race detector doubles the time, so `make test` uses it only where goroutines meet: in the packages RACED, and in the
# tests CONCURRENT of the packages MIXED. `make race` uses it for everything, and so do the workflows.
RACED     := ./cmd/enqueue ./cmd/internal/console ./cmd/worker ./internal/answer ./internal/embedredis ./internal/redistest ./internal/testsum ./jobs/... ./mixpanel/... ./serve/... ./web ./web/page ./web/session
MIXED     := ./storage ./workspace ./storage/query
CONCURRENT := 'AtOnce|AtTheSame|SameMoment|Beside|TestBudget|Cancel|Close|Context|Drain|EnginesShare|Faults$$|ManyDatabases|ManyNewer|TestPage|Pauses|ProfilesThatMove|Session|Share|Slow|SomeReports|StopAtOnce|TestStream|Threads|Turnstile|WaitsFor|WhileItCopies'
PLAIN     = $(shell $(GO) list ./... | grep -vxF "$$($(GO) list $(RACED) $(MIXED) ./e2e ./bench)")
# Packages that take long begin first.
UNIT      = -- $(TESTS) -skip $(CONCURRENT) $(MIXED) -- -race $(TESTS) -run $(CONCURRENT) $(MIXED) -- -race $(TESTS) $(RACED) -- $(TESTS) $(PLAIN)
ARROW     := -- -vet=off -ldflags='-s -w' -tags duckdb_arrow -run TestArrowReadByDuckDB ./storage/query
E2E       := -- $(TESTS) -parallel 4 ./e2e/...
# Do not let each process with the race detector sleep for a second before it exits.
TESTSUM   = MIXDUCK_TEST_BIN=$(abspath $(BIN)) GORACE=atexit_sleep_ms=10 $(GO) run ./internal/testsum

test: lint build ## Test: format, lint, vet, unit tests, end-to-end tests
	$(TESTSUM) -at-once 2 $(E2E) $(UNIT) $(ARROW) # the end-to-end tests mostly wait

unit: build ## Test: unit tests, shuffled; with the race detector where goroutines meet
	$(GO) vet ./...
	$(TESTSUM) $(UNIT) $(ARROW)

race: build ## Test: all unit tests with the race detector
	$(TESTSUM) -- -race $(TESTS) ./storage/... ./workspace $(filter-out %/e2e %/bench,$(shell $(GO) list ./...))

e2e: build ## Test: the real binaries, on the embedded queue and on a real Redis
	$(TESTSUM) $(E2E)

soak: build ## Test: long tests: growth, years of schedules, many more random tests, fuzzing (an hour or two; for the night)
	MIXDUCK_SOAK=1 $(TESTSUM) -- -race $(TESTS) -timeout 60m ./jobs/... \
	  -- -timeout 60m -run 'UnderAnyInterleaving|CallIsCutOff' ./jobs/worker ./jobs/budget -rapid.checks=2500 \
	  -- -timeout 60m -run RestartsMakeNoDifference ./internal/embedredis -rapid.checks=1000 \
	  -- -timeout 60m -run 'InAnyOrder|EqualTheJSON|InPieces|ThoseOfKeys|ThatOfTheRows|OnTheirNeighbours|OfAnyZone' ./storage -rapid.checks=300 \
	  -- -timeout 60m ./internal/cron ./workspace -run 'Plan|Ticks|Bridge' -rapid.checks=5000 \
	  -- -timeout 60m -run 'TestALongResultSurvivesAFrozenRedis|KilledAgainAndAgain|SurviveKills|SnapshotOpens|FlightSQLDuring|DuringSnapshots|HeldByAnother|WithADBC' ./e2e \
	  -- -timeout 60m -run LikeTheJSON ./storage/query -rapid.checks=300 \
	  -- -timeout 60m -run 'Hostile|Client' ./serve/flight \
	  -- -timeout 60m -run 'Transfers|Texts|DamagedGzip|DamagedAnswers|MoveAtRandom' ./workspace
	grep -rE --include='*_test.go' '^func Fuzz' . | sed -E 's|^(.*)/[^/]*:func (Fuzz[A-Za-z0-9_]*).*|\1 \2|' | sort -u | \
	  while read -r package fuzz; do $(GO) test -run '^$$' -fuzz "^$$fuzz$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x "$$package" || exit 1; done

chaos: build ## Test: kill, freeze and starve real workers and a real Redis (some minutes; CHAOS_SCALE=3 for three times the jobs)
	MIXDUCK_TEST_BIN=$(abspath $(BIN)) CHAOS_SCALE=$${CHAOS_SCALE:-1} $(GO) test -run TestChaos -parallel 4 -timeout 60m ./chaos

deploy: ## Test: build the images, and try docker-compose.yml for real (some minutes; starts a Docker engine if need be)
	deploy/try.sh

tools: $(GOLANGCI) $(VALE) $(GOVULNCHECK) ## Build: build the linters of `make lint` and `make vuln` into bin/tools/

lint: $(GOLANGCI) prose ## Check: formatting and linters, of code and prose
	$(GOLANGCI) fmt --diff
	$(GOLANGCI) run

prose: $(VALE) ## Check: plain English in the pages: sentences, words, turns of phrase (rules in .vale/Mixduck)
	$(VALE) README.md CONTRIBUTING.md SECURITY.md CHANGELOG.md docs/*.md docs/adr/*.md
	awk -f .vale/help.awk docs/help.md | $(VALE) --ext=.md

portable: ## Check: check the code for macOS, and build enqueue for Windows, as far as this works without their C compilers
	$(GO) build -o $(BIN)/typecheck ./tools/typecheck
	GOOS=darwin GOARCH=arm64 $(BIN)/typecheck ./...
	@export GOOS=darwin GOARCH=arm64 CGO_ENABLED=0; \
	$(GO) list -e -test -f '{{if .DepsErrors}}{{or .ForTest .ImportPath}}{{end}}' ./... | sed 's/\.test$$//' | sort -u >$(BIN)/needs-cgo; \
	$(GO) vet $$($(GO) list -e ./... | grep -vxFf $(BIN)/needs-cgo)
	GOOS=windows CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/enqueue

vuln: $(GOVULNCHECK) ## Check: known vulnerabilities in code that is called (skipped loudly where the database cannot be reached)
	@said=$$($(GOVULNCHECK) ./... 2>&1); code=$$?; echo "$$said"; \
	case "$$code $$said" in \
	"1 "*"fetching vulnerabilities"*) echo "SKIPPED: the database of vulnerabilities cannot be reached, so that nothing is known about them" >&2 ;; \
	*) exit $$code ;; \
	esac

fmt: $(GOLANGCI) ## Check: format the code
	$(GOLANGCI) fmt

$(GOLANGCI):
	GOBIN=$(abspath $(dir $@)) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

$(VALE):
	GOBIN=$(abspath $(dir $@)) $(GO) install github.com/vale-cli/vale/v3/cmd/vale@$(VALE_VERSION)

$(GOVULNCHECK):
	GOBIN=$(abspath $(dir $@)) $(GO) install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)

bench: build ## Test: speed, memory and latency against their bars (some minutes; BENCH=Lanes runs one, BENCH_EVENTS=1000000 shortens those of questions)
	MIXDUCK_TEST_BIN=$(abspath $(BIN)) $(GO) test -v -run '^$$' -bench '$(BENCH)' -benchtime 1x -timeout 30m ./bench

demo: build ## Run: a whole sync with made-up data, in a temporary directory
	@$(BIN)/worker demo

dev: ## Run: a worker and the stand-in for Mixpanel, restarted when code changes
	@tools/dev.sh

module: ## Change: change the module's path everywhere: make module PATH=example.com/acme/mixduck
	@$(GO) run ./tools/module '$(MODULE)'
	@$(GO) list -deps ./... >/dev/null

dist: $(NFPM) $(CYCLONEDX) ## Release: build tarballs, .deb and .rpm into dist/ (some minutes; TARGETS=linux/amd64 for one system)
	VERSION='$(VERSION)' NFPM='$(NFPM)' CYCLONEDX='$(abspath $(CYCLONEDX))' TARGETS='$(TARGETS)' deploy/package/dist.sh

$(NFPM):
	GOBIN=$(abspath $(dir $@)) $(GO) install github.com/goreleaser/nfpm/v2/cmd/nfpm@$(NFPM_VERSION)

$(CYCLONEDX):
	GOBIN=$(abspath $(dir $@)) $(GO) install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)

packages: ## Release: install the .deb and the tarball of dist/ in a fresh Debian, and use them (some minutes; needs root)
	deploy/try-packages.sh

release-check: $(ACTIONLINT) $(GORELEASER) ## Release: check the workflows and the GoReleaser file
	$(ACTIONLINT) -shellcheck=
	GITHUB_REPOSITORY_OWNER=nobody GITHUB_REPOSITORY=nobody/mixduck $(GORELEASER) check

$(ACTIONLINT):
	GOBIN=$(abspath $(dir $@)) $(GO) install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)

$(GORELEASER):
	GOBIN=$(abspath $(dir $@)) $(GO) install github.com/goreleaser/goreleaser/v2@$(GORELEASER_VERSION)

pictures: build ## Change: take the pictures of docs/page.md anew (needs chromium-headless-shell; run make assets first)
	MIXDUCK_TEST_BIN=$(abspath $(BIN)) $(GO) test -vet=off -count=1 -tags pictures -run TestPictures ./e2e

clean: ## Build: remove what was built
	rm -rf $(BIN) dist web/page/static/built
