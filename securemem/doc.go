// Package securemem keeps secrets in memory that is locked, guarded, wiped, out of
// core dumps and forked children, and used in place.
//
// A [Buffer] lives in a slot: whole pages of memguard between two guard pages that
// nobody may touch. The secret ends at the rear guard page, so that reading or
// writing one byte too far is a fault at the guilty line; before it stands a canary,
// new for each use, that is checked when the buffer is freed.
//
//	| guard page |  unused  | canary, 16 bytes | secret | guard page |
//	|  no access |              locked pages            |  no access |
//
// Slots are made in classes, of one page and for secrets of 4 KiB, 16 KiB, 64 KiB and
// 1 MiB, and kept for reuse, oldest first, wiped and without access. A larger secret
// has pages of its own.
//
// Keys are used in place (HMAC, AES-GCM, HKDF, PBKDF2); what the crypto packages leave of
// them in objects and registers is cleaned up, and a test searches the process for it.
//
// Protection is against mistakes in the process (overflow, use after free, a stray
// write through a borrow for reading), against swapping, core dumps and forked
// children, and, where the kernel has memfd_secret(2), against other processes that
// read memory through the kernel, root included. It is not against code that runs
// inside the process.
//
// An allocation that fails is an error and touches no other secret. No rlimit and no
// other setting of the process is changed, nothing runs in the background but a timer
// for each buffer with a lifetime, and memguard's Purge, Enclaves and signal handlers
// are never used.
//
// A program that imports this package needs one line in its own go.mod, because
// replace lines of a dependency do not count; without it every allocation is
// [ErrNoReplace]:
//
//	replace github.com/awnumar/memcall => <libsprint>/securemem/memcall
//
// All functions and methods may be called from any goroutine at the same time.
package securemem
