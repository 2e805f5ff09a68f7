# Included by the root Makefile. BUILD is where everything built goes.
BUILD ?= build

cxx_dir := $(BUILD)/tests/cxx
cxx_headers := $(wildcard include/*.h include/*.hpp tests/cxx/*.hpp)
cxx_flags := -g -O1 -Wall -Wextra -pedantic -Werror -Iinclude -pthread
cxx_link := -L$(BUILD) -lsprint -Wl,-rpath,'$$ORIGIN/../..'
cxx_sources := tests/cxx/main.cpp tests/cxx/test_buffer.cpp tests/cxx/test_keys.cpp \
	tests/cxx/test_memory.cpp tests/cxx/test_pool.cpp tests/cxx/test_conn.cpp \
	tests/cxx/test_control.cpp

# Linked, by the oldest standard; linked, with all that C++20 has; loaded; without exceptions.
# The rules of tests/behaviour.txt have a program of their own.
$(cxx_dir)/linked11: $(cxx_sources) $(cxx_headers) $(BUILD)/libsprint.so
	@mkdir -p $(@D)
	g++ -std=c++11 $(cxx_flags) $(cxx_sources) -o $@ $(cxx_link)
$(cxx_dir)/linked20: $(cxx_sources) $(cxx_headers) $(BUILD)/libsprint.so
	@mkdir -p $(@D)
	clang++ -std=c++20 $(cxx_flags) $(cxx_sources) -o $@ $(cxx_link)
# test_load.cpp is first: its tests run before the library is loaded, and load it for the others.
$(cxx_dir)/loaded17: tests/cxx/test_load.cpp $(cxx_sources) $(cxx_headers)
	@mkdir -p $(@D)
	g++ -std=c++17 -DSPRINT_HPP_DL $(cxx_flags) tests/cxx/test_load.cpp $(cxx_sources) -o $@ -ldl
$(cxx_dir)/status11: tests/cxx/main.cpp tests/cxx/test_status.cpp $(cxx_headers) $(BUILD)/libsprint.so
	@mkdir -p $(@D)
	clang++ -std=c++11 -fno-exceptions $(cxx_flags) tests/cxx/main.cpp tests/cxx/test_status.cpp \
		-o $@ $(cxx_link)
$(cxx_dir)/behaviour17: tests/cxx/main.cpp tests/cxx/test_behaviour.cpp $(cxx_headers) $(BUILD)/libsprint.so
	@mkdir -p $(@D)
	g++ -std=c++17 $(cxx_flags) tests/cxx/main.cpp tests/cxx/test_behaviour.cpp -o $@ $(cxx_link)
$(cxx_dir)/older.so: tests/cxx/fake.c include/sprint.h
	@mkdir -p $(@D)
	gcc -std=c11 -DOLDER -shared -fPIC -Wall -Wextra -Werror -Iinclude $< -o $@
$(cxx_dir)/incomplete.so: tests/cxx/fake.c include/sprint.h
	@mkdir -p $(@D)
	gcc -std=c11 -shared -fPIC -Wall -Wextra -Werror -Iinclude $< -o $@

cxx_programs := $(addprefix $(cxx_dir)/,linked11 linked20 loaded17 status11 behaviour17)

.PHONY: test-cxx
test-cxx: deps $(cxx_programs) $(cxx_dir)/older.so $(cxx_dir)/incomplete.so $(BUILD)/relay $(BUILD)/libsprint.so ## sprint.hpp and sprint_dl.h against the relay
	@for program in $(cxx_programs); do \
		echo "$$program"; \
		RELAY=$(BUILD)/relay SPRINT_LIBRARY=$(BUILD)/libsprint.so.1 FAKES=$(cxx_dir) $$program || exit 1; \
	done
