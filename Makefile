# libsprint. `make help` lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VERSION := $(shell awk '/define SPRINT_VERSION_(MAJOR|MINOR|PATCH)/ {v = v sep $$3; sep = "."} END {print v}' include/sprint.h)
MAJOR := $(firstword $(subst ., ,$(VERSION)))
BUILD := $(CURDIR)/build
LIB := $(BUILD)/libsprint.so.$(VERSION)
GO ?= go

# Go's cache does not see headers outside of the package: their hash makes an edit
# rebuild the library.
HEADER_HASH := $(shell sha256sum include/sprint.h | cut -c1-16)
CGO_FLAGS := -O2 -g -DSPRINT_HEADER_HASH=0x$(HEADER_HASH)
# No asynchronous preemption: SIGURG stays the host's (capi/guest_linux.c).
# No build ID of Go's: it is of the command line too, in which the place of sprint.map is. The linker's
# is of what was linked, so two places give the same bytes.
GO_LDFLAGS := -s -w -buildid= -X runtime.godebugDefault=asyncpreemptoff=1
LINK_FLAGS := -Wl,-soname,libsprint.so.$(MAJOR) -Wl,--version-script=$(CURDIR)/capi/sprint.map \
	-Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now
go_sources = $(shell find $(1) -name '*.go' -not -name '*_test.go')

# What only a few need is not in `make deps`: packages of Debian, if they are not there.
define apt_install
@missing=; for p in $(1); do \
  dpkg-query -W -f '$${Status}\n' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; \
done; [ -z "$$missing" ] || apt-get install -y -qq --no-install-recommends $$missing
endef

##@ Building

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## Install what a fresh Debian with Go, Python 3, Rust and gcc lacks for tests; nothing if all is there
	@.ci/deps
deps-%:
	@.ci/deps $*

.PHONY: lib
lib: deps-build $(BUILD)/libsprint.so ## Build the shared library into build/; needs Go and a C compiler

