/* symbol.h - functions of a library that is loaded at run time. */
#ifndef BENCH_SYMBOL_H
#define BENCH_SYMBOL_H

#include <dlfcn.h>
#include <string.h>

/** Store the function into the pointer at where; NULL and 0 when the library lacks it. */
static inline int resolve(void *library, const char *name, void *where) {
    /* ISO C has no cast from void * to a function. */
    void *symbol = dlsym(library, name);

    memcpy(where, &symbol, sizeof symbol);
    return symbol != NULL;
}

#endif
