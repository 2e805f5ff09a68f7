/* loading.c - rules about how, when and beside what the library is loaded. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"

static void dlclose_leaves_the_library_where_it_is(void) {
    struct sprint_dl lib;
    void *handle;

    load(&lib);
    handle = dlopen(library_path, RTLD_NOW | RTLD_NOLOAD);
    CHECK(handle != NULL);
    CHECK(dlclose(handle) == 0);
    CHECK(dlclose(handle) == 0); /* and the one of load() */
    CHECK(strcmp(lib.sprint_version(), "1.0.0") == 0);
    one_call(&lib);
    CHECK(dlopen(library_path, RTLD_NOW | RTLD_NOLOAD) != NULL);
}

struct first_call {
    pthread_barrier_t *together;
    struct sprint_dl lib;
    int load_too;
};

static void *call_first(void *arg) {
    struct first_call *f = arg;
    char why[256];

    pthread_barrier_wait(f->together);
    if (f->load_too)
        CHECK(sprint_dl_load(library_path, &f->lib, why, sizeof why) == SPRINT_OK);
    one_call(&f->lib);
    return NULL;
}

static void two_threads_at_once(int load_too) {
    pthread_barrier_t together;
    struct first_call calls[2];
    pthread_t threads[2];
    char why[256];
    int i;

    memset(calls, 0, sizeof calls);
    if (!load_too) /* no call into Go yet */
        CHECK(sprint_dl_load(library_path, &calls[0].lib, why, sizeof why) == SPRINT_OK);
    pthread_barrier_init(&together, NULL, 2);
    for (i = 0; i < 2; i++) {
        calls[i].lib = calls[0].lib;
        calls[i].together = &together;
        calls[i].load_too = load_too;
        CHECK(pthread_create(&threads[i], NULL, call_first, &calls[i]) == 0);
    }
    for (i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

static void two_threads_may_make_the_first_call(void) {
    two_threads_at_once(0);
}

static void two_threads_may_load_the_library(void) {
    two_threads_at_once(1);
}

static void a_thread_that_ends_may_load_the_library(void) {
    struct first_call f = {.load_too = 1};
    pthread_barrier_t alone;
    pthread_t thread;

    pthread_barrier_init(&alone, NULL, 1);
    f.together = &alone;
    CHECK(pthread_create(&thread, NULL, call_first, &f) == 0);
    pthread_join(thread, NULL);
    one_call(&f.lib);
    work_on_four_threads(&f.lib);
}

static void preload_into(const char *const *args) {
    struct ending e;

    setenv("LD_PRELOAD", library_path, 1);
    program(args, &e);
    unsetenv("LD_PRELOAD");
    CHECK(ended_well(&e));
}

static void preloaded_into_other_programs_it_does_no_harm(void) {
    static const char *const maps[] = {"grep", "-q", "libsprint", "/proc/self/maps", NULL};
    static const char *const programs[][4] = {
        {"true", NULL},
        {"ls", "/", NULL},
        {"bash", "-c", "true | true; (exit 0) & wait", NULL},
        {"python3", "-c", "import subprocess; subprocess.run(['true'], check=True)", NULL}};
    size_t i;

    preload_into(maps); /* it is in */
    for (i = 0; i < sizeof programs / sizeof *programs; i++)
        preload_into(programs[i]);
}

/* The tool is a library that needs ours and calls it from its constructor. */
static void a_constructor_may_call(void) {
    char path[512];
    int (*served)(void);
    struct sprint_dl lib;
    void *early;

    snprintf(path, sizeof path, "%s/early.so", tools_dir);
    early = dlopen(path, RTLD_NOW);
    if (!CHECK(early != NULL)) {
        printf("     %s\n", dlerror());
        return;
    }
    served = (int (*)(void))dlsym(early, "served");
    CHECK(served() == 1);
    load(&lib);
}

/* The tool takes nearly all of what the loader keeps for initial-exec TLS. */
static void beside_another_user_of_static_tls(void) {
    char path[512];
    struct sprint_dl lib;

    snprintf(path, sizeof path, "%s/ballast.so", tools_dir);
    if (!CHECK(dlopen(path, RTLD_NOW) != NULL))
        printf("     %s\n", dlerror());
    load(&lib);
    work_on_four_threads(&lib);
}

/* ------------------------------------------------------------------ a second Go library */

struct second {
    int (*work)(void);
    int (*recovered)(void);
    int (*collect_beside_a_loop)(void);
};

static void load_second(struct second *s) {
    char path[512];
    void *second;

    snprintf(path, sizeof path, "%s/second.so", tools_dir);
    second = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!CHECK(second != NULL)) {
        printf("     %s\n", dlerror());
        exit(1);
    }
    s->work = (int (*)(void))dlsym(second, "second_work");
    s->recovered = (int (*)(void))dlsym(second, "second_recovered");
    s->collect_beside_a_loop = (int (*)(void))dlsym(second, "second_collect_beside_a_loop");
}

static void *work_in_second(void *work) {
    int i;

    for (i = 0; i < 200; i++)
        CHECK(((int (*)(void))work)() == 1);
    return NULL;
}

static void two_go_libraries(int second_first) {
    struct sprint_dl lib;
    struct second second;
    pthread_t thread;
    sprint_pool pool;
    int ms;

    if (second_first)
        load_second(&second);
    load(&lib);
    if (!second_first)
        load_second(&second);
    pool = pool_make(&lib);
    CHECK(pthread_create(&thread, NULL, work_in_second, (void *)second.work) == 0);
    work_on_four_threads(&lib);
    pthread_join(thread, NULL);
    CHECK(second.recovered() == 1);
    ms = second.collect_beside_a_loop();
    CHECK(ms >= 0); /* it was over before the loop was */
    CHECK(echoes(&lib, lease_echo(&lib, pool)));
    saw("both work; its collection beside a loop takes %d ms", ms);
}

static void a_second_go_library_loaded_first(void) {
    two_go_libraries(1);
}

static void a_second_go_library_loaded_later(void) {
    two_go_libraries(0);
}

/* ------------------------------------------------------------------ the environment */

static void load_with(void *variable) {
    struct sprint_dl lib;

    if (variable != NULL)
        putenv(variable);
    load(&lib);
}

/* Go reads the environment of the process's start. */
static void setenv_before_the_load_reaches_no_go(void) {
    struct ending e;

    apart(load_with, "GODEBUG=inittrace=1", &e);
    CHECK(ended_well(&e));
    CHECK(e.said[0] == '\0');
    saw("not seen by Go");
}

static void godebug_of_the_process_reaches_go(void) {
    char python[1024];
    const char *args[] = {"env", "GODEBUG=inittrace=1", "python3", "-c", python, NULL};
    struct ending e;

    snprintf(python, sizeof python,
             "import ctypes; lib = ctypes.CDLL('%s'); assert lib.sprint_init(0x10000) == 0",
             library_path);
    program(args, &e);
    CHECK(e.exit == 0);
    CHECK(strstr(e.said, "init ") != NULL);
    saw("its lines are on stderr");
}

const struct row loading_rows[] = {
    ROW(dlclose_leaves_the_library_where_it_is, "dlclose(), twice",
        "the library stays and works: NODELETE"),
    ROW(two_threads_may_make_the_first_call, "the first call, made by two threads at once",
        "both served"),
    ROW(two_threads_may_load_the_library, "the load, made by two threads at once", "both served"),
    ROW(a_thread_that_ends_may_load_the_library, "the loading thread ends", "calls go on"),
    ROW(a_constructor_may_call, "a call from a constructor of a library that needs ours", "served"),
    ROW(beside_another_user_of_static_tls, "static TLS: another library took 1400 bytes before",
        "loads and works"),
    ROW(preloaded_into_other_programs_it_does_no_harm,
        "LD_PRELOAD into grep, true, ls, bash, python3", "status 0"),
    ROW(a_second_go_library_loaded_first, "a second Go library, loaded before",
        "both work; no stall of its collector"),
    ROW(a_second_go_library_loaded_later, "a second Go library, loaded after",
        "both work; no stall of its collector"),
    ROW(setenv_before_the_load_reaches_no_go, "setenv(GODEBUG) before the load",
        "not seen: settings go through calls"),
    LIMIT(godebug_of_the_process_reaches_go, "GODEBUG in the environment of the process",
          "Go obeys it: inittrace=1 prints"),
    END_OF_ROWS,
};
