/* The servers of the behaviour suite: each can be asked, stopped, and made to end
 * connections. */
#ifndef PEERS_HPP
#define PEERS_HPP

#include <csignal>
#include <utility>

#include <sys/stat.h>

#include "fixture.hpp"
#include "wait.hpp"

/* A deadline that is to pass. */
constexpr int64_t briefly = 300;

/* A server with a login. */
class Peer {
  public:
    virtual ~Peer() = default;
    virtual std::string address() const = 0;
    virtual pid_t pid() const = 0;
    /* What a login needs. */
    virtual sprint::Buffer secret() const = 0;
    /* Logs in without a copy of the secret; the server's answer. */
    virtual std::string log_in(Conn &conn, const sprint::Buffer &secret) const = 0;
    /* The answer to a login that is right, and the beginning of one that is not. */
    virtual std::string accepted() const = 0;
    virtual std::string refused() const = 0;
    /* A request and the only answer to it. */
    virtual std::pair<std::string, std::string> question(int number) const = 0;
    /* Ends every connection, from the server's side. */
    virtual void end_connections() const = 0;

    /* A pool to these endpoints, this server if there are none. Both trust one authority. */
    Pool pool(int64_t connections = 4, std::string endpoints = std::string()) const {
        if (endpoints.empty())
            endpoints = address();
        sprint::Config config(endpoints.c_str());
        config.set_str(SPRINT_OPT_CA_FILE, relay().ca_file().c_str())
            .set_int(SPRINT_OPT_MAX_CONNECTIONS, connections)
            .set_int(SPRINT_OPT_MAX_LATENCY_MS, 0) /* however slow the machine is */
            /* No acquire ends in time unless by the limit that it was given. */
            .set_int(SPRINT_OPT_ACQUIRE_TIMEOUT_MS, patience * 3);
        return Pool(config);
    }
    void ask(Conn &conn, int number) const {
        const std::pair<std::string, std::string> pair = question(number);
        conn.write(pair.first.data(), pair.first.size(), patience);
        std::string answer(pair.second.size(), '\0');
        conn.read_exact(&answer[0], answer.size(), patience);
        CHECK(answer == pair.second);
    }
    /* A lease that is logged in. */
    Conn lease(const Pool &pool) const {
        Conn conn = pool.acquire(patience);
        if (conn.uses() == 0)
            CHECK(log_in(conn, secret()) == accepted());
        return conn;
    }
};

inline std::string request(Conn &conn, const std::string &data) {
    std::string answer(256, '\0');
    answer.resize(conn.request(data.data(), data.size(), &answer[0], answer.size(), patience));
    return answer;
}

inline std::string hex(const unsigned char *bytes, size_t len) {
    static const char digits[] = "0123456789abcdef";
    std::string text;
    for (size_t i = 0; i < len; i++) {
        text += digits[bytes[i] >> 4];
        text += digits[bytes[i] & 15];
    }
    return text;
}

class RelayPeer : public Peer {
  public:
    std::string address() const override {
        return relay().endpoint();
    }
    pid_t pid() const override {
        return relay().pid();
    }
    sprint::Buffer secret() const override {
        sprint::Buffer key = sprint::Buffer::alloc(32);
        std::FILE *file = std::fopen(relay().file("login.key").c_str(), "rb");
        CHECK(file != nullptr);
        if (file != nullptr) {
            std::setvbuf(file, nullptr, _IONBF, 0); /* no copy in a buffer of the C library */
            CHECK(std::fread(key.open_write().data(), 1, 32, file) == 32);
            std::fclose(file);
        }
        return key;
    }
    std::string log_in(Conn &conn, const sprint::Buffer &secret) const override {
        const std::string answer = request(conn, "NONCE\n");
        unsigned char nonce[32] = {}, mac[32] = {};
        CHECK(answer.size() == 71 && answer.compare(0, 6, "NONCE ") == 0);
        for (size_t i = 0; i < sizeof nonce && 8 + 2 * i <= answer.size(); i++)
            nonce[i] =
                static_cast<unsigned char>(std::stoi(answer.substr(6 + 2 * i, 2), nullptr, 16));
        CHECK(secret.hmac(SPRINT_HASH_SHA256, nonce, sizeof nonce, mac, sizeof mac) == sizeof mac);
        return request(conn, "LOGIN " + hex(mac, sizeof mac) + "\n");
    }
    std::string accepted() const override {
        return "OK\n";
    }
    std::string refused() const override {
        return "ERR bad mac";
    }
    std::pair<std::string, std::string> question(int number) const override {
        const std::string line = " " + std::to_string(number) + "\n";
        return {"PING" + line, "PONG" + line};
    }
    void end_connections() const override {
        relay().set("drop_idle=1");
    }
};

