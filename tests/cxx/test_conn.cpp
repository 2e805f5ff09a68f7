/* sprint::Conn: who gives a lease back, and how. */
#include <poll.h>
#include <array>
#include <thread>

#include "fixture.hpp"

/* The id of the next lease; releases it. */
static uint64_t next_id(const Pool &pool) {
    return pool.acquire(patience).id();
}

TEST(a_lease_that_leaves_its_scope_is_released) {
    Pool pool = make_pool(1);
    uint64_t id;
    {
        Conn conn = pool.acquire(patience);
        id = conn.id();
        CHECK(conn.uses() == 0);
    }
    Conn again = pool.acquire(patience);
    CHECK(again.id() == id && again.uses() == 1);
}

TEST(a_lease_is_discarded_while_an_exception_unwinds) {
    Pool pool = make_pool(1);
    uint64_t id = 0;
    try {
        Conn conn = pool.acquire(patience);
        id = conn.id();
        throw std::runtime_error("the protocol's place is lost");
    } catch (const std::runtime_error &) {
    }
    CHECK(next_id(pool) != id && pool.stats().discards == 1);
}

TEST(a_lease_whose_read_timed_out_is_discarded) {
    Pool pool = make_pool(1);
    uint64_t id;
    {
        Conn conn = pool.acquire(patience);
        id = conn.id();
        char byte;
        size_t n;
        CHECK_STATUS(SPRINT_E_TIMEOUT, conn.read(std::nothrow, &byte, 1, 10, &n));
        CHECK(conn.failed());
    }
    CHECK(next_id(pool) != id);
}

TEST(an_answer_after_a_timeout_makes_a_lease_good_again) {
    Pool pool = make_pool(1);
    uint64_t id;
    {
        Conn conn = pool.acquire(patience);
        id = conn.id();
        char answer[128];
        CHECK_THROWS(SPRINT_E_TIMEOUT, "", conn.read(answer, 1, 10));
        size_t n = conn.request("NONCE\n", 6, answer, sizeof answer, patience);
        CHECK(n == 71 && !conn.failed());
    }
    CHECK(next_id(pool) == id);
}

TEST(a_write_does_not_make_a_lease_good_again) {
    Pool pool = make_pool(1);
    Conn conn = pool.acquire(patience);
    char byte;
    CHECK_THROWS(SPRINT_E_TIMEOUT, "", conn.read(&byte, 1, 10));
    conn.write("NONCE\n", 6, patience);
    CHECK(conn.failed());
}

TEST(discard_closes_and_release_gives_back) {
    Pool pool = make_pool(1);
    Conn conn = pool.acquire(patience);
    uint64_t first = conn.id();
    conn.release();
    CHECK(!conn);
    conn = pool.acquire(patience);
    CHECK(conn.id() == first);
    conn.discard();
    CHECK(!conn && next_id(pool) != first);
    CHECK_THROWS(SPRINT_E_HANDLE, "", conn.write("x", 1, 10));
}

TEST(assigning_a_lease_ends_the_old_one) {
    Pool pool = make_pool(2);
    Conn conn = pool.acquire(patience);
    conn = pool.acquire(patience);
    CHECK(pool.stats().lent == 1);
    Conn moved = std::move(conn);
    CHECK(!conn && moved && pool.stats().lent == 1);
}

TEST(a_moved_lease_remembers_that_it_failed) {
    Pool pool = make_pool(1);
    Conn conn = pool.acquire(patience);
    char byte;
    CHECK_THROWS(SPRINT_E_TIMEOUT, "", conn.read(&byte, 1, 0));
    Conn moved = std::move(conn);
    CHECK(moved.failed());
}

TEST(read_exact_waits_for_all_of_it) {
    Lease lease;
    Conn &conn = lease.conn;
    start_echo(conn);
    conn.write("first", 5, patience);
    conn.write("second", 6, patience);
    char seen[11];
    conn.read_exact(seen, sizeof seen, patience);
    CHECK(std::memcmp(seen, "firstsecond", 11) == 0);
}

TEST(a_secret_is_sent_from_its_buffer_sealed_or_not) {
    Lease lease;
    Conn &conn = lease.conn;
    start_echo(conn);
    char token[] = {'t', 'o', 'k', 'e', 'n'}, seen[5];
    sprint::Buffer secret = sprint::Buffer::from(token, sizeof token);
    for (int i = 0; i < 2; i++) {
        conn.write_secret(secret, patience);
        conn.read_exact(seen, sizeof seen, patience);
        CHECK(std::memcmp(seen, "token", 5) == 0);
        secret.seal();
    }
    sprint::WriteBorrow writer = secret.open_write();
    CHECK_THROWS(SPRINT_E_STATE, "", conn.write_secret(secret, patience));
    CHECK_THROWS(SPRINT_E_HANDLE, "", conn.write_secret(sprint::Buffer(), patience));
}

