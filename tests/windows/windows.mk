# Included by the root Makefile.

# The interface and nothing else is exported: Go's linker lists its own entry points in a .def
# of its own, but not if all symbols are asked for; and then ld is told to take none by itself.
WINDOWS_LINK := -static -Wl,--export-all-symbols -Wl,--exclude-all-symbols $(BUILD)/windows/sprint.def \
	-Wl,--out-implib,$(BUILD)/windows/libsprint.dll.a

.PHONY: deps-windows
deps-windows: deps ## Install what builds for Windows: mingw-w64, 300 MB
	$(call apt_install,gcc-mingw-w64-x86-64-win32 g++-mingw-w64-x86-64-win32)

.PHONY: windows
windows: deps-windows $(BUILD)/windows/sprint.dll ## Cross-build sprint.dll, its import library and sprint.def for Windows x86-64

$(BUILD)/windows/sprint.dll: $(call go_sources,capi pool securemem internal) $(wildcard capi/*.[ch]) capi/sprint.map include/sprint.h go.mod Makefile tests/windows/windows.mk
	@mkdir -p $(@D)/go
	@echo "building sprint.dll"
	@awk 'BEGIN {print "LIBRARY sprint.dll\nEXPORTS"} /sprint_/ {sub(";", ""); print "    " $$1}' capi/sprint.map >$(@D)/sprint.def
	@GOOS=windows GOARCH=amd64 CGO_ENABLED=1 CC=x86_64-w64-mingw32-gcc CGO_CFLAGS="$(CGO_FLAGS)" $(GO) build -trimpath -buildvcs=false \
	  -buildmode=c-shared -ldflags '$(GO_LDFLAGS) -extldflags "$(WINDOWS_LINK)"' -o $(@D)/go/sprint.dll ./capi
	@mv $(@D)/go/sprint.dll $@
	@rm -r $(@D)/go

.PHONY: test-windows
test-windows: windows $(BUILD)/relay ## The exports of sprint.dll, its headers, and the C tests under Wine (700 MB)
	$(call apt_install,wine64)
	tests/windows/run
