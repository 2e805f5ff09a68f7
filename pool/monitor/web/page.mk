# Included by the root Makefile: the charts of the metrics server's page. BUILD is where
# everything built goes.
BUILD ?= build

web := pool/monitor/web
CHARTS := pool/monitor/page/charts.js
# npm writes it last.
npm_modules := $(web)/node_modules/.package-lock.json

$(npm_modules): $(web)/package.json $(web)/package-lock.json
	cd $(web) && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(CHARTS): $(npm_modules) $(wildcard $(web)/src/*)
	cd $(web) && npm run --silent build -- --log-level=warning

# The library has the charts if they were built, and in all that is given to others. Without
# npm it has the plain page.
$(LIB): $(wildcard pool/monitor/page/*)
with_charts := page test check packages test-packages test-wheel sbom $(if $(shell command -v npm),demo wheel)
ifneq ($(wildcard $(CHARTS))$(filter $(with_charts),$(MAKECMDGOALS)),)
$(LIB): $(CHARTS)
endif

$(BUILD)/stage: $(call go_sources,tests/page tests/relay pool securemem internal) $(wildcard pool/monitor/page/*) $(CHARTS)
	@$(GO) build -o $@ ./tests/page/stage

.PHONY: page
page: $(CHARTS) ## Bundle the charts of the metrics server's page (npm); `make lib` then has them

.PHONY: test-page
test-page: deps $(BUILD)/stage ## The page in headless Chromium; screenshots go to build/page/
	cd $(web) && node --test --test-reporter=spec test/
