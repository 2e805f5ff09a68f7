# Included by the root Makefile: what is written is tested. BUILD is where everything built goes.
BUILD ?= build

.PHONY: test-readme
test-readme: lib $(BUILD)/relay ## What the README says to copy, copied into an empty directory and run
	@$(BUILD)/venv/bin/python tests/docs/readme.py