$(LIB): $(call go_sources,capi pool securemem internal) $(wildcard capi/*.[ch]) capi/sprint.map include/sprint.h go.mod Makefile
	@mkdir -p $(BUILD)/go
	@echo "building $(notdir $@)"
	@CGO_ENABLED=1 CGO_CFLAGS="$(CGO_FLAGS)" $(GO) build -trimpath -buildvcs=false -buildmode=c-shared \
	  -ldflags '$(GO_LDFLAGS) -extldflags "$(LINK_FLAGS)"' -o $(BUILD)/go/libsprint.so ./capi
	@mv $(BUILD)/go/libsprint.so $@

$(BUILD)/libsprint.so: $(LIB)
	@ln -sf $(notdir $(LIB)) $(BUILD)/libsprint.so.$(MAJOR)
	@ln -sf libsprint.so.$(MAJOR) $@

$(BUILD)/relay: $(call go_sources,tests/relay internal)
	@$(GO) build -o $@ ./tests/relay/cmd/relay

include pool/monitor/web/page.mk packaging/packaging.mk tests/packages/packages.mk tests/abi/abi.mk tests/cxx/cxx.mk tests/examples/examples.mk tests/rust/rust.mk tests/docs/docs.mk tests/guest/guest.mk tests/soak/soak.mk tests/windows/windows.mk

.PHONY: clean
clean: ## Remove build/ and the charts
	rm -rf $(BUILD) pool/monitor/page/charts.* pool/monitor/web/node_modules

##@ Trying it

.PHONY: demo
demo: deps-demo lib $(BUILD)/relay $(BUILD)/examples/engine ## A C++ engine talks TLS to a relay, or to ENDPOINT=host:port; KEEP=1 leaves its page up
	@tests/examples/cpp/demo.sh $(ENDPOINT)

.PHONY: relay
relay: $(BUILD)/relay ## A TLS server for first programs on 127.0.0.1:7443; certificate and key in build/relay.d
	@exec $(BUILD)/relay -listen 127.0.0.1:7443 -dir $(BUILD)/relay.d

##@ Testing

.PHONY: test check
test: lint test-go test-memguard test-runtimesecret test-abi test-install test-wheel test-c test-cxx test-guest test-examples test-page test-rules test-python test-servers test-rust docs test-docs test-readme test-attack-short soak-short bench-short ## Everything that fits into 15 minutes
	@echo "make test: all passed"
check: test ## The same as test

.PHONY: lint
lint: deps lib $(npm_modules) ## Format and lint of every language
	@.ci/lint

.PHONY: test-go
test-go: deps ## The Go packages under the race detector
	@.ci/race

.PHONY: test-prometheus
test-prometheus: deps ## A Prometheus scrapes a pool under traffic (part of test-go)
	$(GO) test -count=1 -v ./tests/prometheus

# Not its two tests of CatchSignal (v0.23.0), which has nothing to do with memory and is not used: a
# signal that is there before the goroutine has taken in the handler calls none, and it panics.
.PHONY: test-memguard
test-memguard: deps ## memguard's own tests over our memcall, on each backend
	for backend in 1 2; do \
	  flags="-X github.com/awnumar/memcall.initialBackend=$$backend"; \
	  $(GO) test -count=1 -ldflags "$$flags" -skip 'TestCatch(Signal|Interrupt)' github.com/awnumar/memguard; \
	  $(GO) test -count=1 -ldflags "$$flags" -skip TestCofferConcurrent github.com/awnumar/memguard/core; \
	  $(GO) test -count=1 -ldflags "$$flags" -run TestCofferConcurrent github.com/awnumar/memguard/core; \
	done

.PHONY: test-runtimesecret
test-runtimesecret: deps ## What GOEXPERIMENT=runtimesecret changes for secrets in use, and its cost
	$(GO) test -count=1 -v -run TestWhatRuntimeSecretChanges ./securemem
	GOEXPERIMENT=runtimesecret $(GO) test -count=1 -v -run TestWhatRuntimeSecretChanges ./securemem

FUZZTIME ?= 10m
.PHONY: fuzz
fuzz: deps ## Fuzz the models of secure buffers and of the pool, and the metrics server, each for FUZZTIME
	$(GO) test -run xxx -fuzz FuzzStates -fuzztime $(FUZZTIME) -fuzzminimizetime 1x ./securemem
	$(GO) test -run xxx -fuzz FuzzPoolAgainstTheModel -fuzztime $(FUZZTIME) -fuzzminimizetime 0x ./pool
	$(GO) test -run xxx -fuzz FuzzRequest -fuzztime $(FUZZTIME) -fuzzminimizetime 1x ./pool/monitor

STRESSTIME ?= 60s
.PHONY: stress
stress: deps lib $(BUILD)/relay ## Eight threads on secure buffers for STRESSTIME: Go under -race, C under ASan and TSan
	$(GO) test -race -count=1 -timeout 10m -run EightGoroutines ./securemem -stress $(STRESSTIME)
	tests/c/run asan --rules eight_threads --seconds $(STRESSTIME:s=)
	tests/c/run tsan --rules eight_threads --seconds $(STRESSTIME:s=)

.PHONY: test-attack
test-attack: deps lib ## Hunt planted secrets from outside and inside, as root and not, on each backend
	tests/attack/run

.PHONY: test-attack-short
test-attack-short: deps lib
	tests/attack/run --short

.PHONY: test-rules
test-rules: deps ## Each Prometheus rule of docs/operations, where it fires and where it does not; the dashboard
	promtool check rules docs/operations/rules.yml
	promtool test rules tests/operations/rules.yml
	$(GO) test -count=1 -run 'TestTheDashboard|TestTheRules' ./pool/monitor

.PHONY: test-c
test-c: deps lib $(BUILD)/relay ## The C test program: plain, ASan + UBSan, TSan, Valgrind
	tests/c/run all

.PHONY: test-python
test-python: deps lib $(BUILD)/relay ## The Python package against the relay
	cd bindings/python && $(BUILD)/venv/bin/python -m pytest -q

.PHONY: test-servers
test-servers: deps lib $(BUILD)/relay ## Redis, OpenSSL and nginx
	cd bindings/python && $(BUILD)/venv/bin/python -m pytest -q ../../tests/servers

include tests/bench/bench.mk
