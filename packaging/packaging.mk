# Included by the root Makefile: installing and packaging. BUILD is where everything built goes.
BUILD ?= build

DESTDIR ?=
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
PKGCONFIGDIR ?= $(LIBDIR)/pkgconfig
# An archive to install too: make install STATIC=build/libsprint.a
STATIC ?=

placed := DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' \
	PKGCONFIGDIR='$(PKGCONFIGDIR)' STATIC='$(STATIC)' packaging/install.sh

.PHONY: install uninstall
install: lib ## Install library, headers, pkg-config and CMake files (DESTDIR= PREFIX= LIBDIR= ...)
	@$(placed) install $(LIB)
uninstall: ## Remove what install put there; the same variables
	@$(placed) uninstall $(LIB)

# One Go runtime for a process applies to the archive as well.
.PHONY: static
static: $(BUILD)/libsprint.a ## Build the static archive into build/
$(BUILD)/libsprint.a: $(LIB)
	@mkdir -p $(BUILD)/go
	CGO_ENABLED=1 CGO_CFLAGS="$(CGO_FLAGS)" $(GO) build -trimpath -buildvcs=false -buildmode=c-archive \
	  -ldflags '$(GO_LDFLAGS)' -o $(BUILD)/go/libsprint.a ./capi
	@mv $(BUILD)/go/libsprint.a $@

.PHONY: packages
packages: deps lib package-tools ## Build .deb and .rpm into build/packages/
	packaging/packages.sh $(LIB) $(BUILD)/packages

.PHONY: wheel
wheel: deps-wheel lib ## Build the Python wheel, with the library in it, into build/wheel/
	@packaging/wheel.sh $(LIB) $(BUILD)/venv/bin/python $(BUILD)/wheel

.PHONY: sbom
sbom: deps lib package-tools ## Write build/libsprint.cdx.json: the modules in the library, as CycloneDX
	$(BUILD)/bin/cyclonedx-gomod bin -json -std -noserial -version v$(VERSION) -output $(BUILD)/libsprint.cdx.json $(LIB)

# Only packaging needs these.
.PHONY: package-tools
package-tools: $(BUILD)/bin/nfpm $(BUILD)/bin/cyclonedx-gomod
$(BUILD)/bin/nfpm:
	GOBIN=$(BUILD)/bin $(GO) install github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
$(BUILD)/bin/cyclonedx-gomod:
	GOBIN=$(BUILD)/bin $(GO) install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

.PHONY: check-glibc
check-glibc: lib ## Print the oldest glibc that loads the library; MAX=2.28 fails above it
	@packaging/glibc.sh $(LIB) $(MAX)

.PHONY: test-reproducible
test-reproducible: deps ## Build the library twice from nothing, in two places: the same bytes
	packaging/reproducible.sh