TEST(a_slow_answer_is_a_timeout_and_comes_later) {
    Lease lease;
    Conn &conn = lease.conn;
    char answer[128];
    {
        const Stopped until_it_is_too_late(relay().pid());
        CHECK_THROWS(SPRINT_E_TIMEOUT, "", conn.request("NONCE\n", 6, answer, sizeof answer, 20));
    }
    CHECK(conn.read(answer, sizeof answer, patience) == 71);
}

TEST(an_idempotent_request_goes_on_with_a_fresh_connection) {
    Pool pool = make_pool(1);
    pool.acquire(patience).release();
    Conn conn = pool.acquire(patience);
    uint64_t before = conn.id();
    Switch on("drop_idle=1");
    char answer[128];
    size_t n =
        conn.request("NONCE\n", 6, answer, sizeof answer, patience, SPRINT_REQUEST_IDEMPOTENT);
    CHECK(n == 71 && conn.id() != before && conn.uses() == 0 && !conn.failed());
    CHECK_THROWS(SPRINT_E_ARG, "flags", conn.request("x", 1, answer, sizeof answer, 10, 4));
}

TEST(close_notify_is_0_bytes) {
    Lease lease;
    Conn &conn = lease.conn;
    char answer[16];
    CHECK(conn.request("QUIT\n", 5, answer, sizeof answer, patience) == 4);
    CHECK(conn.read(answer, sizeof answer, patience) == 0);
}

TEST(a_truncated_stream_is_eof) {
    Switch on("truncate_after=8");
    Lease lease;
    Conn &conn = lease.conn;
    start_echo(conn);
    conn.write("0123456789", 10, patience);
    char seen[16];
    size_t n = 0;
    CHECK_STATUS(SPRINT_E_EOF, conn.read_exact(std::nothrow, seen, 10, patience, &n));
    CHECK(n == 8 && conn.failed());
}

TEST(try_read_says_false_until_there_is_something) {
    Lease lease;
    Conn &conn = lease.conn;
    start_echo(conn);
    char seen[8];
    size_t n = 0;
    CHECK(!conn.try_read(seen, sizeof seen, &n) && !conn.failed());
    CHECK(conn.try_write("abc", 3) == 3);
    CHECK(conn.flush(patience));
    int32_t fd = -1;
    uint32_t want = 0;
    conn.poll_info(&fd, &want);
    CHECK(fd >= 0 && want == SPRINT_WANT_READ);
    while (!conn.try_read(seen, sizeof seen, &n)) {
        pollfd in = {fd, POLLIN, 0};
        CHECK(poll(&in, 1, int(patience)) == 1);
    }
    CHECK(n == 3 && std::memcmp(seen, "abc", 3) == 0);
}

TEST(a_reader_and_a_writer_work_at_the_same_time) {
    Lease lease;
    Conn &conn = lease.conn;
    start_echo(conn);
    const std::string sent(1 << 20, 'x');
    sprint_status wrote = SPRINT_E_INTERNAL;
    std::thread writer([&] { wrote = conn.write(std::nothrow, sent.data(), sent.size(), 30000); });
    std::string seen(sent.size(), '\0');
    conn.read_exact(&seen[0], seen.size(), 30000);
    writer.join();
    CHECK_STATUS(SPRINT_OK, wrote);
    CHECK(seen == sent);
}

TEST(views_are_taken_where_the_language_has_them) {
    Lease lease;
    Conn &conn = lease.conn;
    start_echo(conn);
    char seen[4];
#if __cplusplus >= 201703L
    conn.write(std::string_view("view"), patience);
#else
    conn.write("view", 4, patience);
#endif
    conn.read_exact(seen, sizeof seen, patience);
    CHECK(std::memcmp(seen, "view", 4) == 0);
#if __cplusplus >= 202002L
    std::array<std::byte, 4> bytes = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
    conn.write(std::span<const std::byte>(bytes), patience);
    std::array<std::byte, 8> answer{};
    size_t got = 0;
    while (got < bytes.size())
        got += conn.read(std::span(answer).subspan(got), patience);
    CHECK(got == 4 && answer[3] == std::byte{4});
    sprint::Buffer secret = sprint::Buffer::alloc(8);
    sprint::ReadBorrow borrow = secret.open();
    CHECK(std::span<const unsigned char>(borrow).size() == 8);
#endif
}
