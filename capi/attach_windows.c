#include "_cgo_export.h"
#include "thread.h"

void sprint_thread_attach(void) {
    sprintgo_attach(); /* waits for Go's start */
    sprint_thread_attached = 1;
}
