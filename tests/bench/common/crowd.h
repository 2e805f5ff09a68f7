/* crowd.h - many threads that all begin at the same moment and end when all are done. */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

/** What a thread of the crowd does; NULL, or what went wrong. */
typedef const char *crowd_work(void *state, int thread);

struct crowd;

/** Threads that live until crowd_stop(); the process ends if there is no room for them. */
struct crowd *crowd_start(int threads);

/** Have all of them work, and wait for them; the first of their failures, or NULL. */
const char *crowd_run(struct crowd *crowd, crowd_work *work, void *state);

void crowd_stop(struct crowd *crowd);

#endif
