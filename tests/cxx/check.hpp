/* A test is a function with a name that is a rule; CHECK reports and goes on. */
#ifndef CHECK_HPP
#define CHECK_HPP

#include <cstdio>
#include <cstring>
#include <vector>

#include <sprint.hpp>

namespace check {

struct Test {
    const char *name;
    void (*run)();
};
inline std::vector<Test> &tests() {
    static std::vector<Test> all;
    return all;
}
inline bool add(const char *name, void (*run)()) {
    tests().push_back(Test{name, run});
    return true;
}
inline bool &failed() {
    static bool in_this_test = false;
    return in_this_test;
}
inline void fail(const char *file, int line, const char *what, const std::string &seen) {
    failed() = true;
    std::fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, seen.c_str());
}

/* Runs every test whose name contains the filter. */
inline int run_all(const char *filter) {
    int passed = 0, broken = 0;
    for (const Test &test : tests()) {
        if (std::strstr(test.name, filter) == nullptr)
            continue;
        failed() = false;
#ifdef SPRINT_NO_EXCEPTIONS
        test.run();
#else
        try {
            test.run();
        } catch (const std::exception &unexpected) {
            fail(test.name, 0, "threw", unexpected.what());
        }
#endif
        if (failed()) {
            std::fprintf(stderr, "FAIL %s\n", test.name);
            broken++;
        } else {
            passed++;
        }
    }
    std::printf("%d passed, %d failed\n", passed, broken);
    return broken == 0 && passed > 0 ? 0 : 1;
}

/* Takes a result that a test has no use for; a void one goes past it. */
struct Unheard {};
template <class T> Unheard operator,(T &&, Unheard unheard) {
    return unheard;
}

} // namespace check

#define TEST(name)                                                                                 \
    static void name();                                                                            \
    static const bool name##_added = check::add(#name, name);                                      \
    static void name()

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            check::fail(__FILE__, __LINE__, #condition, "is false");                               \
    } while (0)

/* The status of a call, by name. */
#define CHECK_STATUS(wanted, call)                                                                 \
    do {                                                                                           \
        sprint_status check_status = (call);                                                       \
        if (check_status != (wanted))                                                              \
            check::fail(__FILE__, __LINE__, #call " is not " #wanted,                              \
                        std::string(sprint::errname(check_status)) + ": " + sprint::last_error()); \
    } while (0)

/* A call that throws sprint::error with this status and a text with this word in it. */
#define CHECK_THROWS(wanted, word, call)                                                           \
    do {                                                                                           \
        try {                                                                                      \
            static_cast<void>(((call), check::Unheard()));                                         \
            check::fail(__FILE__, __LINE__, #call, "did not throw");                               \
        } catch (const sprint::error &thrown) {                                                    \
            if (thrown.code() != (wanted) || std::strstr(thrown.what(), word) == nullptr)          \
                check::fail(__FILE__, __LINE__, #call " is not " #wanted " with \"" word "\"",     \
                            thrown.what());                                                        \
        }                                                                                          \
    } while (0)

#endif
