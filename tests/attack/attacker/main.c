/*
 * main.c - hunt a secret in another process through the kernel.
 *
 *   attacker maps PID PLACE      read /proc/PID/mem over all mappings
 *   attacker readv PID PLACE     process_vm_readv(2) over all readable mappings
 *   attacker mem-at PID PLACE    read /proc/PID/mem at the place
 *   attacker readv-at PID PLACE  process_vm_readv(2) at the place
 *   attacker fds PID             take each descriptor (pidfd_getfd(2)), map it, search it
 *   attacker file PATH           search a file, such as a core
 *
 * The secret and the decoy, 32 bytes each, come on the standard input. PLACE is the
 * address of the secret in the process in hex. Prints one line: a word (leak, copies,
 * none, blind, zeros, refused), a colon, and what was seen. "refused" is the kernel's answer to the attack itself; mappings that
 * cannot be read are counted, and are what "none" is made of where pages are protected.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "maps.h"
#include "needles.h"

enum { PAGE = 4096, CHUNK = 1 << 20 };

static unsigned char secret[2 * SECRET_SIZE]; /* and the decoy */
static struct needles needles;

/** Read len bytes of a process at an address: how many came, or -1. */
typedef ssize_t reader(int target, void *buf, size_t len, uint64_t at);

static ssize_t read_mem(int mem, void *buf, size_t len, uint64_t at) {
    return pread(mem, buf, len, (off_t)at);
}

static ssize_t read_vm(int pid, void *buf, size_t len, uint64_t at) {
    struct iovec to = {buf, len}, from = {(void *)(uintptr_t)at, len}; // NOLINT

    return process_vm_readv(pid, &to, 1, &from, 1, 0);
}

static int refused(void) {
    printf("refused: %s\n", strerror(errno));
    return 0;
}

/* Pages that cannot be read are stepped over one by one. The end of each chunk is
 * kept before the next, so that nothing hides on the border. */
static int search_maps(const char *pid, uint64_t place, int only_readable, int target,
                       reader *get) {
    static struct mapping list[MAX_MAPPINGS];
    static unsigned char buf[PAGE + CHUNK];
    struct finds finds = {0};
    uint64_t searched = 0, unreadable = 0;
    char text[128];
    int i, n = maps_read(pid, list);

    if (n < 0)
        return refused();
    for (i = 0; i < n; i++) {
        uint64_t at = list[i].start;
        size_t kept = 0;

        if (only_readable && !list[i].readable)
            continue;
        while (at < list[i].end) {
            size_t want = list[i].end - at < CHUNK ? (size_t)(list[i].end - at) : CHUNK;
            ssize_t got = get(target, buf + PAGE, want, at);

            if (got <= 0) {
                if (errno == EPERM || errno == EACCES || errno == ESRCH)
                    return refused();
                unreadable += PAGE;
                at += PAGE;
                kept = 0;
                continue;
            }
            needles_search(&needles, buf + PAGE - kept, (size_t)got + kept, at - kept, place,
                           &finds);
            searched += (uint64_t)got;
            at += (uint64_t)got;
            kept = NEEDLE_SIZE - 1;
            memcpy(buf + PAGE - kept, buf + PAGE + got - kept, kept);
        }
    }
    snprintf(text, sizeof text, "%" PRIu64 " MiB searched, %" PRIu64 " KiB unreadable",
             searched >> 20, unreadable >> 10);
    finds_print(&finds, text);
    return 0;
}

static int read_place(uint64_t place, int target, reader *get) {
    static const unsigned char zeros[SECRET_SIZE];
    unsigned char got[SECRET_SIZE];

    if (get(target, got, sizeof got, place) != SECRET_SIZE)
        return refused();
    if (memcmp(got, zeros, sizeof got) == 0)
        printf("zeros: at the address\n");
    else if (memcmp(got + NEEDLE_SIZE, secret + NEEDLE_SIZE, SECRET_SIZE - NEEDLE_SIZE) == 0)
        printf("leak: at the address\n");
    else
        printf("none: something else is at the address\n");
    return 0;
}

/* What a regular file holds, through a mapping: pages of memfd_secret(2) cannot be
 * read(2) by anybody. */
static int search_descriptor(int fd, struct finds *finds, uint64_t *searched) {
    struct stat st;
    unsigned char *mem;

    if (fstat(fd, &st) < 0)
        return -1;
    if (!S_ISREG(st.st_mode) || st.st_size == 0 || (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
        return 0;
    mem = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (mem == MAP_FAILED)
        return -1;
    needles_search(&needles, mem, (size_t)st.st_size, 0, ANYWHERE, finds);
    munmap(mem, (size_t)st.st_size);
    *searched += (uint64_t)st.st_size;
    return 0;
}

static int search_file(const char *path) {
    struct finds finds = {0};
    uint64_t searched = 0;
    char text[64];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || search_descriptor(fd, &finds, &searched) < 0) {
        perror(path);
        return 1;
    }
    snprintf(text, sizeof text, "%.1f MiB searched", (double)searched / (1 << 20));
    finds_print(&finds, text);
    return 0;
}

static int search_fds(const char *pid) {
    struct finds finds = {0};
    uint64_t searched = 0;
    int taken = 0, pidfd = (int)syscall(SYS_pidfd_open, atoi(pid), 0);
    char path[64];
    struct dirent *entry;
    DIR *fds;

    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    fds = opendir(path);
    if (pidfd < 0 || fds == NULL)
        return refused();
    while ((entry = readdir(fds)) != NULL) {
        int fd;

        if (entry->d_name[0] == '.')
            continue;
        fd = (int)syscall(SYS_pidfd_getfd, pidfd, atoi(entry->d_name), 0);
        if (fd < 0)
            return refused();
        taken++;
        if (search_descriptor(fd, &finds, &searched) < 0)
            return refused();
        close(fd);
    }
    snprintf(path, sizeof path, "%d descriptors taken", taken);
    finds.decoys = 1; /* it is in no file */
    finds_print(&finds, path);
    return 0;
}

int main(int argc, char **argv) {
    unsigned char flipped[2 * SECRET_SIZE];
    const char *how = argc > 1 ? argv[1] : "", *target = argc > 2 ? argv[2] : "";
    uint64_t place = argc > 3 ? strtoull(argv[3], NULL, 16) : 0;
    char path[64];
    int i, mem;

    if (fread(secret, 1, sizeof secret, stdin) != sizeof secret) {
        fputs("attacker: no secret to look for\n", stderr);
        return 2;
    }
    for (i = 0; i < 2 * SECRET_SIZE; i++)
        flipped[i] = (unsigned char)~secret[i];
    needles_make(&needles, flipped);

    if (strcmp(how, "file") == 0)
        return search_file(target);
    if (strcmp(how, "fds") == 0)
        return search_fds(target);
    if (strcmp(how, "readv") == 0)
        return search_maps(target, place, 1, atoi(target), read_vm);
    if (strcmp(how, "readv-at") == 0)
        return read_place(place, atoi(target), read_vm);
    snprintf(path, sizeof path, "/proc/%s/mem", target);
    mem = open(path, O_RDONLY | O_CLOEXEC);
    if (mem < 0)
        return refused();
    if (strcmp(how, "maps") == 0)
        return search_maps(target, place, 0, mem, read_mem);
    if (strcmp(how, "mem-at") == 0)
        return read_place(place, mem, read_mem);
    fprintf(stderr, "attacker: unknown attack '%s'\n", how);
    return 2;
}
