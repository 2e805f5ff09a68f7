/* What protects the secrets of the process: status, self check, settings, events. */
#include <fcntl.h>
#include <unistd.h>

#include "check.hpp"

using sprint::Buffer;

static bool holds(const std::string &text, const char *part) {
    return text.find(part) != std::string::npos;
}

TEST(the_status_is_an_object_of_what_was_measured) {
    Buffer one = Buffer::random(32);
    const std::string status = sprint::memory_status_json();
    CHECK(status.size() > 2 && status.front() == '{' && status.back() == '}');
    CHECK(status.find('\0') == std::string::npos);
    CHECK(holds(status, "\"enabled\":") && holds(status, "\"self_check\":"));
    size_t needed = 0;
    char little[4];
    CHECK_STATUS(SPRINT_E_RANGE,
                 sprint::memory_status_json(std::nothrow, little, sizeof little, &needed));
    CHECK(needed > sizeof little && std::strlen(little) == 3 && little[0] == '{');
}

TEST(a_self_check_that_passed_is_in_the_stats) {
    sprint::memory_self_check();
    CHECK(sprint::memory_stats().self_check == SPRINT_SELF_CHECK_PASSED);
}

TEST(settings_of_memory_are_checked) {
    CHECK_THROWS(SPRINT_E_UNSUPPORTED, "", sprint::memory_set(99, 0));
    CHECK_THROWS(SPRINT_E_ARG, "", sprint::memory_set(SPRINT_MEM_BUDGET_BYTES, -1));
    CHECK_THROWS(SPRINT_E_ARG, "", sprint::memory_set(SPRINT_MEM_AT_LIMIT, 3));
    CHECK_THROWS(SPRINT_E_ARG, "", sprint::memory_set(SPRINT_MEM_BACKEND, 3));
}

/* Settings that end with their scope. */
struct Settings {
    ~Settings() {
        sprint::memory_set(SPRINT_MEM_AT_LIMIT, SPRINT_LIMIT_FAIL);
        sprint::memory_set(SPRINT_MEM_BUDGET_BYTES, 0);
        sprint::memory_set(SPRINT_MEM_BACKEND, SPRINT_BACKEND_AUTO);
    }
};

TEST(at_the_budget_an_allocation_fails_or_does_what_was_chosen) {
    Settings end_with_this_test;
    const size_t large = 1 << 21;
    sprint::memory_set(SPRINT_MEM_BUDGET_BYTES, large * 3 / 2);
    Buffer first = Buffer::random(large), second;
    CHECK_STATUS(SPRINT_E_MLOCK,
                 Buffer::alloc(std::nothrow, large, SPRINT_BUFFER_DEFAULT, &second));
    CHECK(first.size() == large && !second);
    CHECK_STATUS(SPRINT_OK, Buffer::alloc(std::nothrow, large, SPRINT_BUFFER_DEGRADE, &second));
    second = Buffer();

    unsigned char before[16], after[16];
    first.read(0, before, sizeof before);
    const uint64_t sealed = sprint::memory_stats().sealed;
    sprint::memory_set(SPRINT_MEM_AT_LIMIT, SPRINT_LIMIT_SEAL);
    CHECK_STATUS(SPRINT_OK, Buffer::alloc(std::nothrow, large, SPRINT_BUFFER_DEFAULT, &second));
    CHECK(sprint::memory_stats().sealed > sealed);
    second = Buffer();
    first.read(0, after, sizeof after);
    CHECK(std::memcmp(before, after, sizeof before) == 0);
}

TEST(the_chosen_backend_is_that_of_the_next_allocation) {
    Settings end_with_this_test;
    sprint::memory_set(SPRINT_MEM_BACKEND, SPRINT_BACKEND_MLOCK);
    Buffer locked = Buffer::alloc(32);
    CHECK(sprint::memory_stats().backend == SPRINT_BACKEND_MLOCK);
}

TEST(events_tell_what_happens_to_secrets_and_never_their_content) {
    int ends[2];
    CHECK(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
    sprint::events_to_fd(ends[1]);
    {
        char secret[] = "not-a-real-secret";
        Buffer buffer = Buffer::from(secret, sizeof secret - 1);
        buffer.seal();
        CHECK(buffer.open().size() == 17);
    }
    sprint::events_to_fd(-1);
    Buffer unheard = Buffer::alloc(16);

    char text[65536];
    const ssize_t n = read(ends[0], text, sizeof text);
    CHECK(n > 0);
    const std::string lines(text, n > 0 ? static_cast<size_t>(n) : 0);
    CHECK(lines.compare(0, 1, "{") == 0 && lines.compare(lines.size() - 2, 2, "}\n") == 0);
    for (const char *event : {"allocate", "seal", "open", "close", "free"})
        CHECK(holds(lines, event));
    CHECK(!holds(lines, "not-a-real-secret"));
    CHECK(read(ends[0], text, sizeof text) < 0);
    close(ends[0]);
    CHECK_THROWS(SPRINT_E_ARG, "", sprint::events_to_fd(ends[0]));
    close(ends[1]);
}
