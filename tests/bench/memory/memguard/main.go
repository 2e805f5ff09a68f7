// Command memguard is a peer of the memory benchmark: memguard as it is published,
// behind C functions as small as libsprint's.
package main

// #include <stddef.h>
// #include <stdint.h>
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/cgo"
	"runtime/debug"
	"unsafe"

	"github.com/awnumar/memguard"
)

//export memguard_alloc
func memguard_alloc(size C.size_t, buffer *C.uint64_t, why *C.char, room C.size_t) (rc C.int) {
	defer report(why, room, &rc)
	b := memguard.NewBuffer(int(size))
	if !b.IsAlive() {
		panic(errors.New("memguard.NewBuffer: no buffer"))
	}
	*buffer = C.uint64_t(cgo.NewHandle(b))
	return 0
}

//export memguard_free
func memguard_free(buffer C.uint64_t) {
	h := cgo.Handle(buffer)
	h.Value().(*memguard.LockedBuffer).Destroy()
	h.Delete()
}

//export memguard_freeze
func memguard_freeze(buffer C.uint64_t) {
	cgo.Handle(buffer).Value().(*memguard.LockedBuffer).Freeze()
}

//export memguard_melt
func memguard_melt(buffer C.uint64_t) {
	cgo.Handle(buffer).Value().(*memguard.LockedBuffer).Melt()
}

//export memguard_data
func memguard_data(buffer C.uint64_t) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(cgo.Handle(buffer).Value().(*memguard.LockedBuffer).Bytes()))
}

// memguard_seal_open seals a copy of the secret, opens it again and compares.
//
//export memguard_seal_open
func memguard_seal_open(secret unsafe.Pointer, size C.size_t, why *C.char, room C.size_t) (rc C.int) {
	defer report(why, room, &rc)
	want := unsafe.Slice((*byte)(secret), int(size))
	opened, err := memguard.NewEnclave(bytes.Clone(want)).Open()
	if err != nil {
		panic(err)
	}
	defer opened.Destroy()
	if !opened.EqualTo(want) {
		panic(errors.New("memguard: opened to something else"))
	}
	return 0
}

//export memguard_version
func memguard_version(text *C.char, room C.size_t) {
	store(text, room, "unknown")
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/awnumar/memguard" {
				store(text, room, m.Version)
			}
		}
	}
}

// report turns a panic, which is how memguard fails at the lock limit, into a text.
func report(why *C.char, room C.size_t, rc *C.int) {
	if v := recover(); v != nil {
		store(why, room, fmt.Sprint(v))
		*rc = -1
	}
}

// store leaves a NUL-terminated, possibly shortened text.
func store(at *C.char, size C.size_t, text string) {
	room := unsafe.Slice((*byte)(unsafe.Pointer(at)), int(size))
	room[copy(room[:size-1], text)] = 0
}

func main() {}
