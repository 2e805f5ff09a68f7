/* system.c - what tests/c/system.c is, on Windows, and what posix.h promises. */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <shlwapi.h>
#include <stdio.h>
#include <windows.h>

#include "../c/check.h"
#include "../c/support.h"

static SOCKET dial(const char *address) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    const char *colon = strrchr(address, ':');
    SOCKET s;
    WSADATA version;
    char host[64];

    snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
    if (WSAStartup(MAKEWORD(2, 2), &version) != 0 ||
        getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return INVALID_SOCKET;
    s = socket(found->ai_family, SOCK_STREAM, 0);
    if (s != INVALID_SOCKET && connect(s, found->ai_addr, (int)found->ai_addrlen) != 0) {
        closesocket(s);
        s = INVALID_SOCKET;
    }
    freeaddrinfo(found);
    return s;
}

int http(const char *method, const char *address, const char *path, char *buf, size_t cap) {
    SOCKET s = dial(address);
    char request[256];
    size_t have = 0;
    int code = -1, len, n;

    if (s == INVALID_SOCKET)
        return -1;
    len =
        snprintf(request, sizeof request, "%s %s HTTP/1.0\r\nHost: %s\r\nContent-Length: 0\r\n\r\n",
                 method, path, address);
    if (send(s, request, len, 0) == len) {
        while (have + 1 < cap && (n = recv(s, buf + have, (int)(cap - 1 - have), 0)) > 0)
            have += (size_t)n;
    }
    closesocket(s);
    buf[have] = '\0';
    if (sscanf(buf, "HTTP/%*s %d", &code) != 1)
        return -1;
    return code;
}

/* Two instructions that may fault, and where to go on if one does. The argument is in rcx. */
int touch_read(const void *p);
int touch_write(void *p);
int touch_faulted(void);
__asm__(".globl touch_read, touch_write, touch_faulted\n"
        "touch_read: movb (%rcx), %dl\n xorl %eax, %eax\n ret\n"
        "touch_write: movb (%rcx), %dl\n movb %dl, (%rcx)\n xorl %eax, %eax\n ret\n"
        "touch_faulted: movl $1, %eax\n ret\n");

static LONG CALLBACK on_fault(EXCEPTION_POINTERS *at) {
    DWORD64 rip = at->ContextRecord->Rip;

    if (at->ExceptionRecord->ExceptionCode != EXCEPTION_ACCESS_VIOLATION ||
        rip < (DWORD64)touch_read || rip >= (DWORD64)touch_faulted)
        return EXCEPTION_CONTINUE_SEARCH;
    at->ContextRecord->Rip = (DWORD64)touch_faulted;
    return EXCEPTION_CONTINUE_EXECUTION;
}

int read_faults(const void *p) {
    void *handler = AddVectoredExceptionHandler(1, on_fault);
    int faulted = touch_read(p);

    RemoveVectoredExceptionHandler(handler);
    return faulted;
}

int write_faults(void *p) {
    void *handler = AddVectoredExceptionHandler(1, on_fault);
    int faulted = touch_write(p);

    RemoveVectoredExceptionHandler(handler);
    return faulted;
}

int count_fds(void) {
    DWORD n = 0;

    GetProcessHandleCount(GetCurrentProcess(), &n);
    return (int)n;
}

/* No connection has a descriptor. */
int is_open(int fd) {
    (void)fd;
    return 0;
}

/* There is no such signal. */
void sigpipe_kills(int does) {
    (void)does;
}

/* Bound, so that nobody else takes it, and not listening. */
intptr_t refuse(char *address, size_t cap) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int len = sizeof any;
    WSADATA version;
    SOCKET s;

    CHECK(WSAStartup(MAKEWORD(2, 2), &version) == 0);
    s = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(s, (struct sockaddr *)&any, len) == 0);
    CHECK(getsockname(s, (struct sockaddr *)&any, &len) == 0);
    snprintf(address, cap, "127.0.0.1:%d", ntohs(any.sin_port));
    return (intptr_t)s;
}

void stop_refusing(intptr_t refusing) {
    closesocket((SOCKET)refusing);
}

long sysconf(int name) {
    SYSTEM_INFO system;

    (void)name;
    GetSystemInfo(&system);
    return (long)system.dwPageSize;
}

char *strcasestr(const char *text, const char *word) {
    return StrStrIA(text, word);
}
