package main

// #include "bridge.h"
import "C"

import (
	"encoding/json"
	"io"
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/transport"
)

var conns table[pool.Seat]

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

//export sprintgo_conn_ended_early
func sprintgo_conn_ended_early(slot C.uint32_t, have, want C.size_t) (st C.sprint_status) {
	defer guard(&st)
	return status(conns.at(uint32(slot)).Get().EndedEarly(int64(have), int64(want)))
}

//export sprintgo_conn_again
func sprintgo_conn_again(slot C.uint32_t, limit C.int64_t, info *C.struct_sprint_lease_info) (st C.sprint_status) {
	defer guard(&st)
	c, err := conns.at(uint32(slot)).Get().Again(time.Duration(limit))
	if err != nil {
		return status(err)
	}
	seat(slot, c, info)
	return C.SPRINT_OK
}

//export sprintgo_conn_resent
func sprintgo_conn_resent(slot C.uint32_t, answered C.int32_t) {
	defer guardVoid()
	conns.at(uint32(slot)).Get().Resent(answered != 0)
}

//export sprintgo_conn_info_json
func sprintgo_conn_info_json(slot C.uint32_t, buf *C.char, size C.size_t, needed *C.size_t) (st C.sprint_status) {
	defer guard(&st)
	info, err := conns.at(uint32(slot)).Get().Info()
	if err != nil {
		return status(err)
	}
	text, err := json.Marshal(info)
	if err != nil {
		return status(err)
	}
	*needed = C.size_t(len(text) + 1)
	return fill(buf, size, text)
}

//export sprintgo_conn_cut
func sprintgo_conn_cut(slot C.uint32_t) {
	defer guardVoid()
	conns.at(uint32(slot)).Get().Cut()
}

//export sprintgo_conn_end
func sprintgo_conn_end(slot, note C.uint32_t, discard C.int32_t) (rung *C.uint32_t) {
	defer guardVoid()
	seat := conns.at(uint32(slot))
	c := seat.Get()
	seat.Clear()
	if n := c.Note(); n.Load() != uint64(note) {
		n.Store(uint64(note))
	}
	if next := c.Return(discard == 0); next != nil {
		b := next.(*bell)
		b.set()
		return (*C.uint32_t)(b.rung)
	}
	return nil
}
