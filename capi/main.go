// Command capi is libsprint's C interface, built with -buildmode=c-shared.
//
// The exported functions are in the C files: they check arguments, resolve handles,
// refuse forked children and wait on sockets. The functions exported from Go, named
// sprintgo_*, are hidden in the library and only translate: logic belongs to the
// packages pool and securemem.
package main

// #cgo CFLAGS: -std=gnu11 -fvisibility=hidden -DSPRINT_BUILD
// #cgo LDFLAGS: -pthread
// #cgo windows CFLAGS: -D__USE_MINGW_ANSI_STDIO=1
// #cgo windows LDFLAGS: -lbcrypt -lsynchronization
// #include "bridge.h"
import "C"

import "runtime"

func main() {}

// maxProcs bounds the threads that run Go at once: more would compete with the host.
const maxProcs = 4

// init puts back what Go changed while it started: on its own threads, later than any
// C constructor.
func init() {
	putBack()
	// Said explicitly, the number is not read again from the cgroup's files.
	runtime.GOMAXPROCS(min(maxProcs, runtime.GOMAXPROCS(0)))
}
