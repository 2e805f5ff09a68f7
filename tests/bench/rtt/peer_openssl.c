/*
 * peer_openssl.c - OpenSSL on a blocking socket, once as it comes and once with
 * SSL_CTX_set_read_ahead(), which fetches header and body of a record in one
 * recv(2). The second is the stronger opponent for small messages.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "peer.h"

/* What the Go peers negotiate too; the open below fails on anything else. */
#define CIPHER_SUITE "TLS_AES_128_GCM_SHA256"

struct session {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
};

static struct session plain_session = {.fd = -1};
static struct session readahead_session = {.fd = -1};

static int explain(struct peer *self, const char *step) {
    char text[128];

    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    snprintf(self->why, sizeof self->why, "%s: %s", step, text);
    return -1;
}

static int start(struct peer *self, const struct target *target, struct session *s,
                 int read_ahead) {
    char host[256];
    size_t host_len = (size_t)(strrchr(target->tls_address, ':') - target->tls_address);

    snprintf(host, sizeof host, "%.*s", (int)host_len, target->tls_address);
    s->fd = tcp_dial(target->tls_address, self->why, sizeof self->why);
    if (s->fd < 0)
        return -1;
    s->ctx = SSL_CTX_new(TLS_client_method());
    if (s->ctx == NULL || !SSL_CTX_set_min_proto_version(s->ctx, TLS1_3_VERSION) ||
        !SSL_CTX_set_ciphersuites(s->ctx, CIPHER_SUITE) ||
        !SSL_CTX_load_verify_locations(s->ctx, target->ca_file, NULL))
        return explain(self, "context");
    SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_read_ahead(s->ctx, read_ahead);
    s->ssl = SSL_new(s->ctx);
    if (s->ssl == NULL || !X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s->ssl), host) ||
        !SSL_set_fd(s->ssl, s->fd))
        return explain(self, "session");
    if (SSL_connect(s->ssl) != 1)
        return explain(self, "handshake");
    if (strcmp(SSL_get_cipher_name(s->ssl), CIPHER_SUITE) != 0) {
        snprintf(self->why, sizeof self->why, "negotiated %s", SSL_get_cipher_name(s->ssl));
        return -1;
    }
    if (SSL_write(s->ssl, ECHO_LINE, sizeof ECHO_LINE - 1) <= 0)
        return explain(self, "write");
    return 0;
}

static int echo(struct peer *self, struct session *s, const void *out, void *in, size_t len) {
    size_t done, n;

    if (!SSL_write_ex(s->ssl, out, len, &n) || n != len)
        return explain(self, "write");
    for (done = 0; done < len; done += n)
        if (!SSL_read_ex(s->ssl, (char *)in + done, len - done, &n))
            return explain(self, "read");
    return 0;
}

static void stop(struct session *s) {
    SSL_free(s->ssl);
    SSL_CTX_free(s->ctx);
    if (s->fd >= 0)
        close(s->fd);
    *s = (struct session){.fd = -1};
}

static int plain_open(struct peer *self, const struct target *target) {
    return start(self, target, &plain_session, 0);
}

static int plain_roundtrip(struct peer *self, const void *out, void *in, size_t len) {
    return echo(self, &plain_session, out, in, len);
}

static void plain_close(struct peer *self) {
    (void)self;
    stop(&plain_session);
}

static int readahead_open(struct peer *self, const struct target *target) {
    return start(self, target, &readahead_session, 1);
}

static int readahead_roundtrip(struct peer *self, const void *out, void *in, size_t len) {
    return echo(self, &readahead_session, out, in, len);
}

static void readahead_close(struct peer *self) {
    (void)self;
    stop(&readahead_session);
}

static const char *openssl_version(void) {
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

struct peer peer_openssl = {
    .name = "openssl",
    .open = plain_open,
    .roundtrip = plain_roundtrip,
    .close = plain_close,
    .version = openssl_version,
};

struct peer peer_openssl_readahead = {
    .name = "openssl_readahead",
    .open = readahead_open,
    .roundtrip = readahead_roundtrip,
    .close = readahead_close,
    .version = openssl_version,
};
