package main

// #include "bridge.h"
import "C"

import (
	"io"
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/bitcoin-sprint/libsprint/pool/transport"
)

// detach: C waits for sockets (stream_linux.c).
const detach = true

//export sprintgo_conn_send
func sprintgo_conn_send(slot C.uint32_t, data unsafe.Pointer, n C.size_t, now C.int64_t, out *C.struct_sprint_io) (st C.sprint_status) {
	defer guard(&st)
	taken, unsent, err := conns.at(uint32(slot)).Get().Send(hostIn(data, n), int64(now))
	out.n, out.unsent = C.int64_t(taken), C.int32_t(unsent)
	return status(err)
}

//export sprintgo_conn_flush
func sprintgo_conn_flush(slot C.uint32_t, out *C.struct_sprint_io) (st C.sprint_status) {
	defer guard(&st)
	unsent, err := conns.at(uint32(slot)).Get().Flush()
	out.unsent = C.int32_t(unsent)
	return status(err)
}

//export sprintgo_conn_receive
func sprintgo_conn_receive(slot C.uint32_t, cipher unsafe.Pointer, n C.size_t, end C.int32_t, buf unsafe.Pointer, size C.size_t, now C.int64_t, out *C.struct_sprint_io) (st C.sprint_status) {
	defer guard(&st)
	c := conns.at(uint32(slot)).Get()
	var ended error
	switch end {
	case 0:
	case C.SPRINT_END_FIN:
		ended = transport.ErrTruncated
	default:
		ended = os.NewSyscallError("recv", syscall.Errno(end))
	}
	plain, bad := tryHostOut(buf, size) // what was received is kept all the same
	got, unsent, err := c.Receive(unsafe.Slice((*byte)(cipher), n), ended, plain, int64(now))
	out.n, out.unsent, out.drained = C.int64_t(got), C.int32_t(unsent), flag(c.Drained())
	if bad != nil {
		return status(bad)
	}
	if err == io.EOF { // close_notify: a success with nothing in it
		return C.SPRINT_OK
	}
	return status(err)
}

//export sprintgo_conn_timed_out
func sprintgo_conn_timed_out(slot C.uint32_t, writing C.int32_t, limit C.int64_t) (st C.sprint_status) {
	defer guard(&st)
	verb := "read"
	if writing != 0 {
		verb = "write"
	}
	return status(conns.at(uint32(slot)).Get().TimedOut(verb, time.Duration(limit)))
}
