# Included by the root Makefile.

# build_dll DIRECTORY, FUNCTIONS MORE, ARGUMENTS OF go build: sprint.dll, its import library and
# its .def. The interface and nothing else is exported: Go's linker lists its own entry points in
# a .def of its own, but not if all symbols are asked for; and then ld is told to take none by
# itself.
define build_dll
@mkdir -p $(1)/go
@awk 'BEGIN {print "LIBRARY sprint.dll\nEXPORTS"} /sprint_/ {sub(";", ""); print "    " $$1}' capi/sprint.map >$(1)/sprint.def
@for name in $(2); do echo "    $$name" >>$(1)/sprint.def; done
@GOOS=windows GOARCH=amd64 CGO_ENABLED=1 CC=x86_64-w64-mingw32-gcc CGO_CFLAGS="$(CGO_FLAGS)" $(GO) build $(3) -trimpath \
  -buildvcs=false -buildmode=c-shared -ldflags '$(GO_LDFLAGS) -extldflags "-static -Wl,--export-all-symbols \
  -Wl,--exclude-all-symbols $(1)/sprint.def -Wl,--out-implib,$(1)/libsprint.dll.a"' -o $(1)/go/sprint.dll ./capi
@mv $(1)/go/sprint.dll $(1)/
@rm -r $(1)/go
endef

.PHONY: deps-windows
deps-windows: deps ## Install what builds for Windows: mingw-w64, 300 MB
	$(call apt_install,gcc-mingw-w64-x86-64-win32 g++-mingw-w64-x86-64-win32)

.PHONY: windows
windows: deps-windows $(BUILD)/windows/sprint.dll ## Cross-build sprint.dll, its import library and sprint.def for Windows x86-64

$(BUILD)/windows/sprint.dll: $(call go_sources,capi pool securemem internal) $(wildcard capi/*.[ch]) capi/sprint.map include/sprint.h go.mod Makefile tests/windows/windows.mk
	@echo "building sprint.dll"
	$(call build_dll,$(@D))

# The DLL with panics on demand, for tests, as in tests/guest.
$(BUILD)/windows/panic/sprint.dll: $(BUILD)/windows/sprint.dll
	$(call build_dll,$(@D),sprint_test_panic,-tags sprint_panic)

.PHONY: test-windows
test-windows: windows $(BUILD)/windows/panic/sprint.dll $(BUILD)/relay ## The exports of sprint.dll, its headers, and the C tests under Wine (700 MB)
	$(call apt_install,wine64)
	tests/windows/run
