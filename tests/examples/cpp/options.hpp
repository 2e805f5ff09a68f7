/* What the engine is told on its command line. */
#ifndef ENGINE_OPTIONS_HPP
#define ENGINE_OPTIONS_HPP

#include <getopt.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

struct Options {
    std::string library; /* empty: where the loader finds libsprint.so.1 */
    std::string endpoint;
    std::string ca_file;
    std::string server_name;
    std::string key_file;
    uint32_t connections = 4;
    uint16_t metrics_port = 0;
    int seconds = 5;
    int linger = 0;
    bool wait_stdin = false;
    bool lively = false;
    bool plain = false;
};

static const char usage[] =
    "usage: engine --endpoint HOST:PORT [--key-file FILE | --plain] [option...]\n"
    "  --library FILE      libsprint; else $SPRINT_LIBRARY, else the loader's libsprint.so.1\n"
    "  --endpoint LIST     host:port[,host:port...]\n"
    "  --ca-file FILE      PEM roots, instead of the system's\n"
    "  --server-name NAME  name to verify, instead of the endpoint's host\n"
    "  --key-file FILE     raw bytes of the login key\n"
    "  --plain             any TLS server: no login, no PING, only dials and leases\n"
    "  --connections N     size of the pool, 1..1000; 4\n"
    "  --metrics-port N    0: any free one; 0\n"
    "  --seconds N         how long to run, 1..120; 5\n"
    "  --linger N          serve the metrics N seconds longer\n"
    "  --wait-stdin        serve the metrics until standard input ends\n"
    "  --lively            go on asking meanwhile, at leisure\n";

inline long whole_number(const char *option, const char *text, long least, long most) {
    char *end = nullptr;
    errno = 0;
    long value = std::strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < least || value > most)
        throw std::invalid_argument(std::string(option) + ": \"" + text + "\" is not in " +
                                    std::to_string(least) + ".." + std::to_string(most));
    return value;
}

/* Throws std::invalid_argument. */
inline Options parse_options(int argc, char **argv) {
    enum {
        LIBRARY,
        ENDPOINT,
        CA,
        NAME,
        KEY,
        PLAIN,
        CONNECTIONS,
        METRICS,
        SECONDS,
        LINGER,
        STDIN,
        LIVELY
    };
    static const option known[] = {{"library", required_argument, nullptr, LIBRARY},
                                   {"endpoint", required_argument, nullptr, ENDPOINT},
                                   {"ca-file", required_argument, nullptr, CA},
                                   {"server-name", required_argument, nullptr, NAME},
                                   {"key-file", required_argument, nullptr, KEY},
                                   {"plain", no_argument, nullptr, PLAIN},
                                   {"connections", required_argument, nullptr, CONNECTIONS},
                                   {"metrics-port", required_argument, nullptr, METRICS},
                                   {"seconds", required_argument, nullptr, SECONDS},
                                   {"linger", required_argument, nullptr, LINGER},
                                   {"wait-stdin", no_argument, nullptr, STDIN},
                                   {"lively", no_argument, nullptr, LIVELY},
                                   {nullptr, 0, nullptr, 0}};
    Options o;
    const char *library = std::getenv("SPRINT_LIBRARY");
    if (library != nullptr)
        o.library = library;
    for (;;) {
        switch (getopt_long(argc, argv, "", known, nullptr)) {
        case LIBRARY:
            o.library = optarg;
            break;
        case ENDPOINT:
            o.endpoint = optarg;
            break;
        case CA:
            o.ca_file = optarg;
            break;
        case NAME:
            o.server_name = optarg;
            break;
        case KEY:
            o.key_file = optarg;
            break;
        case PLAIN:
            o.plain = true;
            break;
        case CONNECTIONS:
            o.connections = uint32_t(whole_number("--connections", optarg, 1, 1000));
            break;
        case METRICS:
            o.metrics_port = uint16_t(whole_number("--metrics-port", optarg, 0, 65535));
            break;
        case SECONDS:
            o.seconds = int(whole_number("--seconds", optarg, 1, 120));
            break;
        case LINGER:
            o.linger = int(whole_number("--linger", optarg, 0, 86400));
            break;
        case STDIN:
            o.wait_stdin = true;
            break;
        case LIVELY:
            o.lively = true;
            break;
        case -1:
            if (optind < argc)
                throw std::invalid_argument(std::string("no such argument: ") + argv[optind]);
            if (o.endpoint.empty())
                throw std::invalid_argument("--endpoint is missing");
            if (o.plain == !o.key_file.empty())
                throw std::invalid_argument("one of --key-file and --plain is needed");
            return o;
        default: /* getopt_long has named it */
            throw std::invalid_argument("bad command line");
        }
    }
}

#endif
