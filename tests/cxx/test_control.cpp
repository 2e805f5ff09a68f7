/* sprint::Pool while it runs: the cleanup task, resize, pause, rotate, evict, begin anew. */
#include "fixture.hpp"
#include "wait.hpp"

TEST(the_cleanup_task_keeps_min_idle_and_starts_and_stops_as_often_as_one_likes) {
    sprint::Config config = make_config(4);
    config.set_int(SPRINT_OPT_MIN_IDLE, 2);
    Pool pool(config);
    pool.stop_cleanup();
    pool.start_cleanup();
    pool.start_cleanup();
    wait_until([&] { return pool.stats().idle == 2; });
    pool.stop_cleanup();
    pool.stop_cleanup();
}

TEST(a_resize_changes_the_bound_and_a_wrong_one_is_named) {
    Pool pool = make_pool(3);
    pool.warm_up(3, patience);
    pool.resize(1, 1);
    CHECK(pool.stats().max_connections == 1);
    wait_until([&] { return pool.stats().idle == 1; });
    CHECK_THROWS(SPRINT_E_ARG, "max_connections", pool.resize(0, 0));
}

TEST(a_paused_pool_lends_nothing_until_it_is_resumed) {
    Pool pool = make_pool(1);
    pool.warm_up(1, patience);
    pool.pause();
    CHECK_THROWS(SPRINT_E_TIMEOUT, "", pool.acquire(20));
    pool.resume();
    CHECK(pool.acquire(patience).id() == 1);
}

TEST(rotate_evict_and_begin_anew_each_replace_what_is_idle) {
    Pool pool = make_pool(1);
    uint64_t last = pool.acquire(patience).id();
    pool.rotate();
    uint64_t next = pool.acquire(patience).id();
    CHECK(next > last);
    pool.evict_endpoint(relay().endpoint());
    last = pool.acquire(patience).id();
    CHECK(last > next);
    CHECK_THROWS(SPRINT_E_ARG, "other.test:1", pool.evict_endpoint("other.test:1"));
    pool.begin_anew();
    CHECK(pool.acquire(patience).id() > last);
}

TEST(begin_anew_closes_a_breaker_at_once) {
    Pool pool = make_pool(1);
    {
        Switch on("cert=expired");
        CHECK_THROWS(SPRINT_E_CERT, "", pool.acquire(patience));
    }
    CHECK(pool.stats().breaker_state == SPRINT_BREAKER_OPEN);
    pool.begin_anew();
    CHECK(pool.acquire(patience).uses() == 0);
}

TEST(a_connection_tells_what_its_handshake_agreed_on) {
    Pool pool = make_pool(1);
    Conn conn = pool.acquire(patience);
    std::string info = conn.info_json();
    CHECK(info.find("\"tls_version\":\"TLS 1.3\"") != std::string::npos);
    CHECK(info.find("\"cipher_suite\":\"TLS_") != std::string::npos);
    CHECK(info.find("\"peer_certificate_expires\":") != std::string::npos);
    conn.release();
    CHECK_THROWS(SPRINT_E_HANDLE, "", conn.info_json());
}

TEST(a_closed_pool_takes_no_orders) {
    Pool pool = make_pool(1);
    pool.close(0);
    CHECK_THROWS(SPRINT_E_CLOSED, "", pool.start_cleanup());
    CHECK_THROWS(SPRINT_E_CLOSED, "", pool.rotate());
    CHECK_STATUS(SPRINT_E_CLOSED, pool.pause(std::nothrow));
    CHECK_STATUS(SPRINT_E_HANDLE, Pool().resume(std::nothrow));
}

TEST(a_client_key_in_a_buffer_signs_and_must_be_the_certificates) {
    Switch on("client_auth=1");
    std::string text = read_file(relay().file("client-key.pem"));
    std::string other = read_file(relay().file("client-ecdsa-key.pem"));
    sprint::Config config = make_config(1);
    config.set_str(SPRINT_OPT_CERT_FILE, relay().file("client.pem").c_str());
    config.set_buffer(SPRINT_OPT_KEY, sprint::Buffer::from(&other[0], other.size()));
    CHECK_THROWS(SPRINT_E_CERT, "not its private key", Pool(config));
    config.set_buffer(SPRINT_OPT_KEY, sprint::Buffer::from(&text[0], text.size()));
    Pool pool(config);
    Conn conn = pool.acquire(patience);
    char answer[4];
    conn.write("ECHO\nhere", 9, patience);
    conn.read_exact(answer, sizeof answer, patience);
    CHECK(std::memcmp(answer, "here", sizeof answer) == 0);
    conn.discard();
}
