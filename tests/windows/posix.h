/* posix.h - what the rules of tests/c use and mingw-w64 does not have. Included first. */
#ifndef TEST_POSIX_H
#define TEST_POSIX_H

#define _SC_PAGESIZE 0

/** The size of a page: the only name that is asked for. */
long sysconf(int name);
/** strstr() that does not tell large letters from small ones. */
char *strcasestr(const char *text, const char *word);

#endif
