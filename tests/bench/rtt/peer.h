/* peer.h - one way to make an echo round trip; the benchmark holds one of each. */
#ifndef RTT_PEER_H
#define RTT_PEER_H

#include <stddef.h>

/** Where the echo server listens and what proves that it is the right one. */
struct target {
    const char *tls_address; /**< "host:port" of the TLS echo */
    const char *tcp_address; /**< "host:port" of the plain echo */
    const char *ca_file;     /**< PEM root of the TLS echo */
    const char *sprint_lib;  /**< path of libsprint.so.1 */
    const char *go_lib;      /**< path of gopoller.so */
};

enum { PEER_WHY = 256 };

struct peer {
    const char *name;
    /** Connect and get the connection into echo mode. 0, or -1 with why filled. */
    int (*open)(struct peer *self, const struct target *target);
    /** Send len bytes of out, receive len bytes into in. 0, or -1 with why filled. */
    int (*roundtrip)(struct peer *self, const void *out, void *in, size_t len);
    /** Undo open; harmless when open failed. */
    void (*close)(struct peer *self);
    /** Version of what is measured; valid once open succeeded. */
    const char *(*version)(void);
    char why[PEER_WHY];
};

/** First line on a TLS connection: every later byte comes back. */
#define ECHO_LINE "ECHO\n"

/** A blocking TCP connection with TCP_NODELAY, or -1 with why filled. */
int tcp_dial(const char *address, char *why, size_t cap);

extern struct peer peer_tcp;
extern struct peer peer_openssl;
extern struct peer peer_openssl_readahead;
extern struct peer peer_gopoller;
extern struct peer peer_sprint;
extern struct peer peer_sprint_request;

#endif
