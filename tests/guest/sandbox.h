/*
 * sandbox.h - the system calls that the library needs, for hosts that filter theirs. The list
 * stands in docs/embedding.md too, and is compared with this one.
 */
#ifndef TEST_SANDBOX_H
#define TEST_SANDBOX_H

/* To be loaded: the dynamic loader's, Go's, and what puts the host's state back. */
#define CALLS_TO_LOAD(X)                                                                           \
    X(brk)                                                                                         \
    X(clock_gettime)                                                                               \
    X(clone3)                                                                                      \
    X(close)                                                                                       \
    X(exit)                                                                                        \
    X(fcntl)                                                                                       \
    X(fstat)                                                                                       \
    X(futex)                                                                                       \
    X(getrandom)                                                                                   \
    X(gettid)                                                                                      \
    X(madvise)                                                                                     \
    X(mmap)                                                                                        \
    X(mprotect)                                                                                    \
    X(munmap)                                                                                      \
    X(nanosleep)                                                                                   \
    X(newfstatat)                                                                                  \
    X(openat)                                                                                      \
    X(prctl)                                                                                       \
    X(pread64)                                                                                     \
    X(prlimit64)                                                                                   \
    X(read)                                                                                        \
    X(readlinkat)                                                                                  \
    X(rseq)                                                                                        \
    X(rt_sigaction)                                                                                \
    X(rt_sigprocmask)                                                                              \
    X(rt_sigreturn)                                                                                \
    X(sched_getaffinity)                                                                           \
    X(sched_getscheduler)                                                                          \
    X(sched_setaffinity)                                                                           \
    X(sched_yield)                                                                                 \
    X(set_robust_list)                                                                             \
    X(sigaltstack)                                                                                 \
    X(statfs)                                                                                      \
    X(write)

/* For pools, and for their metrics servers. */
#define CALLS_OF_POOLS(X)                                                                          \
    X(accept4)                                                                                     \
    X(bind)                                                                                        \
    X(connect)                                                                                     \
    X(epoll_create1)                                                                               \
    X(epoll_ctl)                                                                                   \
    X(epoll_pwait)                                                                                 \
    X(eventfd2)                                                                                    \
    X(getdents64)                                                                                  \
    X(getpeername)                                                                                 \
    X(getpid)                                                                                      \
    X(getsockname)                                                                                 \
    X(getsockopt)                                                                                  \
    X(listen)                                                                                      \
    X(poll)                                                                                        \
    X(ppoll)                                                                                       \
    X(recvfrom)                                                                                    \
    X(rt_sigpending)                                                                               \
    X(sendto)                                                                                      \
    X(setsockopt)                                                                                  \
    X(shutdown)                                                                                    \
    X(socket)                                                                                      \
    X(uname)

/* For secrets; without memfd_secret they are in pages of the other backend. */
#define CALLS_OF_SECRETS(X)                                                                        \
    X(capget)                                                                                      \
    X(ftruncate)                                                                                   \
    X(getrlimit)                                                                                   \
    X(memfd_secret)                                                                                \
    X(mlock)                                                                                       \
    X(mremap)                                                                                      \
    X(munlock)

#endif
