/* crowd.c - many threads that all begin at the same moment and end when all are done. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "crowd.h"

/* A thousand of them; what they call has stacks of its own or needs little. */
enum { STACK = 256 * 1024 };

struct crowd;

struct member {
    struct crowd *crowd;
    pthread_t thread;
    const char *failure;
};

struct crowd {
    int threads;
    pthread_barrier_t begin, end; /* the threads and their leader */
    crowd_work *work;             /* NULL: go home */
    void *state;
    struct member members[];
};

static void *live(void *arg) {
    struct member *me = arg;
    struct crowd *crowd = me->crowd;

    for (;;) {
        pthread_barrier_wait(&crowd->begin);
        if (crowd->work == NULL)
            return NULL;
        me->failure = crowd->work(crowd->state, (int)(me - crowd->members));
        pthread_barrier_wait(&crowd->end);
    }
}

struct crowd *crowd_start(int threads) {
    struct crowd *crowd = calloc(1, sizeof *crowd + (size_t)threads * sizeof *crowd->members);
    pthread_attr_t small;
    int i;

    if (crowd == NULL)
        abort();
    crowd->threads = threads;
    pthread_barrier_init(&crowd->begin, NULL, (unsigned)threads + 1);
    pthread_barrier_init(&crowd->end, NULL, (unsigned)threads + 1);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    for (i = 0; i < threads; i++) {
        crowd->members[i].crowd = crowd;
        if (pthread_create(&crowd->members[i].thread, &small, live, &crowd->members[i]) != 0) {
            perror("pthread_create");
            exit(1);
        }
    }
    pthread_attr_destroy(&small);
    return crowd;
}

const char *crowd_run(struct crowd *crowd, crowd_work *work, void *state) {
    int i;

    crowd->work = work;
    crowd->state = state;
    pthread_barrier_wait(&crowd->begin);
    pthread_barrier_wait(&crowd->end);
    for (i = 0; i < crowd->threads; i++)
        if (crowd->members[i].failure != NULL)
            return crowd->members[i].failure;
    return NULL;
}

void crowd_stop(struct crowd *crowd) {
    int i;

    crowd->work = NULL;
    pthread_barrier_wait(&crowd->begin);
    for (i = 0; i < crowd->threads; i++)
        pthread_join(crowd->members[i].thread, NULL);
    pthread_barrier_destroy(&crowd->begin);
    pthread_barrier_destroy(&crowd->end);
    free(crowd);
}
