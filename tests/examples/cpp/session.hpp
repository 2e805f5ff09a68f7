/* The relay's protocol: lines; a login by HMAC over the server's nonce; PING and PONG. */
#ifndef ENGINE_SESSION_HPP
#define ENGINE_SESSION_HPP

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <sprint.hpp>

constexpr int64_t io_timeout_ms = 5000;
constexpr size_t nonce_size = 32; /* also the size of the HMAC-SHA-256 */

/* Reads a key file into guarded memory: the kernel copies it there, and nowhere else. */
inline sprint::Buffer load_key(const std::string &path) {
    struct Descriptor {
        int fd;
        ~Descriptor() {
            if (fd >= 0)
                ::close(fd);
        }
    } file = {::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat info;
    if (file.fd < 0 || ::fstat(file.fd, &info) != 0)
        throw std::system_error(errno, std::generic_category(), path);
    if (!S_ISREG(info.st_mode) || info.st_size < 16 || info.st_size > 4096)
        throw std::runtime_error(path + ": a key is a file of 16 to 4096 bytes");

    sprint::Buffer key = sprint::Buffer::alloc(size_t(info.st_size));
    sprint::WriteBorrow memory = key.open_write();
    size_t filled = 0;
    while (filled < memory.size()) {
        ssize_t n = ::read(file.fd, memory.data() + filled, memory.size() - filled);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            throw std::system_error(errno, std::generic_category(), path);
        if (n == 0)
            throw std::runtime_error(path + ": became shorter while it was read");
        filled += size_t(n);
    }
    memory.close();
    return key;
}

/* One line there, one line back, without its newline. */
inline std::string ask(sprint::Conn &conn, const std::string &line) {
    char answer[256];
    size_t n = conn.request(line.data(), line.size(), answer, sizeof answer, io_timeout_ms);
    size_t got = n;
    while (n > 0 && answer[got - 1] != '\n' && got < sizeof answer) {
        n = conn.read(answer + got, sizeof answer - got, io_timeout_ms);
        got += n;
    }
    if (got == 0 || answer[got - 1] != '\n')
        throw std::runtime_error("the server ended the connection in the middle of an answer");
    return std::string(answer, got - 1);
}

inline void unhex(const std::string &hex, unsigned char *out) {
    for (size_t i = 0; i < hex.size() / 2; i++)
        out[i] = static_cast<unsigned char>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
}

inline std::string hex(const unsigned char *bytes, size_t n) {
    static const char digits[] = "0123456789abcdef";
    std::string out;
    for (size_t i = 0; i < n; i++) {
        out += digits[bytes[i] >> 4];
        out += digits[bytes[i] & 15];
    }
    return out;
}

/* Proves knowledge of the key, which does not leave its buffer. */
inline void log_in(sprint::Conn &conn, const sprint::Buffer &key) {
    static const std::string prefix = "NONCE ";
    unsigned char nonce[nonce_size], mac[nonce_size];

    std::string answer = ask(conn, "NONCE\n");
    if (answer.size() != prefix.size() + 2 * nonce_size || answer.compare(0, 6, prefix) != 0)
        throw std::runtime_error("not a nonce: " + answer);
    unhex(answer.substr(prefix.size()), nonce);
    key.hmac(SPRINT_HASH_SHA256, nonce, sizeof nonce, mac, sizeof mac);
    answer = ask(conn, "LOGIN " + hex(mac, sizeof mac) + "\n");
    if (answer != "OK")
        throw std::runtime_error("login refused: " + answer);
}

inline void ping(sprint::Conn &conn) {
    static const std::string line = "PING\n";
    std::string answer = ask(conn, line);
    if (answer != "PONG")
        throw std::runtime_error("not a PONG: " + answer);
}

#endif
