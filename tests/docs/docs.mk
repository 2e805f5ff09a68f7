# Included by the root Makefile: the site, and tests of what is written. BUILD is where everything built goes.
BUILD ?= build

.PHONY: docs
docs: deps lib ## Build the site and its references into build/docs/html; a broken link is an error
	@$(BUILD)/venv/bin/python docs/site/build.py
	@$(BUILD)/venv/bin/python docs/site/check.py
	@$(BUILD)/venv/bin/python docs/site/performance.py --check

.PHONY: performance
performance: deps ## Write the tables of docs/performance.md from what `make bench` measured
	@$(BUILD)/venv/bin/python docs/site/performance.py

.PHONY: test-docs
test-docs: deps lib examples $(BUILD)/relay ## Every sample on every page, compiled and run; lists on pages against the sources
	@cd tests/docs && $(BUILD)/venv/bin/python -m pytest -q

.PHONY: test-readme
test-readme: deps lib $(BUILD)/relay ## What the README says to copy, copied into an empty directory and run
	@$(BUILD)/venv/bin/python tests/docs/readme.py
