/* What every binding must do: the rules of tests/behaviour.txt, but those for event loops. */
#include <set>
#include <sstream>

#include "peers.hpp"

static const Peer &the_relay() {
    static const RelayPeer one;
    return one;
}
static const Peer &the_redis() {
    static const RedisPeer one;
    return one;
}

/* A rule that holds against both servers, and one that ends and starts a Redis of its own. */
#define RULE(rule)                                                                                 \
    static void rule(const Peer &peer);                                                            \
    static const bool rule##_added = check::add(#rule "[relay]", [] { rule(the_relay()); }) &&     \
                                     check::add(#rule "[redis]", [] { rule(the_redis()); });       \
    static void rule(const Peer &peer)
#define OUTAGE(rule)                                                                               \
    static void rule(RedisPeer &redis);                                                            \
    static const bool rule##_added = check::add(#rule "[outage]", [] {                             \
        RedisPeer redis;                                                                           \
        rule(redis);                                                                               \
    });                                                                                            \
    static void rule(RedisPeer &redis)

/* Whether these milliseconds are those of a deadline that passed. */
static bool was_brief(std::chrono::steady_clock::time_point began) {
    const std::chrono::milliseconds took(std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - began));
    return took.count() >= briefly - 1 && took.count() < patience / 2;
}
static std::chrono::steady_clock::time_point now() {
    return std::chrono::steady_clock::now();
}

/* The error of work that fails. */
template <class Work> static sprint::error error_of(Work work) {
    try {
        work();
    } catch (const sprint::error &thrown) {
        return thrown;
    }
    return sprint::error(SPRINT_OK, "did not fail");
}

TEST(the_rules_are_those_of_the_list) {
    std::set<std::string> listed, here;
    const char *path = std::getenv("BEHAVIOUR");
    std::istringstream lines(read_file(path != nullptr ? path : "tests/behaviour.txt"));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string rule, word;
        words >> rule;
        if (rule.empty() || rule[0] == '#' || rule.compare(0, 6, "async_") == 0)
            continue;
        for (int i = 0; i < 2 && words >> word; i++)
            if (word == "relay" || word == "redis" || word == "outage")
                listed.insert(rule + "[" + word + "]");
    }
    for (const check::Test &test : check::tests())
        if (std::strchr(test.name, '[') != nullptr)
            here.insert(test.name);
    CHECK(!listed.empty() && listed == here);
}

/* Named as in the list, where ::connect() and ::fork() are others. */
namespace rules {

RULE(connect) {
    const Pool pool = peer.pool();
    CHECK(pool.stats().dials == 0);
    Conn conn = peer.lease(pool);
    CHECK(conn.id() == 1 && conn.uses() == 0);
    CHECK(conn.info_json().find("\"tls_version\":\"TLS 1.3\"") != std::string::npos);
    peer.ask(conn, 1);
}

RULE(login) {
    const Pool pool = peer.pool();
    const sprint::Buffer secret = peer.secret();
    Conn conn = pool.acquire(patience);
    CHECK(peer.log_in(conn, secret) == peer.accepted());
    peer.ask(conn, 1);
    conn.release();
    conn = pool.acquire(patience);
    CHECK(conn.id() == 1 && conn.uses() == 1);
    peer.ask(conn, 2);
}

RULE(wrong_secret) {
    const Pool pool = peer.pool();
    Conn conn = pool.acquire(patience);
    const std::string answer = peer.log_in(conn, sprint::Buffer::random(32));
    CHECK(answer.compare(0, peer.refused().size(), peer.refused()) == 0);
    CHECK(peer.log_in(conn, peer.secret()) == peer.accepted());
    peer.ask(conn, 1);
}

RULE(ten_thousand) {
    const Pool pool = peer.pool();
    pool.warm_up(4, patience);
    std::atomic<int> failures(0);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 8; thread++)
        threads.emplace_back([&, thread] {
            try {
                for (int number = 0; number < 1250; number++) {
                    Conn conn = peer.lease(pool);
                    peer.ask(conn, thread * 10000 + number);
                }
            } catch (const sprint::error &) {
                failures++;
            }
        });
    for (std::thread &thread : threads)
        thread.join();
    const sprint_pool_stats stats = pool.stats();
    CHECK(failures == 0);
    CHECK(stats.acquires == 10000 && stats.dials == 4 && stats.idle == 4);
    CHECK(stats.errors + stats.timeouts + stats.discards + stats.reconnects == 0);
}

