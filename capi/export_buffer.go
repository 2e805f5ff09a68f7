package main

// #include "bridge.h"
import "C"

import (
	"sync/atomic"
	"unsafe"

	"github.com/bitcoin-sprint/libsprint/securemem"
)

var buffers table[atomic.Pointer[securemem.Buffer]]

// The ways to make a buffer, as in abi_buffer.c.
const (
	bufferAlloc = iota
	bufferFrom
	bufferRandom
)

//export sprintgo_buffer_new
func sprintgo_buffer_new(slot C.uint32_t, how C.int32_t, src unsafe.Pointer, n C.size_t, flags C.uint32_t) (st C.sprint_status) {
	defer guard(&st)
	var b *securemem.Buffer
	var err error
	switch how {
	case bufferAlloc:
		b, err = securemem.Alloc(int(n), securemem.Flags(flags))
	case bufferFrom:
		b, err = securemem.From(hostOut(src, n), securemem.Flags(flags))
	case bufferRandom:
		b, err = securemem.Random(int(n), securemem.Flags(flags))
	}
	if err != nil {
		return status(err)
	}
	buffers.at(uint32(slot)).Store(b)
	return C.SPRINT_OK
}

//export sprintgo_buffer_protection
func sprintgo_buffer_protection(slot C.uint32_t, backend, locked *C.uint32_t) (st C.sprint_status) {
	defer guard(&st)
	b := buffers.at(uint32(slot)).Load()
	*backend = C.uint32_t(b.Backend())
	*locked = C.uint32_t(flag(b.Locked()))
	return C.SPRINT_OK
}

//export sprintgo_buffer_read
func sprintgo_buffer_read(slot C.uint32_t, offset C.size_t, dst unsafe.Pointer, n C.size_t) (st C.sprint_status) {
	defer guard(&st)
	return status(buffers.at(uint32(slot)).Load().ReadAt(hostOut(dst, n), int(offset)))
}

//export sprintgo_buffer_write
func sprintgo_buffer_write(slot C.uint32_t, offset C.size_t, src unsafe.Pointer, n C.size_t) (st C.sprint_status) {
	defer guard(&st)
	return status(buffers.at(uint32(slot)).Load().WriteAt(hostIn(src, n), int(offset)))
}

//export sprintgo_buffer_open
func sprintgo_buffer_open(slot C.uint32_t, mode C.int32_t, at *C.uintptr_t, n *C.size_t) (st C.sprint_status) {
	defer guard(&st)
	secret, err := buffers.at(uint32(slot)).Load().Open(securemem.Mode(mode))
	if err != nil {
		return status(err)
	}
	*at = C.uintptr_t(uintptr(unsafe.Pointer(unsafe.SliceData(secret))))
	*n = C.size_t(len(secret))
	return C.SPRINT_OK
}

//export sprintgo_buffer_close
func sprintgo_buffer_close(slot C.uint32_t) (st C.sprint_status) {
	defer guard(&st)
	return status(buffers.at(uint32(slot)).Load().Close())
}

//export sprintgo_buffer_equal
func sprintgo_buffer_equal(a, b C.uint32_t, equal *C.int32_t) (st C.sprint_status) {
	defer guard(&st)
	same, err := securemem.Equal(buffers.at(uint32(a)).Load(), buffers.at(uint32(b)).Load())
	if err != nil {
		return status(err)
	}
	*equal = flag(same)
	return C.SPRINT_OK
}

//export sprintgo_buffer_free
func sprintgo_buffer_free(slot C.uint32_t) {
	defer guardVoid()
	if err := buffers.at(uint32(slot)).Load().Free(); err != nil {
		logger.Error("secure buffer", "cause", err)
	}
}

//export sprintgo_buffer_destroy
func sprintgo_buffer_destroy(slot C.uint32_t) {
	defer guardVoid()
	buffers.at(uint32(slot)).Store(nil)
}
