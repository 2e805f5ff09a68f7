/*
 * calls.h - every function of sprint.h as a call on one handle, with otherwise sound
 * arguments, and the codes that its documentation allows. The rules about bad handles,
 * forked children and hostile threads go through this table.
 */
#ifndef TEST_CALLS_H
#define TEST_CALLS_H

#include "sprint.h"

enum kind { KIND_NONE, KIND_CONFIG, KIND_POOL, KIND_CONN, KIND_BUFFER, KINDS };

struct call {
    const char *name; /**< of the function; a note in brackets if it comes twice */
    enum kind kind;   /**< of the handle under test; KIND_NONE: takes none */
    sprint_status (*run)(uint64_t handle); /**< SPRINT_OK if the function returns void */
    uint32_t allowed;                      /**< bit -code for each documented code */
    int is_void;
};

extern const struct call calls[];
extern const int call_count;

/** Whether the documentation of a call allows this code. */
int call_allows(const struct call *call, sprint_status status);

/** Sound companions for calls that take two handles. */
extern sprint_config calls_config;
extern sprint_conn calls_conn;
extern sprint_buffer calls_buffer;

#endif
