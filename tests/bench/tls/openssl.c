/*
 * openssl.c - OpenSSL on a blocking socket, once as it comes and once with
 * SSL_CTX_set_read_ahead(), which fetches header and body of a record in one
 * recv(2). The second is the stronger opponent for small messages.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stack.h"

static _Thread_local char failure[256];

/* One for each way to read; sessions to resume are kept with it. */
static struct context {
    SSL_CTX *ctx;
    SSL_SESSION *last;
} plain, readahead;

static const char *explain(const char *step) {
    char text[128];

    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    snprintf(failure, sizeof failure, "%s: %s", step, text);
    return failure;
}

static int keep(SSL *ssl, SSL_SESSION *session) {
    struct context *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    SSL_SESSION_free(c->last);
    c->last = session;
    return 1;
}

static const char *prepare(struct context *c, const struct surroundings *at, int read_ahead) {
    if (c->ctx != NULL)
        return NULL;
    c->ctx = SSL_CTX_new(TLS_client_method());
    if (c->ctx == NULL || !SSL_CTX_set_min_proto_version(c->ctx, TLS1_3_VERSION) ||
        !SSL_CTX_set_ciphersuites(c->ctx, CIPHER_SUITE) ||
        !SSL_CTX_load_verify_locations(c->ctx, at->ca_file, NULL))
        return explain("context");
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_read_ahead(c->ctx, read_ahead);
    SSL_CTX_set_app_data(c->ctx, c);
    SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(c->ctx, keep);
    return NULL;
}

static void openssl_close(void *session) {
    SSL *ssl = session;
    int fd = SSL_get_fd(ssl);

    SSL_shutdown(ssl);
    SSL_free(ssl);
    if (fd >= 0)
        close(fd);
}

static const char *start(SSL *ssl, int fd, const struct context *c, const char *address) {
    char host[256];

    snprintf(host, sizeof host, "%.*s", (int)(strrchr(address, ':') - address), address);
    if (!X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) || !SSL_set_fd(ssl, fd) ||
        (c->last != NULL && !SSL_set_session(ssl, c->last)))
        return explain("session");
    if (SSL_connect(ssl) != 1)
        return explain("handshake");
    if (strcmp(SSL_get_cipher_name(ssl), CIPHER_SUITE) != 0) {
        snprintf(failure, sizeof failure, "negotiated %s", SSL_get_cipher_name(ssl));
        return failure;
    }
    return NULL;
}

static const char *open_session(struct context *c, const struct surroundings *at, int read_ahead,
                                void **session) {
    const char *why = prepare(c, at, read_ahead);
    SSL *ssl;
    int fd;

    if (why != NULL)
        return why;
    if ((fd = tcp_dial(at->tls_address, failure, sizeof failure)) < 0)
        return failure;
    if ((ssl = SSL_new(c->ctx)) == NULL)
        abort();
    if ((why = start(ssl, fd, c, at->tls_address)) != NULL) {
        SSL_free(ssl);
        close(fd);
        return why;
    }
    *session = ssl;
    return NULL;
}

static const char *plain_connect(const struct surroundings *at, void **session) {
    return open_session(&plain, at, 0, session);
}

static const char *readahead_connect(const struct surroundings *at, void **session) {
    return open_session(&readahead, at, 1, session);
}

static const char *openssl_write(void *session, const void *data, size_t len) {
    size_t n;

    return SSL_write_ex(session, data, len, &n) && n == len ? NULL : explain("write");
}

static const char *openssl_read(void *session, void *data, size_t len) {
    size_t done, n;

    for (done = 0; done < len; done += n)
        if (!SSL_read_ex(session, (char *)data + done, len - done, &n))
            return explain("read");
    return NULL;
}

static int openssl_resumed(void *session) {
    return SSL_session_reused(session);
}

static const char *openssl_version(void) {
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

const struct stack stack_openssl = {
    .name = "openssl",
    .connect = plain_connect,
    .write = openssl_write,
    .read = openssl_read,
    .resumed = openssl_resumed,
    .close = openssl_close,
    .version = openssl_version,
};

const struct stack stack_openssl_readahead = {
    .name = "openssl_readahead",
    .connect = readahead_connect,
    .write = openssl_write,
    .read = openssl_read,
    .resumed = openssl_resumed,
    .close = openssl_close,
    .version = openssl_version,
};
