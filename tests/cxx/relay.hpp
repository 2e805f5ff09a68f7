/* The test relay as a child process. What fails here ends the test program. */
#ifndef RELAY_HPP
#define RELAY_HPP

#include <arpa/inet.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <spawn.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

class Relay {
  public:
    Relay() {
        char pattern[] = "/tmp/sprint-cxx-XXXXXX";
        if (mkdtemp(pattern) == nullptr)
            die("mkdtemp");
        dir_ = pattern;
        const char *binary = std::getenv("RELAY");
        start(binary != nullptr ? binary : "build/relay");
    }
    ~Relay() {
        kill(pid_, SIGTERM);
        waitpid(pid_, nullptr, 0);
        std::string remove = "rm -rf " + dir_;
        if (std::system(remove.c_str()) != 0)
            die(remove.c_str());
    }
    Relay(const Relay &) = delete;
    Relay &operator=(const Relay &) = delete;

    const char *endpoint() const {
        return address_;
    }
    pid_t pid() const {
        return pid_;
    }
    std::string file(const char *name) const {
        return dir_ + "/" + name;
    }
    std::string ca_file() const {
        return file("ca.pem");
    }

    /* Turns a switch: set("delay_ms=100"). */
    void set(const char *pair) {
        post(std::string("/set?") + pair);
    }
    void reset() {
        post("/reset");
    }

  private:
    static void die(const char *what) {
        std::perror(what);
        std::abort();
    }

    void start(const char *binary) {
        int out[2];
        if (pipe(out) != 0)
            die("pipe");
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
        posix_spawn_file_actions_addclose(&actions, out[0]);
        char *arguments[] = {const_cast<char *>(binary), const_cast<char *>("-dir"), &dir_[0],
                             nullptr};
        errno = posix_spawn(&pid_, binary, &actions, nullptr, arguments, environ);
        if (errno != 0)
            die(binary);
        posix_spawn_file_actions_destroy(&actions);
        close(out[1]);
        FILE *ready = fdopen(out[0], "r");
        if (ready == nullptr ||
            std::fscanf(ready, "relay ready %63s %63s", address_, control_) != 2)
            die("the relay did not become ready");
        std::fclose(ready);
    }

    void post(const std::string &path) {
        const char *colon = std::strrchr(control_, ':');
        sockaddr_in to = sockaddr_in();
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<uint16_t>(std::atoi(colon + 1)));
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        std::string request =
            "POST " + path + " HTTP/1.0\r\nHost: relay\r\nContent-Length: 0\r\n\r\n";
        char answer[64] = "";
        if (connect(fd, reinterpret_cast<sockaddr *>(&to), sizeof to) != 0 ||
            write(fd, request.data(), request.size()) != static_cast<ssize_t>(request.size()) ||
            read(fd, answer, sizeof answer - 1) <= 0 || std::strstr(answer, " 200 ") == nullptr)
            die(path.c_str());
        close(fd);
    }

    std::string dir_;
    char address_[64];
    char control_[64];
    pid_t pid_;
};

/* While it lives a child takes connections, and nothing moves on them. */
class Stopped {
  public:
    explicit Stopped(pid_t child) : child_(child) {
        int status = 0;
        kill(child_, SIGSTOP);
        /* The signal has its effect when this returns, and not before. */
        if (waitpid(child_, &status, WUNTRACED) != child_ || !WIFSTOPPED(status)) {
            std::fprintf(stderr, "the server is not stopped but %#x\n", status);
            std::abort();
        }
    }
    ~Stopped() {
        kill(child_, SIGCONT);
    }
    Stopped(const Stopped &) = delete;
    Stopped &operator=(const Stopped &) = delete;

  private:
    pid_t child_;
};

#endif
