/* memory.h - where the victim keeps its secret. One at a time. */
#ifndef ATTACK_MEMORY_H
#define ATTACK_MEMORY_H

#include <stddef.h>

/**
 * Each function returns NULL, or a text that says what went wrong. One that this kind
 * of memory does not have is NULL.
 */
struct memory {
    const char *(*start)(const char *kind, const char *library);
    const char *(*make)(size_t len, void **at); /**< to be written at *at */
    const char *(*made)(void);                  /**< it has been written */
    const char *(*use)(void);                   /**< compute an HMAC with it */
    const char *(*seal)(void);                  /**< encrypt it at rest */
    const char *(*discard)(void);               /**< free it */
};

extern const struct memory sprint_memory;   /**< libsprint: a backend[+fast|+noaccess] */
extern const struct memory heap_memory;     /**< malloc() */
extern const struct memory openfd_memory;   /**< memfd_secret(2) whose descriptor stays open */
extern const struct memory memguard_memory; /**< memguard as it is published */

#endif
