/* Go starts threads and installs signal handlers when it is loaded. They would
 * inherit the signal mask, the CPUs and the priority of the loading thread, and take
 * SIGURG. A constructor before Go's arranges what Go inherits, one after it puts the
 * loading thread back. */
#define _GNU_SOURCE
#include "bridge.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    sigset_t mask;
    bool mask_saved;
    struct sigaction urg;
    bool urg_saved;
    cpu_set_t cpus;
    bool cpus_saved;
    uint64_t nofile;
    int *threads;    /* ids, ended by 0; NULL if the policy is ordinary */
    bool without[3]; /* standard descriptors that the host has closed */
} before;

static bool is_null_device(int fd) {
    struct stat mine, null;
    return fstat(fd, &mine) == 0 && stat("/dev/null", &null) == 0 && S_ISCHR(mine.st_mode) &&
           mine.st_rdev == null.st_rdev;
}

/* Go opens files while it starts. In the place of a closed stdin, stdout or stderr, a host
 * that reads or prints would meet them. */
static void keep_places(void) {
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            before.without[fd] = open("/dev/null", O_RDWR | O_CLOEXEC) == fd;
}

void sprint_guest_give_places_back(void) {
    for (int fd = 0; fd < 3; fd++)
        if (before.without[fd] && is_null_device(fd))
            close(fd);
}

/* The ids of this process's threads, ended by 0, or NULL. */
static int *list_threads(void) {
    DIR *dir = opendir("/proc/self/task");
    if (!dir)
        return NULL;
    size_t n = 0, room = 64;
    int *ids = malloc(room * sizeof *ids);
    for (struct dirent *e; ids && (e = readdir(dir));) {
        int id = atoi(e->d_name);
        if (id == 0)
            continue;
        if (n + 1 == room) {
            int *more = realloc(ids, 2 * room * sizeof *ids);
            if (!more)
                break;
            ids = more;
            room *= 2;
        }
        ids[n++] = id;
    }
    closedir(dir);
    if (ids)
        ids[n] = 0;
    return ids;
}

__attribute__((constructor(101))) static void before_go(void) {
    /* Go's threads block what they are started with, so that the host's signals are
     * handled on the host's threads. */
    sigset_t all;
    sigfillset(&all);
    before.mask_saved = pthread_sigmask(SIG_SETMASK, &all, &before.mask) == 0;
    before.urg_saved = sigaction(SIGURG, NULL, &before.urg) == 0;

    keep_places();

    struct rlimit nofile;
    if (getrlimit(RLIMIT_NOFILE, &nofile) == 0)
        before.nofile = nofile.rlim_cur;

    if (sched_getaffinity(0, sizeof before.cpus, &before.cpus) == 0) {
        cpu_set_t every;
        memset(&every, 0xff, sizeof every);
        before.cpus_saved = sched_setaffinity(0, sizeof every, &every) == 0;
    }
    if (sched_getscheduler(0) != SCHED_OTHER)
        before.threads = list_threads();
}

/* Runs after Go's constructor: same priority, later in the link. */
__attribute__((constructor)) static void after_go(void) {
    if (before.cpus_saved)
        sched_setaffinity(0, sizeof before.cpus, &before.cpus);
    if (before.urg_saved) /* unused by us: asynchronous preemption is off */
        sigaction(SIGURG, &before.urg, NULL);
    if (before.mask_saved)
        pthread_sigmask(SIG_SETMASK, &before.mask, NULL);
}

uint64_t sprint_guest_nofile(void) {
    return before.nofile;
}

static bool known(const int *ids, int id) {
    for (; *ids; ids++)
        if (*ids == id)
            return true;
    return false;
}

void sprint_guest_lower_threads(void) {
    if (!before.threads)
        return;
    int *now = list_threads();
    for (int *id = now; id && *id; id++) {
        struct sched_param ordinary = {0};
        if (!known(before.threads, *id))
            sched_setscheduler(*id, SCHED_OTHER, &ordinary);
    }
    free(now);
    free(before.threads);
    before.threads = NULL;
}
