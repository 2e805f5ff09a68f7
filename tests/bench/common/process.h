/* process.h - what the kernel says of this process. */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

/** Resident memory in bytes. */
double process_rss(void);

/** Open descriptors. */
int process_fds(void);

int process_threads(void);

#endif
