/* openssl.c - the memory of OpenSSL connections, in a child that holds nothing else. */
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"
#include "scale.h"
#include "stack.h"

/* A line and its answer, after which the tickets have been read, too. */
static int use_once(SSL *ssl) {
    static const char line[] = "PING\n", answer[] = "ERR login first\n";
    char got[sizeof answer];
    size_t n;

    return SSL_write_ex(ssl, line, sizeof line - 1, &n) && SSL_read_ex(ssl, got, sizeof got, &n) &&
           n == sizeof answer - 1;
}

static int open_one(SSL_CTX *ctx, const char *address) {
    char host[256], why[256];
    int fd = tcp_dial(address, why, sizeof why);
    SSL *ssl = fd < 0 ? NULL : SSL_new(ctx);

    snprintf(host, sizeof host, "%.*s", (int)(strrchr(address, ':') - address), address);
    return ssl != NULL && X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) &&
           SSL_set_fd(ssl, fd) && SSL_connect(ssl) == 1 && use_once(ssl);
}

/* The child. The connections end with it. */
static int hold(const char *address, const char *ca_file, int count, int release_buffers,
                struct footprint *out) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    double rss;
    int fds, i;

    if (ctx == NULL || !SSL_CTX_load_verify_locations(ctx, ca_file, NULL))
        return -1;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (release_buffers)
        SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    if (!open_one(ctx, address)) /* what the first one sets up once */
        return -1;
    rss = process_rss();
    fds = process_fds();
    for (i = 0; i < count; i++)
        if (!open_one(ctx, address))
            return -1;
    out->rss_kib = (process_rss() - rss) / 1024 / count;
    out->fds = (double)(process_fds() - fds) / count;
    return 0;
}

const char *openssl_footprint(const char *address, const char *ca_file, int count,
                              int release_buffers, struct footprint *out) {
    int ends[2], status;
    ssize_t n;
    pid_t child;

    if (pipe(ends) != 0 || (child = fork()) < 0)
        return "no process for OpenSSL";
    if (child == 0) {
        if (hold(address, ca_file, count, release_buffers, out) != 0)
            _exit(1);
        n = write(ends[1], out, sizeof *out);
        _exit(n == (ssize_t)sizeof *out ? 0 : 1);
    }
    close(ends[1]);
    n = read(ends[0], out, sizeof *out);
    close(ends[0]);
    waitpid(child, &status, 0);
    return n == (ssize_t)sizeof *out && status == 0 ? NULL : "OpenSSL: a connection failed";
}
