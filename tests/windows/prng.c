/* prng.c - bcryptprimitives.dll for a Wine that lacks it (before 8.12): the one function
 * that a Go program needs of it, and does not start without. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(void *p, ULONG size); /* RtlGenRandom */

__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *p, SIZE_T size) {
    return SystemFunction036(p, (ULONG)size);
}
