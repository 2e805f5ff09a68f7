/*
 * main.c - a process with a secret.
 *
 *   victim KIND LIBRARY SECRET_FD
 *
 * KIND: secretmem or mlock, both with +fast or +noaccess; heap; openfd; memguard.
 * Commands come on the standard input, one a line, and each is answered by one line,
 * "ok ...", "none" (this kind of memory has no such thing) or "error: ...":
 *
 *   plant           make the secret, write(2) it and the decoy to SECRET_FD: ok ADDRESS
 *   tell            write(2) what is at the address to SECRET_FD: ok BYTES, or ok ERROR
 *   use seal free   what struct memory says
 *   fork            a child does "tell", answers ok PID BYTES and stays
 *   unfork          end the child
 *   search FLIPPED  search this process itself for the secret and the decoy, given in hex
 *                   with all bits flipped
 *   crash           abort, with a core of all that the kernel is willing to write
 *
 * The secret is made at its place by the kernel and read there by the kernel: this
 * program never has it in a variable or a register.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "maps.h"
#include "memory.h"
#include "needles.h"

static const struct memory *memory;
static void *place;
static int secret_fd;
static unsigned char decoy[SECRET_SIZE]; /* as random, and nothing protects it */
static pid_t child;

static const char *plant(void) {
    const char *why = memory->make(SECRET_SIZE, &place);

    if (why == NULL && (syscall(SYS_getrandom, place, SECRET_SIZE, 0) != SECRET_SIZE ||
                        syscall(SYS_getrandom, decoy, SECRET_SIZE, 0) != SECRET_SIZE ||
                        write(secret_fd, place, SECRET_SIZE) != SECRET_SIZE ||
                        write(secret_fd, decoy, SECRET_SIZE) != SECRET_SIZE))
        why = strerror(errno);
    return why != NULL ? why : memory->made();
}

static void tell(const char *who) {
    ssize_t n = write(secret_fd, place, SECRET_SIZE);

    if (n < 0)
        dprintf(STDOUT_FILENO, "ok %s%s\n", who, strerror(errno));
    else
        dprintf(STDOUT_FILENO, "ok %s%zd\n", who, n);
}

static const char *make_child(void) {
    char pid[32];

    child = fork();
    if (child < 0)
        return strerror(errno);
    if (child > 0)
        return NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* if the hunt ends early */
    snprintf(pid, sizeof pid, "%d ", (int)getpid());
    tell(pid);
    for (;;)
        pause();
}

static const char *end_child(void) {
    if (kill(child, SIGKILL) < 0 || waitpid(child, NULL, 0) != child)
        return strerror(errno);
    return NULL;
}

/* Its own memory, not a copy of it: what cannot be read directly is for the attackers. */
static const char *search(const char *hex) {
    static struct mapping list[MAX_MAPPINGS];
    static struct needles needles;
    unsigned char flipped[2 * SECRET_SIZE];
    struct finds finds = {0};
    uint64_t searched = 0;
    char text[64];
    int i, n;

    for (i = 0; i < 2 * SECRET_SIZE; i++)
        if (sscanf(hex + 2 * i, "%2hhx", &flipped[i]) != 1)
            return "bad hex";
    needles_make(&needles, flipped);
    n = maps_read("self", list);
    for (i = 0; i < n; i++) {
        if (!list[i].readable || list[i].of_kernel)
            continue;
        needles_search(&needles, (const unsigned char *)(uintptr_t)list[i].start, // NOLINT
                       (size_t)(list[i].end - list[i].start), list[i].start,
                       (uint64_t)(uintptr_t)place, &finds);
        searched += list[i].end - list[i].start;
    }
    snprintf(text, sizeof text, "%" PRIu64 " MiB searched", searched >> 20);
    fputs("ok ", stdout);
    finds_print(&finds, text);
    return n < 0 ? strerror(errno) : NULL;
}

static const char *crash(void) {
    int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, "0xff", 4) != 4)
        return "coredump_filter cannot be written";
    signal(SIGABRT, SIG_DFL);
    abort();
}

/* An answer to one command. */
static void answer(const char *command) {
    const char *(*simple)(void) = NULL, *why;

    if (strcmp(command, "plant") == 0) {
        why = plant();
        if (why == NULL)
            printf("ok %" PRIxPTR "\n", (uintptr_t)place);
        else
            printf("error: %s\n", why);
        return;
    }
    if (strcmp(command, "tell") == 0) {
        tell("");
        return;
    }
    if (strcmp(command, "fork") == 0) {
        why = make_child();
        if (why != NULL)
            printf("error: %s\n", why);
        return; /* otherwise the child has answered */
    }
    if (strncmp(command, "search ", 7) == 0) {
        why = search(command + 7);
        if (why != NULL)
            printf("error: %s\n", why);
        return;
    }
    if (strcmp(command, "use") == 0)
        simple = memory->use;
    else if (strcmp(command, "seal") == 0)
        simple = memory->seal;
    else if (strcmp(command, "free") == 0)
        simple = memory->discard;
    else if (strcmp(command, "unfork") == 0)
        simple = end_child;
    else if (strcmp(command, "crash") == 0)
        simple = crash;
    if (simple == NULL) {
        puts("none");
        return;
    }
    why = simple();
    if (why == NULL)
        puts("ok");
    else
        printf("error: %s\n", why);
}

int main(int argc, char **argv) {
    char command[256];
    struct rlimit core = {RLIM_INFINITY, RLIM_INFINITY};
    const char *why;

    if (argc != 4)
        return 2;
    secret_fd = atoi(argv[3]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (setrlimit(RLIMIT_CORE, &core) < 0) {
        puts("error: no core can be had: its hard limit is set");
        return 1;
    }
    /* Where Yama restricts ptrace(2) to parents, let the attackers of the same user in. */
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);

    memory = strcmp(argv[1], "heap") == 0       ? &heap_memory
             : strcmp(argv[1], "openfd") == 0   ? &openfd_memory
             : strcmp(argv[1], "memguard") == 0 ? &memguard_memory
                                                : &sprint_memory;
    why = memory->start(argv[1], argv[2]);
    if (why != NULL) {
        printf("error: %s\n", why);
        return 1;
    }
    puts("ok");
    while (fgets(command, sizeof command, stdin) != NULL) {
        command[strcspn(command, "\n")] = '\0';
        answer(command);
    }
    return 0;
}
