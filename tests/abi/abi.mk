# Included by the root Makefile. BUILD is where everything built goes.
BUILD ?= build

.PHONY: test-abi header-check
header-check: ## compile every public header in every standard, gcc and clang
	tests/abi/headers.sh

test-abi: $(BUILD)/libsprint.so header-check ## function lists, types, versions, ELF properties
	python3 tests/abi/test_compare.py
	python3 tests/abi/compare.py --library $(BUILD)/libsprint.so.1
	python3 tests/abi/versions.py $(BUILD)/libsprint.so.1
	tests/abi/elf.sh $(BUILD)/libsprint.so.1
