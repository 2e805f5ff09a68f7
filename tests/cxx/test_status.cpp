/* sprint.hpp without exceptions: the same objects, statuses instead of throws. */
#include "check.hpp"
#include "relay.hpp"

#ifndef SPRINT_NO_EXCEPTIONS
#error "compile with -fno-exceptions: sprint.hpp notices by itself"
#endif

using sprint::Conn;
using sprint::Pool;

static Relay &relay() {
    static Relay one;
    return one;
}

static sprint_status make_pool(int64_t connections, Pool *out) {
    sprint::Config config;
    sprint_status status = sprint::Config::create(std::nothrow, relay().endpoint(), &config);
    if (status == SPRINT_OK)
        status = config.set_str(std::nothrow, SPRINT_OPT_CA_FILE, relay().ca_file().c_str());
    if (status == SPRINT_OK)
        status = config.set_int(std::nothrow, SPRINT_OPT_MAX_CONNECTIONS, connections);
    if (status == SPRINT_OK)
        status = Pool::create(std::nothrow, config, out);
    return status;
}

TEST(a_status_has_its_text_in_last_error) {
    sprint::Config config;
    CHECK_STATUS(SPRINT_E_ARG, sprint::Config::create(std::nothrow, "no-port", &config));
    CHECK(!config);
    CHECK(sprint::last_error().find("no-port") != std::string::npos);
}

TEST(a_conversation_needs_no_exception) {
    Pool pool;
    CHECK_STATUS(SPRINT_OK, make_pool(1, &pool));
    CHECK_STATUS(SPRINT_OK, pool.warm_up(std::nothrow, 1, 20000));
    uint64_t id = 0, again = 0, uses = 7;
    {
        Conn conn;
        CHECK_STATUS(SPRINT_OK, pool.acquire(std::nothrow, 20000, &conn));
        char answer[128];
        size_t n = 0;
        CHECK_STATUS(SPRINT_OK,
                     conn.request(std::nothrow, "NONCE\n", 6, answer, sizeof answer, 0, 20000, &n));
        CHECK(n == 71);
        CHECK_STATUS(SPRINT_OK, conn.id(std::nothrow, &id));
        CHECK_STATUS(SPRINT_OK, conn.uses(std::nothrow, &uses));
        CHECK(uses == 0);
    }
    Conn conn;
    CHECK_STATUS(SPRINT_OK, pool.acquire(std::nothrow, 20000, &conn));
    CHECK_STATUS(SPRINT_OK, conn.id(std::nothrow, &again));
    CHECK(id == again);
}

TEST(a_failed_lease_is_discarded) {
    Pool pool;
    CHECK_STATUS(SPRINT_OK, make_pool(1, &pool));
    {
        Conn conn;
        CHECK_STATUS(SPRINT_OK, pool.acquire(std::nothrow, 20000, &conn));
        char byte;
        size_t n;
        CHECK_STATUS(SPRINT_E_TIMEOUT, conn.read(std::nothrow, &byte, 1, 10, &n));
    }
    sprint_pool_stats stats;
    CHECK_STATUS(SPRINT_OK, pool.stats(std::nothrow, &stats));
    CHECK(stats.discards == 1 && stats.lent == 0);
}

TEST(a_failed_acquire_leaves_no_lease) {
    Pool pool;
    Conn conn;
    CHECK_STATUS(SPRINT_E_HANDLE, pool.acquire(std::nothrow, 0, &conn));
    CHECK_STATUS(SPRINT_OK, make_pool(1, &pool));
    CHECK_STATUS(SPRINT_E_EXHAUSTED, pool.acquire(std::nothrow, 0, &conn));
    CHECK(!conn);
    uint32_t forced = 7;
    CHECK_STATUS(SPRINT_OK, pool.close(std::nothrow, 0, &forced));
    CHECK(forced == 0);
    CHECK_STATUS(SPRINT_E_CLOSED, pool.acquire(std::nothrow, 0, &conn));
}

TEST(a_borrow_is_given_back) {
    sprint::Buffer secret;
    CHECK_STATUS(SPRINT_OK, sprint::Buffer::alloc(std::nothrow, 16, 0, &secret));
    {
        sprint::WriteBorrow writer;
        CHECK_STATUS(SPRINT_OK, secret.open_write(std::nothrow, &writer));
        sprint::ReadBorrow reader;
        CHECK_STATUS(SPRINT_E_STATE, secret.open(std::nothrow, &reader));
    }
    sprint::ReadBorrow reader;
    CHECK_STATUS(SPRINT_OK, secret.open(std::nothrow, &reader));
    CHECK(reader.size() == 16);
}

TEST(a_key_is_used_where_it_lies) {
    sprint::Buffer key, derived, plain;
    CHECK_STATUS(SPRINT_OK, sprint::Buffer::random(std::nothrow, 32, SPRINT_BUFFER_FAST, &key));
    CHECK_STATUS(SPRINT_OK,
                 key.hkdf(std::nothrow, SPRINT_HASH_SHA256, "salt", 4, "info", 4, 32, 0, &derived));
    CHECK_STATUS(SPRINT_OK, key.seal(std::nothrow));
    uint8_t public_key[32], signature[64], sealed[33];
    CHECK_STATUS(SPRINT_OK, key.public_ed25519(std::nothrow, public_key));
    CHECK_STATUS(SPRINT_OK, key.sign_ed25519(std::nothrow, "message", 7, signature));
    size_t n = 0;
    CHECK_STATUS(SPRINT_OK,
                 derived.encrypt(std::nothrow, "to", 2, "plain", 5, sealed, sizeof sealed, &n));
    CHECK(n == sizeof sealed);
    CHECK_STATUS(SPRINT_E_CRYPTO, derived.decrypt(std::nothrow, "from", 4, sealed, n, 0, &plain));
    CHECK(!plain);
    CHECK_STATUS(SPRINT_OK, derived.decrypt(std::nothrow, "to", 2, sealed, n, 0, &plain));
    CHECK_STATUS(SPRINT_E_ARG, plain.pbkdf2(std::nothrow, SPRINT_HASH_SHA256, "sixteen-byte-salt",
                                            17, 99999, 32, 0, &derived));
    CHECK(!derived);
    CHECK_STATUS(SPRINT_E_ARG, key.expire_after(std::nothrow, 0));

    Pool pool;
    Conn conn;
    CHECK_STATUS(SPRINT_OK, make_pool(1, &pool));
    CHECK_STATUS(SPRINT_OK, pool.acquire(std::nothrow, 20000, &conn));
    CHECK_STATUS(SPRINT_OK, conn.write_secret(std::nothrow, plain, 20000));
    CHECK_STATUS(SPRINT_E_HANDLE, conn.write_secret(std::nothrow, derived, 20000));
    CHECK(conn.failed());
}

TEST(the_protection_of_memory_is_asked_for_and_set) {
    CHECK_STATUS(SPRINT_OK, sprint::memory_self_check(std::nothrow));
    char text[1];
    size_t needed = 0;
    CHECK_STATUS(SPRINT_E_RANGE, sprint::memory_status_json(std::nothrow, text, 1, &needed));
    CHECK(needed > 2);
    CHECK_STATUS(SPRINT_E_UNSUPPORTED, sprint::memory_set(std::nothrow, 99, 0));
    CHECK_STATUS(SPRINT_OK, sprint::events_to_fd(std::nothrow, -1));
}
