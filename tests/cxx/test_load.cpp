/* sprint_dl_load() and sprint::load(). Compiled with SPRINT_HPP_DL; runs before main's tests. */
#include <cstdlib>

#include "check.hpp"

#ifndef SPRINT_HPP_DL
#error "compile with -DSPRINT_HPP_DL"
#endif

static bool all_null(const sprint_dl &table) {
    static const sprint_dl none = sprint_dl();
    return std::memcmp(&table, &none, sizeof table) == 0;
}

static const char *fake(const char *name) {
    static std::string path;
    const char *directory = std::getenv("FAKES");
    path = std::string(directory != nullptr ? directory : "build/tests/cxx") + "/" + name;
    return path.c_str();
}

TEST(before_load_every_call_is_a_state_error) {
    CHECK_THROWS(SPRINT_E_STATE, "sprint::load() was not called", sprint::Config("127.0.0.1:1"));
    CHECK_THROWS(SPRINT_E_STATE, "", sprint::Buffer::alloc(16));
    sprint_memory_stats stats;
    CHECK_STATUS(SPRINT_E_STATE, sprint::memory_stats(std::nothrow, &stats));
    CHECK_THROWS(SPRINT_E_STATE, "", sprint::memory_status_json());
    CHECK_THROWS(SPRINT_E_STATE, "", sprint::memory_self_check());
    CHECK(std::strcmp(sprint::version(), "not loaded") == 0);
    sprint::wipe(nullptr, 0);
}

TEST(a_missing_file_is_an_io_error_that_names_it) {
    sprint_dl table;
    char text[256];
    CHECK(sprint_dl_load("/nowhere/libsprint.so.1", &table, text, sizeof text) == SPRINT_E_IO);
    CHECK(std::strstr(text, "/nowhere/libsprint.so.1") != nullptr && all_null(table));
    CHECK_THROWS(SPRINT_E_IO, "/nowhere", sprint::load("/nowhere/libsprint.so.1"));
}

TEST(a_foreign_library_is_refused_by_its_first_missing_function) {
    sprint_dl table;
    char text[256];
    CHECK(sprint_dl_load("libm.so.6", &table, text, sizeof text) == SPRINT_E_UNSUPPORTED);
    CHECK(std::strstr(text, "sprint_init") != nullptr && all_null(table));
    CHECK(sprint_dl_load(fake("incomplete.so"), &table, text, sizeof text) == SPRINT_E_UNSUPPORTED);
    CHECK(std::strstr(text, "sprint_config_new") != nullptr && all_null(table));
}

TEST(an_older_library_is_an_abi_error_in_its_own_words) {
    sprint_dl table;
    char text[256];
    CHECK(sprint_dl_load(fake("older.so"), &table, text, sizeof text) == SPRINT_E_ABI);
    CHECK(std::strstr(text, "older than its host") != nullptr && all_null(table));
}

TEST(a_short_text_is_cut_and_terminated) {
    sprint_dl table;
    char text[8];
    std::memset(text, 'x', sizeof text);
    CHECK(sprint_dl_load("/nowhere", &table, text, 5) == SPRINT_E_IO);
    CHECK(std::strcmp(text, "spri") == 0 && text[5] == 'x');
    CHECK(sprint_dl_load("/nowhere", &table, nullptr, 0) == SPRINT_E_IO);
    CHECK(sprint_dl_load(nullptr, nullptr, text, sizeof text) == SPRINT_E_ARG);
}

TEST(load_fills_every_function_and_may_be_repeated) {
    const char *path = std::getenv("SPRINT_LIBRARY");
    if (path == nullptr)
        path = "build/libsprint.so.1";
    sprint_dl table;
    char text[256] = "x";
    CHECK(sprint_dl_load(path, &table, text, sizeof text) == SPRINT_OK);
    CHECK(text[0] == '\0');
#define CHECK_SET(ret, name, params) CHECK(table.name != nullptr);
    SPRINT_FUNCTIONS(CHECK_SET)
#undef CHECK_SET
    sprint::load(path);
    sprint::load(path);
    CHECK(std::strcmp(sprint::version(), table.sprint_version()) == 0);
    CHECK(sprint::Buffer::alloc(16).size() == 16);
}
