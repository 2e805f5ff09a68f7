#include <windows.h>

#include "bridge.h"

/* A descriptor of the host's C library means nothing to ours: here it is a HANDLE, of
 * which Windows uses 32 bits. */
static HANDLE handle_of(int32_t fd) {
    return (HANDLE)(intptr_t)fd;
}

bool sprint_log_takes(int32_t fd) {
    DWORD flags;
    return GetHandleInformation(handle_of(fd), &flags);
}

void sprint_log_write(int32_t fd, const void *line, size_t len) {
    DWORD written;
    WriteFile(handle_of(fd), line, (DWORD)len, &written, NULL);
}
