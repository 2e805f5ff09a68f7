# Included by the root Makefile. BUILD is where everything built goes.
BUILD ?= build

.PHONY: test-abi header-check
header-check: ## compile every public header in every standard, gcc and clang
	tests/abi/headers.sh

test-abi: deps $(BUILD)/libsprint.so $(BUILD)/relay $(BUILD)/abi/libsprint.so header-check ## function lists, types, versions, ELF properties
	python3 tests/abi/test_compare.py
	python3 tests/abi/compare.py --library $(BUILD)/libsprint.so.1
	python3 tests/abi/versions.py $(BUILD)/libsprint.so.1
	tests/abi/elf.sh $(BUILD)/libsprint.so.1
	tests/abi/diff.sh $(BUILD)/abi/libsprint.so
	tests/abi/old.sh $(BUILD) $(BUILD)/relay

# The library with what abidw reads: its debug information.
$(BUILD)/abi/libsprint.so: $(LIB)
	@mkdir -p $(@D)
	@CGO_ENABLED=1 CGO_CFLAGS="$(CGO_FLAGS)" $(GO) build -trimpath -buildvcs=false -buildmode=c-shared \
	  -ldflags '$(filter-out -s -w,$(GO_LDFLAGS)) -extldflags "$(LINK_FLAGS)"' -o $@ ./capi

.PHONY: abi-baseline
abi-baseline: $(BUILD)/abi/libsprint.so ## write the baseline anew: at a release
	tests/abi/diff.sh $< --update
