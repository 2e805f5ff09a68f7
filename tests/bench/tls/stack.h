/* stack.h - one way to make a connection and use it; the benchmarks hold some of each. */
#ifndef BENCH_STACK_H
#define BENCH_STACK_H

#include <stddef.h>

/** Where the relay listens, what proves that it is the right one, and where the stacks
 *  that are loaded at run time are. */
struct surroundings {
    const char *tls_address; /**< "host:port" */
    const char *tcp_address; /**< "host:port" of the plain echo */
    const char *ca_file;     /**< PEM root of the TLS listener */
    const char *sprint_lib;  /**< path of libsprint.so.1 */
    const char *go_lib;      /**< path of gopoller.so */
    const char *rust_lib;    /**< path of librustlspeer.so */
};

/** Functions answer NULL, or what went wrong, valid until the next failure on the thread. */
struct stack {
    const char *name;
    /** A new connection, verified; its session resumed if the relay allows it and an
     *  earlier one has received its tickets. */
    const char *(*connect)(const struct surroundings *at, void **session);
    /** All of len bytes. */
    const char *(*write)(void *session, const void *data, size_t len);
    /** Exactly len bytes. */
    const char *(*read)(void *session, void *data, size_t len);
    /** NULL, or write and read in one call. */
    const char *(*roundtrip)(void *session, const void *out, void *in, size_t len);
    /** Whether the handshake resumed an earlier session. */
    int (*resumed)(void *session);
    /** Ends it in order. */
    void (*close)(void *session);
    /** Of what is measured; valid once a connect succeeded. */
    const char *(*version)(void);
};

/** The first line of a session in which every later byte comes back. */
#define ECHO_LINE "ECHO\n"

/** The suite that all stacks negotiate; Go's choice on this hardware. */
#define CIPHER_SUITE "TLS_AES_128_GCM_SHA256"

/** A blocking TCP connection with TCP_NODELAY, or -1 with why filled. */
int tcp_dial(const char *address, char *why, size_t cap);

/** A round trip by the stack's own call, or by write and read. */
const char *stack_roundtrip(const struct stack *stack, void *session, const void *out, void *in,
                            size_t len);

extern const struct stack stack_tcp;
extern const struct stack stack_openssl;
extern const struct stack stack_openssl_readahead;
extern const struct stack stack_rustls;
extern const struct stack stack_gopoller;
extern const struct stack stack_sprint;
extern const struct stack stack_sprint_request;

#endif
