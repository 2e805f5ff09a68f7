/* sprint::Config and sprint::Pool. */
#include "fixture.hpp"

TEST(warm_up_opens_what_was_asked_for) {
    Pool pool = make_pool(3);
    CHECK(pool.stats().idle == 0);
    pool.warm_up(3, patience);
    sprint_pool_stats stats = pool.stats();
    CHECK(stats.struct_size == sizeof stats);
    CHECK(stats.idle == 3 && stats.dials == 3 && stats.max_connections == 3);
}

TEST(at_the_bound_acquire_waits_as_long_as_it_may) {
    Pool pool = make_pool(1);
    Conn only = pool.acquire(patience);
    CHECK_THROWS(SPRINT_E_TIMEOUT, "", pool.acquire(20));
    Conn none;
    CHECK_STATUS(SPRINT_E_EXHAUSTED, pool.acquire(std::nothrow, 0, &none));
    CHECK(!none);
    only.release();
    CHECK_STATUS(SPRINT_OK, pool.acquire(std::nothrow, 0, &none));
}

TEST(an_untrusted_certificate_is_a_cert_error_that_names_the_endpoint) {
    sprint::Config config(relay().endpoint()); /* the system's roots */
    Pool pool(config);
    try {
        Conn never = pool.acquire(patience);
        CHECK(false);
    } catch (const sprint::error &thrown) {
        CHECK(thrown.code() == SPRINT_E_CERT);
        CHECK(std::strstr(thrown.what(), relay().endpoint()) != nullptr);
    }
}

TEST(each_wrong_certificate_is_a_cert_error) {
    for (const char *certificate : {"cert=expired", "cert=wrongname", "cert=untrusted"}) {
        Switch on(certificate);
        Pool pool = make_pool(1);
        CHECK_THROWS(SPRINT_E_CERT, "", pool.acquire(patience));
    }
    Pool pool = make_pool(1);
    CHECK(pool.acquire(patience).id() == 1);
}

TEST(a_refused_connection_opens_the_breaker) {
    Switch on("refuse=1");
    Pool pool = make_pool(1);
    CHECK_THROWS(SPRINT_E_BREAKER_OPEN, "", pool.acquire(patience));
}

TEST(a_stalled_handshake_is_a_timeout) {
    Switch on("stall_handshake=1");
    Pool pool = make_pool(1);
    CHECK_THROWS(SPRINT_E_TIMEOUT, "", pool.acquire(100));
}

TEST(wrong_settings_are_named) {
    CHECK_THROWS(SPRINT_E_ARG, "no-port", sprint::Config("no-port"));
    sprint::Config config("127.0.0.1:1");
    CHECK_THROWS(SPRINT_E_UNSUPPORTED, "12345", config.set_int(12345, 1));
    CHECK_THROWS(SPRINT_E_ARG, "", config.set_str(SPRINT_OPT_MAX_CONNECTIONS, "4"));
    config.set_int(SPRINT_OPT_MAX_CONNECTIONS, 2).set_int(SPRINT_OPT_MIN_IDLE, 3);
    CHECK_THROWS(SPRINT_E_ARG, "min_idle", Pool(config));
}

TEST(roots_may_be_given_as_bytes) {
    std::string pem = read_file(relay().ca_file());
    sprint::Config config(relay().endpoint());
    config.set_bytes(SPRINT_OPT_CA_PEM, pem.data(), pem.size());
    CHECK(Pool(config).acquire(patience).uses() == 0);
}

TEST(a_secret_option_outlives_its_buffer_and_config) {
    Pool pool;
    {
        sprint::Config config = make_config(1);
        sprint::Buffer token = sprint::Buffer::random(32);
        CHECK_THROWS(SPRINT_E_ARG, "", config.set_buffer(SPRINT_OPT_MAX_CONNECTIONS, token));
        config.set_buffer(SPRINT_OPT_METRICS_AUTH_TOKEN, token);
        pool = Pool(config);
    }
    CHECK(pool.acquire(patience).id() == 1);
}

TEST(a_pool_does_not_need_its_config_any_more) {
    Pool pool;
    {
        sprint::Config config = make_config(1);
        pool = Pool(config);
    }
    CHECK(pool.acquire(patience).id() == 1);
}

TEST(the_status_is_whole_however_long_it_is) {
    Pool pool = make_pool(12);
    pool.warm_up(12, patience);
    std::string text = pool.status_json();
    CHECK(text.size() > 1024 && text.front() == '{' && text.back() == '}');
    CHECK(text.find("\"active_connections\":12") != std::string::npos);
    CHECK(text.find('\0') == std::string::npos);
}

TEST(metrics_tell_their_port_and_stop) {
    sprint::Config config = make_config(1);
    config.set_int(SPRINT_OPT_METRICS_PORT, 0);
    Pool pool(config);
    uint16_t port = pool.start_metrics();
    CHECK(port != 0 && pool.start_metrics() == port);
    pool.stop_metrics();
    pool.stop_metrics();
}

TEST(pools_with_names_share_a_metrics_port) {
    sprint::Config config = make_config(1);
    config.set_int(SPRINT_OPT_METRICS_PORT, 0).set_str(SPRINT_OPT_NAME, "orders");
    Pool first(config);
    uint16_t port = first.start_metrics();
    config.set_int(SPRINT_OPT_METRICS_PORT, port);
    Pool same(config);
    CHECK_THROWS(SPRINT_E_ARG, "orders", same.start_metrics());
    config.set_str(SPRINT_OPT_NAME, "prices");
    Pool second(config);
    CHECK(second.start_metrics() == port);
    CHECK(second.status_json().find("\"name\":\"prices\"") != std::string::npos);
}

TEST(metrics_over_https_need_a_certificate_and_its_key) {
    sprint::Config config = make_config(1);
    config.set_int(SPRINT_OPT_METRICS_PORT, 0)
        .set_str(SPRINT_OPT_METRICS_TLS_CERT_FILE, relay().file("server.pem").c_str());
    CHECK_THROWS(SPRINT_E_ARG, "metrics_tls_key_file", Pool(config));
    config.set_str(SPRINT_OPT_METRICS_TLS_KEY_FILE, relay().file("server-key.pem").c_str());
    Pool pool(config);
    std::string address = "127.0.0.1:" + std::to_string(pool.start_metrics());

    /* A pool is a client of TLS, too: this one talks to the metrics port. */
    sprint::Config trusting(address.c_str());
    trusting.set_str(SPRINT_OPT_CA_FILE, relay().ca_file().c_str());
    Pool client(trusting);
    Conn conn = client.acquire(patience);
    const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    conn.write(request, sizeof request - 1, patience);
    char answer[13] = "";
    conn.read_exact(answer, 12, patience);
    CHECK(std::strcmp(answer, "HTTP/1.1 200") == 0);
}

TEST(close_says_how_many_leases_it_cut_off) {
    Pool pool = make_pool(2);
    Conn conn = pool.acquire(patience);
    CHECK(pool.close(0) == 1);
    CHECK_THROWS(SPRINT_E_CLOSED, "", pool.acquire(1000));
    CHECK_THROWS(SPRINT_E_CLOSED, "", conn.write("x", 1, 1000));
    CHECK(pool.close(0) == 0);
}

TEST(log_lines_go_to_the_descriptor) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    sprint::log_to_fd(ends[1], SPRINT_LOG_DEBUG);
    make_pool(1).warm_up(1, patience);
    sprint::log_to_fd(-1, 0);
    close(ends[1]);
    char first = 0;
    CHECK(read(ends[0], &first, 1) == 1 && first == '{');
    close(ends[0]);
}