RULE(acquire_timeout) {
    const Pool pool = peer.pool(1);
    const Conn held = pool.acquire(patience);
    CHECK_THROWS(SPRINT_E_EXHAUSTED, "", pool.acquire(0));
    const auto began = now();
    CHECK_THROWS(SPRINT_E_TIMEOUT, "", pool.acquire(briefly));
    CHECK(was_brief(began));
}

RULE(read_timeout) {
    const Pool pool = peer.pool();
    Conn conn = peer.lease(pool);
    char byte;
    const auto began = now();
    CHECK_THROWS(SPRINT_E_TIMEOUT, "", conn.read(&byte, 1, briefly));
    CHECK(was_brief(began) && pool.stats().timeouts == 1);
    peer.ask(conn, 1);
}

RULE(write_timeout) {
    const Pool pool = peer.pool();
    Conn conn = peer.lease(pool);
    const std::string data(1 << 20, 'x');
    sprint_status status = SPRINT_OK;
    {
        const Stopped until_nothing_more_is_taken(peer.pid());
        while (status == SPRINT_OK)
            status = conn.write(std::nothrow, data.data(), data.size(), briefly);
    }
    CHECK_STATUS(SPRINT_E_TIMEOUT, status);
    CHECK_THROWS(SPRINT_E_STATE, "", conn.write("more", 4, patience));
    conn.release();
    CHECK(pool.stats().discards == 1 && pool.stats().idle == 0);
}

RULE(cancel_read) {
    const Pool pool = peer.pool();
    Conn conn = peer.lease(pool);
    const sprint_conn lease = conn.get();
    std::thread other([lease] {
        char byte;
        size_t n;
        /* A second reader is refused: the first is inside its call. */
        wait_until([&] { return sprint_conn_try_read(lease, &byte, 1, &n) == SPRINT_E_STATE; });
        sprint_conn_discard(lease);
    });
    sprint_status status;
    char byte;
    size_t n;
    do /* once more if the other thread was there first */
        status = conn.read(std::nothrow, &byte, 1, patience, &n);
    while (status == SPRINT_E_STATE);
    CHECK_STATUS(SPRINT_E_CLOSED, status);
    other.join();
    static_cast<void>(conn.detach()); /* its lease has ended */
}

RULE(cancel_acquire) {
    const Pool pool = peer.pool(1);
    const Conn held = pool.acquire(patience);
    std::thread other([&] {
        wait_until([&] { return pool.stats().waiting == 1; });
        pool.close(0);
    });
    CHECK_THROWS(SPRINT_E_CLOSED, "", pool.acquire(patience));
    other.join();
}

RULE(stale) {
    const Pool pool = peer.pool();
    peer.lease(pool).release();
    Conn conn = peer.lease(pool);
    CHECK(conn.uses() == 1);
    peer.end_connections();
    const sprint::error error = error_of([&] { peer.ask(conn, 1); });
    CHECK_STATUS(SPRINT_E_STALE, error.code());
    CHECK(std::strstr(error.what(), peer.address().c_str()) != nullptr);
    conn.release();
    conn = peer.lease(pool);
    CHECK(conn.id() == 2 && conn.uses() == 0);
    peer.ask(conn, 2);
}

RULE(dead_idle) {
    const Pool pool = peer.pool();
    peer.lease(pool).release();
    peer.end_connections();
    wait_until([&] { return peer.lease(pool).id() == 2; });
    CHECK(pool.stats().reconnects == 1);
}

RULE(dirty) {
    const Pool pool = peer.pool();
    Conn conn = peer.lease(pool);
    const auto question = peer.question(1);
    conn.write(question.first.data(), question.first.size(), patience);
    std::string most(question.second.size() - 1, '\0');
    conn.read_exact(&most[0], most.size(), patience);
    CHECK(!conn.failed()); /* it is the library that sees what is left */
    conn.release();
    CHECK(pool.stats().discards == 1 && pool.stats().idle == 0);
}

RULE(close_waits) {
    const Pool pool = peer.pool();
    Conn conn = pool.acquire(patience);
    std::thread other([&] {
        wait_until([&] {
            Conn none;
            return pool.acquire(std::nothrow, 0, &none) == SPRINT_E_CLOSED;
        });
        conn.release();
    });
    CHECK(pool.close(patience) == 0);
    other.join();
}

