package main

// #include "bridge.h"
import "C"

import (
	"encoding/json"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

var conns table[pool.Seat]

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
	take(slot, c, info)
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
	return half(c.Return(discard == 0))
}
