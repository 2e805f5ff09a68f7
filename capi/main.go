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

// procs is how many threads may be inside Go at once, on every machine. One per core would
// do for goroutines, but the callers are the host's threads, which the kernel schedules: one
// that leaves Go takes its processor along until Go's monitor thread takes it away, and one
// that finds none waits for that, the longer the more threads are busy.
// More than this would only let Go's collector use more cores at once.
const procs = 8

// init puts back what Go changed while it started: on its own threads, later than any
// C constructor.
func init() {
	putBack()
	// Said explicitly, the number is not read again from the cgroup's files.
	runtime.GOMAXPROCS(procs)
}
