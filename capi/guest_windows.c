/* What loading changes in the process, and puts back or keeps from being undone. */
#include <windows.h>

#include "bridge.h"

static UINT error_mode;

/* Runs before Go, whose thread waits for the loader. */
__attribute__((constructor(101))) static void before_go(void) {
    HMODULE self;
    error_mode = GetErrorMode();
    /* Go cannot be unloaded: FreeLibrary() leaves it where it is. */
    GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                       (const char *)&before_go, &self);
}

/* Go switches the dialogs of errors off, which is the host's to decide. */
void sprint_guest_restore(void) {
    SetErrorMode(error_mode);
}
