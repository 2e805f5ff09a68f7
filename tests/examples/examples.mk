# Included by the root Makefile: the C, C++ and Go examples. BUILD is where everything built goes.
BUILD ?= build

example_flags := -O2 -g -Wall -Wextra -pedantic -Werror -Iinclude

# Loads the library when it runs: nothing of it is linked.
$(BUILD)/examples/engine: $(wildcard tests/examples/cpp/*pp include/*.h include/*.hpp)
	@mkdir -p $(@D)
	g++ -std=c++11 $(example_flags) -pthread tests/examples/cpp/engine.cpp -o $@ -ldl
$(BUILD)/examples/first: tests/examples/c/first.c include/sprint.h $(BUILD)/libsprint.so
	@mkdir -p $(@D)
	gcc -std=c99 $(example_flags) $< -o $@ -L$(BUILD) -lsprint -Wl,-rpath,'$$ORIGIN/..'

.PHONY: examples test-examples
examples: $(BUILD)/examples/engine $(BUILD)/examples/first ## build the C and C++ examples
test-examples: deps examples $(BUILD)/relay $(BUILD)/libsprint.so ## run them against the relay
	tests/examples/cpp/test.sh
	cd tests/examples/go && go test -count=1 ./...
