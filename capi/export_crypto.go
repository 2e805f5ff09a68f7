package main

// #include "bridge.h"
import "C"

import (
	"time"
	"unsafe"

	"github.com/bitcoin-sprint/libsprint/securemem"
)

// keep puts a new buffer into its slot.
func keep(slot C.uint32_t, b *securemem.Buffer, err error) C.sprint_status {
	if err != nil {
		return status(err)
	}
	buffers.at(uint32(slot)).Store(b)
	return C.SPRINT_OK
}

//export sprintgo_buffer_seal
func sprintgo_buffer_seal(slot C.uint32_t) (st C.sprint_status) {
	defer guard(&st)
	return status(buffers.at(uint32(slot)).Load().Seal())
}

//export sprintgo_buffer_expire_after
func sprintgo_buffer_expire_after(slot C.uint32_t, ttlMs C.int64_t) (st C.sprint_status) {
	defer guard(&st)
	return status(buffers.at(uint32(slot)).Load().ExpireAfter(duration(int64(ttlMs), time.Millisecond)))
}

//export sprintgo_buffer_hmac
func sprintgo_buffer_hmac(slot C.uint32_t, hash C.int32_t, msg unsafe.Pointer, n C.size_t, mac unsafe.Pointer, size C.size_t, wrote *C.size_t) (st C.sprint_status) {
	defer guard(&st)
	got, err := buffers.at(uint32(slot)).Load().HMAC(securemem.Hash(hash),
		hostIn(msg, n), hostOut(mac, size))
	*wrote = C.size_t(got)
	return status(err)
}

//export sprintgo_buffer_public_ed25519
func sprintgo_buffer_public_ed25519(slot C.uint32_t, key *C.uint8_t) (st C.sprint_status) {
	defer guard(&st)
	out := hostOut(unsafe.Pointer(key), 32)
	public, err := buffers.at(uint32(slot)).Load().PublicEd25519()
	if err == nil {
		copy(out, public[:])
	}
	return status(err)
}

//export sprintgo_buffer_sign_ed25519
func sprintgo_buffer_sign_ed25519(slot C.uint32_t, msg unsafe.Pointer, n C.size_t, signature *C.uint8_t) (st C.sprint_status) {
	defer guard(&st)
	out := hostOut(unsafe.Pointer(signature), 64)
	signed, err := buffers.at(uint32(slot)).Load().SignEd25519(hostIn(msg, n))
	if err == nil {
		copy(out, signed[:])
	}
	return status(err)
}

//export sprintgo_buffer_encrypt
func sprintgo_buffer_encrypt(slot C.uint32_t, aad unsafe.Pointer, aadLen C.size_t, plain unsafe.Pointer, n C.size_t, out unsafe.Pointer, size C.size_t, wrote *C.size_t) (st C.sprint_status) {
	defer guard(&st)
	got, err := buffers.at(uint32(slot)).Load().Encrypt(hostIn(aad, aadLen), hostIn(plain, n), hostOut(out, size))
	*wrote = C.size_t(got)
	return status(err)
}

//export sprintgo_buffer_decrypt
func sprintgo_buffer_decrypt(slot, key C.uint32_t, aad unsafe.Pointer, aadLen C.size_t, sealed unsafe.Pointer, n C.size_t, flags C.uint32_t, size *C.size_t) (st C.sprint_status) {
	defer guard(&st)
	b, err := buffers.at(uint32(key)).Load().Decrypt(hostIn(aad, aadLen), hostIn(sealed, n), securemem.Flags(flags))
	if err == nil {
		*size = C.size_t(b.Len())
	}
	return keep(slot, b, err)
}

//export sprintgo_buffer_hkdf
func sprintgo_buffer_hkdf(slot, key C.uint32_t, hash C.int32_t, salt unsafe.Pointer, saltLen C.size_t, info unsafe.Pointer, infoLen, n C.size_t, flags C.uint32_t) (st C.sprint_status) {
	defer guard(&st)
	b, err := buffers.at(uint32(key)).Load().HKDF(securemem.Hash(hash), hostIn(salt, saltLen), hostIn(info, infoLen), int(n), securemem.Flags(flags))
	return keep(slot, b, err)
}

//export sprintgo_buffer_pbkdf2
func sprintgo_buffer_pbkdf2(slot, password C.uint32_t, hash C.int32_t, salt unsafe.Pointer, saltLen C.size_t, iterations C.uint32_t, n C.size_t, flags C.uint32_t) (st C.sprint_status) {
	defer guard(&st)
	b, err := buffers.at(uint32(password)).Load().PBKDF2(securemem.Hash(hash), hostIn(salt, saltLen), uint32(iterations), int(n), securemem.Flags(flags))
	return keep(slot, b, err)
}