/* Redis over TLS, with a password and the certificate files of the relay. */
class RedisPeer : public Peer {
  public:
    RedisPeer() : dir_(relay().file("redis-XXXXXX")) {
        if (mkdtemp(&dir_[0]) == nullptr)
            die(dir_.c_str());
        port_ = port_of_ones_own();
        unsigned char random[16];
        sprint::Buffer::random(sizeof random).read(0, random, sizeof random);
        password_ = hex(random, sizeof random);
        configure();
        start();
    }
    ~RedisPeer() override {
        stop();
    }
    RedisPeer(const RedisPeer &) = delete;
    RedisPeer &operator=(const RedisPeer &) = delete;

    /* At the same port as ever. Returns when it listens. */
    void start() {
        std::string config = dir_ + "/redis.conf";
        char name[] = "redis-server";
        char *arguments[] = {name, &config[0], nullptr};
        errno = posix_spawnp(&pid_, name, nullptr, nullptr, arguments, environ);
        if (errno != 0)
            die(name);
        wait_until([this] {
            const int fd = open_socket();
            const sockaddr_in to = loopback(port_);
            const bool listens =
                connect(fd, reinterpret_cast<const sockaddr *>(&to), sizeof to) == 0;
            close(fd);
            return listens;
        });
    }
    void stop() {
        if (pid_ > 0) {
            kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
        }
        pid_ = 0;
    }

    std::string address() const override {
        return "127.0.0.1:" + std::to_string(port_);
    }
    pid_t pid() const override {
        return pid_;
    }
    sprint::Buffer secret() const override {
        std::string copy = password_;
        return sprint::Buffer::from(&copy[0], copy.size());
    }
    std::string log_in(Conn &conn, const sprint::Buffer &secret) const override {
        const std::string before = "*2\r\n$4\r\nAUTH\r\n$" + std::to_string(secret.size()) + "\r\n";
        conn.write(before.data(), before.size(), patience);
        conn.write_secret(secret, patience);
        return request(conn, "\r\n");
    }
    std::string accepted() const override {
        return "+OK\r\n";
    }
    std::string refused() const override {
        return "-WRONGPASS";
    }
    std::pair<std::string, std::string> question(int number) const override {
        const std::string word = std::to_string(number);
        return {command({"ECHO", word}), bulk(word)};
    }
    void end_connections() const override {
        const Pool other = pool(1);
        Conn conn = lease(other);
        static_cast<void>(request(conn, command({"CLIENT", "KILL", "TYPE", "normal"})));
    }

  private:
    static void die(const char *what) {
        std::perror(what);
        std::abort();
    }
    static int open_socket() {
        return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    }
    static sockaddr_in loopback(int port) {
        sockaddr_in at = sockaddr_in();
        at.sin_family = AF_INET;
        at.sin_port = htons(static_cast<uint16_t>(port));
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return at;
    }
    /* Below the ports that a system gives by chance, to another between a stop and a start: by
       default those from 32768 on, see net.ipv4.ip_local_port_range. From 24000 on Python takes
       some (tests/servers/server.py), from 28000 on Rust. */
    static int port_of_ones_own() {
        static int next = 20000 + getpid() % 80 * 50;
        for (const int end = next + 50; next < end;) {
            const int probe = open_socket();
            const sockaddr_in at = loopback(next++);
            const bool free = bind(probe, reinterpret_cast<const sockaddr *>(&at), sizeof at) == 0;
            close(probe);
            if (free)
                return next - 1;
        }
        die("a port for Redis");
        return 0;
    }
    static std::string bulk(const std::string &word) {
        return "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    }
    static std::string command(std::initializer_list<std::string> words) {
        std::string text = "*" + std::to_string(words.size()) + "\r\n";
        for (const std::string &word : words)
            text += bulk(word);
        return text;
    }
    /* The password belongs into a file that others cannot read, not into arguments. */
    void configure() const {
        const std::string path = dir_ + "/redis.conf";
        std::ofstream config(path);
        chmod(path.c_str(), S_IRUSR | S_IWUSR);
        config << "port 0\nbind 127.0.0.1\nsave \"\"\ntls-auth-clients no\n"
               << "tls-port " << port_ << "\nrequirepass " << password_ << "\n"
               << "dir " << dir_ << "\nlogfile " << dir_ << "/redis.log\n"
               << "tls-ca-cert-file " << relay().ca_file() << "\n"
               << "tls-cert-file " << relay().file("server.pem") << "\n"
               << "tls-key-file " << relay().file("server-key.pem") << "\n";
    }

    std::string dir_, password_;
    int port_ = 0;
    pid_t pid_ = 0;
};

#endif
