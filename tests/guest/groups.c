/* groups.c - the table of guest_test, in its order. */
#include "guest.h"

extern const struct row state_rows[], signal_rows[], pipe_rows[], crash_rows[], fork_rows[];
extern const struct row loading_rows[], thread_rows[], host_rows[], end_rows[], resource_rows[];
extern const struct row number_rows[], pointer_rows[], sandbox_rows[];

const struct group groups[] = {
    {"The process after the load", state_rows},
    {"Threads that come with it", thread_rows},
    {"Signals", signal_rows},
    {"SIGPIPE", pipe_rows},
    {"Faults of the host, stacks for signals", crash_rows},
    {"Children", fork_rows},
    {"Loading", loading_rows},
    {"Python and Rust", host_rows},
    {"Threads and processes that end", end_rows},
    {"Short of something", resource_rows},
    {"A sandbox", sandbox_rows},
    {"Numbers that Go would die of", number_rows},
    {"Pointers to no memory", pointer_rows},
    {NULL, NULL},
};
