/* Linked with the archive: what the library's constructors left behind when main begins, and
 * after a first call that starts Go. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#include <sprint.h>

static int changed(const char *when) {
    struct rlimit nofile;
    struct sigaction urg;
    sigset_t mask;
    int wrong = 0;

    getrlimit(RLIMIT_NOFILE, &nofile);
    sigaction(SIGURG, NULL, &urg);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    if (nofile.rlim_cur != 1000)
        wrong |= printf("%s: RLIMIT_NOFILE is %lu\n", when, (unsigned long)nofile.rlim_cur);
    if (urg.sa_handler != SIG_DFL)
        wrong |= printf("%s: SIGURG has a handler\n", when);
    for (int signal = 1; signal < 32; signal++)
        if (sigismember(&mask, signal) == 1)
            wrong |= printf("%s: signal %d is blocked\n", when, signal);
    return wrong;
}

int main(void) {
    sprint_config config = 0;
    int wrong = 0;
    if (sprint_config_new("localhost:1", &config) != SPRINT_OK)
        return 1;
    wrong |= changed("after the first call");
    sprint_config_free(config);
    if (!wrong)
        puts("as it was");
    return wrong != 0;
}
