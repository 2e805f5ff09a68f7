# Included by the root Makefile.

.PHONY: test-guest
test-guest: deps lib $(BUILD)/relay $(BUILD)/panic/libsprint.so.1 ## The table of what the library does to its host: hazard, expected, seen
	tests/guest/run

# The library with panics on demand, for tests. Nothing that is shipped is built so.
$(BUILD)/panic/libsprint.so.1: $(LIB)
	@mkdir -p $(@D)
	@sed 's/sprint_init;/&\n        sprint_test_panic;/' capi/sprint.map >$(@D)/sprint.map
	@CGO_ENABLED=1 CGO_CFLAGS="$(CGO_FLAGS)" $(GO) build -tags sprint_panic -trimpath -buildvcs=false -buildmode=c-shared \
	  -ldflags '$(GO_LDFLAGS) -extldflags "$(subst $(CURDIR)/capi/sprint.map,$(@D)/sprint.map,$(LINK_FLAGS))"' -o $(@D)/libsprint.so ./capi
	@mv $(@D)/libsprint.so $@
	@rm -f $(@D)/libsprint.h
