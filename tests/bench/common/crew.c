/* crew.c - threads that operate at the same time for a while. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "crew.h"
#include "rounds.h"

static struct {
    pthread_t threads[MAX_CREW];
    pthread_barrier_t begin, end; /* the crew and its leader */
    operation *operate;           /* NULL: go home */
    void *const *state;
    int wanted; /* how many of the crew operate */
    atomic_bool over;
    long ops[MAX_CREW];
    const char *failure[MAX_CREW];
} crew;

/* Once at least. Counts on its own stack: the others' cache lines are not touched. */
static long operate_until_over(void *state, const char **failure) {
    const char *why;
    long ops = 0;

    do {
        why = crew.operate(state);
        ops++;
    } while (why == NULL && !atomic_load_explicit(&crew.over, memory_order_relaxed));
    *failure = why;
    return ops;
}

static void *work(void *arg) {
    int me = (int)(intptr_t)arg;

    for (;;) {
        pthread_barrier_wait(&crew.begin);
        if (crew.operate == NULL)
            return NULL;
        if (me < crew.wanted)
            crew.ops[me] = operate_until_over(crew.state[me], &crew.failure[me]);
        pthread_barrier_wait(&crew.end);
    }
}

void crew_start(void) {
    int i;

    pthread_barrier_init(&crew.begin, NULL, MAX_CREW + 1);
    pthread_barrier_init(&crew.end, NULL, MAX_CREW + 1);
    for (i = 0; i < MAX_CREW; i++)
        if (pthread_create(&crew.threads[i], NULL, work, (void *)(intptr_t)i) != 0)
            abort();
}

void crew_stop(void) {
    int i;

    crew.operate = NULL;
    pthread_barrier_wait(&crew.begin);
    for (i = 0; i < MAX_CREW; i++)
        pthread_join(crew.threads[i], NULL);
}

long crew_work(operation *operate, void *const *state, int threads, long us, uint64_t *elapsed_ns,
               const char **failure) {
    uint64_t started = now_ns();
    long ops = 0;
    int i;

    crew.operate = operate;
    crew.state = state;
    crew.wanted = threads;
    atomic_store(&crew.over, 0);
    pthread_barrier_wait(&crew.begin);
    silence(us);
    atomic_store(&crew.over, 1);
    pthread_barrier_wait(&crew.end);
    *elapsed_ns = now_ns() - started;
    *failure = NULL;
    for (i = 0; i < threads; i++) {
        ops += crew.ops[i];
        if (crew.failure[i] != NULL)
            *failure = crew.failure[i];
    }
    return ops;
}
