/* One relay for the program, and pools that talk to it. */
#ifndef FIXTURE_HPP
#define FIXTURE_HPP

#include <fstream>
#include <iterator>

#include "check.hpp"
#include "relay.hpp"

using sprint::Conn;
using sprint::Pool;

/* Longer than anything here takes, in milliseconds; short enough to fail a test that hangs. */
constexpr int64_t patience = 20000;

inline Relay &relay() {
    static Relay one;
    return one;
}

/* A misbehaviour that ends with its scope. */
struct Switch {
    explicit Switch(const char *pair) {
        relay().set(pair);
    }
    ~Switch() {
        relay().reset();
    }
};

inline std::string read_file(const std::string &path) {
    std::ifstream in(path);
    return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

inline sprint::Config make_config(int64_t connections) {
    sprint::Config config(relay().endpoint());
    config.set_str(SPRINT_OPT_CA_FILE, relay().ca_file().c_str())
        .set_int(SPRINT_OPT_MAX_CONNECTIONS, connections);
    return config;
}

inline Pool make_pool(int64_t connections) {
    return Pool(make_config(connections));
}

/* A fresh connection and the pool that it is from. */
struct Lease {
    Pool pool = make_pool(1);
    Conn conn = pool.acquire(patience);
};

/* A lease whose server repeats what it is sent. */
inline void start_echo(Conn &conn) {
    conn.write("ECHO\n", 5, patience);
}

#endif
