/* scale.h - ten thousand idle connections in one process. */
#ifndef SCALE_H
#define SCALE_H

#include "contest.h"

/** What one connection takes. */
struct footprint {
    double rss_kib, fds;
};

/** Open count connections of OpenSSL in a process of their own, each used once.
 *  NULL, or what went wrong. */
const char *openssl_footprint(const char *address, const char *ca_file, int count,
                              int release_buffers, struct footprint *out);

/** What a lease takes while others ask the server at port, as facts of contest. */
void measure_disturbed(struct contest *contest, int port, operation *lease, void *pool);

/** Get path from a server of ours; the body's size, or -1. */
long http_get(int port, const char *path);

#endif