RULE(close_cuts_off) {
    const Pool pool = peer.pool();
    Conn conn = peer.lease(pool);
    char byte;
    CHECK(pool.close(100) == 1);
    CHECK_THROWS(SPRINT_E_CLOSED, "", conn.read(&byte, 1, patience));
}

RULE(closed) {
    Pool pool = peer.pool();
    peer.lease(pool).release();
    CHECK(pool.close(0) == 0);
    CHECK_THROWS(SPRINT_E_CLOSED, "", pool.acquire(patience));
    CHECK(pool.stats().acquires == 1);
    const sprint_pool freed = pool.get();
    pool.reset();
    sprint_pool_stats stats = sprint_pool_stats();
    stats.struct_size = sizeof stats;
    CHECK_STATUS(SPRINT_E_HANDLE, sprint_pool_stats_get(freed, &stats));
}

RULE(fork) {
    const Pool pool = peer.pool();
    Conn conn = peer.lease(pool);
    sprint::Buffer secret = peer.secret();
    const pid_t child = ::fork();
    if (child == 0) {
        alarm(patience / 1000); /* the end of a call that hangs */
        Conn none;
        sprint::Config config;
        sprint_pool_stats stats;
        char byte = 'x';
        size_t n;
        const sprint_status refused[] = {
            pool.acquire(std::nothrow, patience, &none),
            pool.stats(std::nothrow, &stats),
            conn.read(std::nothrow, &byte, 1, patience, &n),
            conn.write(std::nothrow, &byte, 1, patience),
            secret.read(std::nothrow, 0, &byte, 1),
            sprint::Config::create(std::nothrow, "localhost:1", &config),
        };
        for (const sprint_status status : refused)
            if (status != SPRINT_E_FORKED)
                _exit(1);
        _exit(0);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    peer.ask(conn, 1);
}

static int number_behind(const std::string &key, const std::string &text) {
    const size_t at = text.find(key);
    return at == std::string::npos ? -1 : std::atoi(text.c_str() + at + key.size());
}

OUTAGE(refused) {
    redis.stop();
    const Pool pool = redis.pool();
    for (int i = 0; i < 2; i++)
        CHECK_THROWS(SPRINT_E_BREAKER_OPEN, "refused", pool.acquire(patience));
    /* Five opened the breaker, and each probe that fails opens it again; the second was refused
     * without a dial. */
    const std::string status = pool.status_json();
    CHECK(number_behind("\"total_dial_errors\":", status) ==
          4 + number_behind("\"circuit_breaker_trips\":", status));
    CHECK(pool.stats().healthy == 0);
}

OUTAGE(silent) {
    const Stopped for_now(redis.pid());
    const Pool pool = redis.pool();
    const auto began = now();
    CHECK_THROWS(SPRINT_E_TIMEOUT, "", pool.acquire(briefly));
    CHECK(was_brief(began));
}

OUTAGE(lost) {
    const Pool pool = redis.pool();
    Conn conn = redis.lease(pool);
    redis.stop();
    char byte;
    const sprint_status code =
        error_of([&] { static_cast<void>(conn.read(&byte, 1, patience)); }).code();
    CHECK(code == SPRINT_E_EOF || code == SPRINT_E_IO || code == SPRINT_E_STALE);
}

OUTAGE(recovery) {
    const Pool pool = redis.pool();
    {
        Conn conn = redis.lease(pool);
        redis.ask(conn, 1);
    }
    redis.stop();
    CHECK_THROWS(SPRINT_E_BREAKER_OPEN, "", pool.acquire(patience));
    redis.start();
    wait_until([&] {
        const sprint::error error = error_of([&] {
            Conn conn = redis.lease(pool);
            redis.ask(conn, 2);
        });
        CHECK(error.code() == SPRINT_OK || error.code() == SPRINT_E_BREAKER_OPEN);
        return error.code() == SPRINT_OK;
    });
    CHECK(pool.stats().reconnects == 1 && pool.stats().healthy == 1);
}

OUTAGE(failover) {
    redis.stop();
    const Peer &second = the_relay();
    const Pool pool = redis.pool(4, redis.address() + "," + second.address());
    Conn conn = second.lease(pool);
    CHECK(conn.info_json().find("\"" + second.address() + "\"") != std::string::npos);
    second.ask(conn, 1);
}

} // namespace rules
