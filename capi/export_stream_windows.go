package main

// #include "bridge.h"
import "C"

import (
	"io"
	"time"
	"unsafe"
)

// detach: connections stay in Go's poller, where calls wait for them.
const detach = false

//export sprintgo_conn_read
func sprintgo_conn_read(slot C.uint32_t, buf unsafe.Pointer, size C.size_t, limit C.int64_t, n *C.size_t) (st C.sprint_status) {
	defer guard(&st)
	got, err := conns.at(uint32(slot)).Get().ReadWithin(hostOut(buf, size), time.Duration(limit))
	*n = C.size_t(got)
	if got > 0 || err == io.EOF { // close_notify: a success with nothing in it
		return C.SPRINT_OK
	}
	return status(err)
}

//export sprintgo_conn_write
func sprintgo_conn_write(slot C.uint32_t, data unsafe.Pointer, n C.size_t, limit C.int64_t) (st C.sprint_status) {
	defer guard(&st)
	return status(conns.at(uint32(slot)).Get().WriteWithin(hostIn(data, n), time.Duration(limit)))
}
