# libsprint. `make help` lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VERSION := $(shell awk '/define SPRINT_VERSION_(MAJOR|MINOR|PATCH)/ {v = v sep $$3; sep = "."} END {print v}' include/sprint.h)
MAJOR := $(firstword $(subst ., ,$(VERSION)))
BUILD := $(CURDIR)/build
LIB := $(BUILD)/libsprint.so.$(VERSION)

GO ?= go
CC ?= cc

# Go's cache does not see headers outside of the package: their hash makes an edit
# rebuild the library.
HEADER_HASH = $(shell cat include/sprint.h | sha256sum | cut -c1-16)
CGO_FLAGS = -O2 -g -DSPRINT_HEADER_HASH=0x$(HEADER_HASH)
# No asynchronous preemption: SIGURG stays the host's (capi/guest.c).
GO_LDFLAGS = -s -w -X runtime.godebugDefault=asyncpreemptoff=1
LINK_FLAGS = -Wl,-soname,libsprint.so.$(MAJOR) -Wl,--version-script=$(CURDIR)/capi/sprint.map -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now

GO_SOURCES = $(shell find capi pool securemem internal -name '*.go' -not -name '*_test.go')
LIB_SOURCES = $(GO_SOURCES) $(wildcard capi/*.c capi/*.h capi/sprint.map) include/sprint.h go.mod go.sum Makefile

##@ Building

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: lib
lib: $(BUILD)/libsprint.so ## Build the shared library into build/

$(LIB): $(LIB_SOURCES)
	@mkdir -p $(BUILD)/go
	CGO_ENABLED=1 CGO_CFLAGS="$(CGO_FLAGS)" $(GO) build -trimpath -buildvcs=false -buildmode=c-shared \
	  -ldflags '$(GO_LDFLAGS) -extldflags "$(LINK_FLAGS)"' -o $(BUILD)/go/libsprint.so ./capi
	@mv $(BUILD)/go/libsprint.so $@

$(BUILD)/libsprint.so: $(LIB)
	@ln -sf libsprint.so.$(VERSION) $(BUILD)/libsprint.so.$(MAJOR)
	@ln -sf libsprint.so.$(MAJOR) $@
	@touch -h $@

.PHONY: relay
relay: ## Build the TLS server of the demo and the tests into build/
	$(GO) build -o $(BUILD)/relay ./tests/relay/cmd/relay
