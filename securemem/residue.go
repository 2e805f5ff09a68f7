package securemem

import (
	"reflect"
	"runtime"
	"unsafe"
)

// The standard library and x/crypto leave keys, or what is as good, in their objects
// and in registers. These functions clean up after them, as far as it can be done from
// outside; a test searches the process for what they miss.

// useClean is Use for cryptography, which leaves more behind than a copy does.
func (b *Buffer) useClean(fn func(secret []byte) error) error {
	if err := b.enter(Read); err != nil {
		return err
	}
	defer b.leave(Read)
	return clean(func() error { return fn(b.data) })
}

// clean runs fn on one thread: on another one the registers of this one could not be
// cleared.
func clean(fn func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer clearVectors()
	return inSecret(fn)
}

// deepStack is more than what any of the operations here puts on the stack.
const deepStack = 16 << 10

// scrubStack overwrites the part of the stack that callees use. Before a use it makes
// the stack large enough: growing it later would leave a copy behind in the old one.
//
//go:noinline
func scrubStack() {
	var frame [deepStack]byte
	Wipe(frame[:])
	runtime.KeepAlive(&frame)
}

// scrub overwrites an object of another package, such as a cipher, that object points
// to. Pointers in it are left alone and not followed.
func scrub(object any) {
	if v := reflect.ValueOf(object); v.Kind() == reflect.Pointer {
		scrubPlain(v.Elem().Type(), v.UnsafePointer())
	}
}

func scrubPlain(t reflect.Type, p unsafe.Pointer) {
	switch {
	case isNumber(t), t.Kind() == reflect.Array && isNumber(t.Elem()):
		Wipe(unsafe.Slice((*byte)(p), t.Size()))
	case t.Kind() == reflect.Array:
		for i := range t.Len() {
			scrubPlain(t.Elem(), unsafe.Add(p, uintptr(i)*t.Elem().Size()))
		}
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			scrubPlain(f.Type, unsafe.Add(p, f.Offset))
		}
	}
}

// scrubAll overwrites all numbers that v leads to, through pointers and slices too. It
// is for objects that share nothing: interfaces and maps, which may, are not followed.
func scrubAll(v reflect.Value) {
	switch t := v.Type(); {
	case t.Kind() == reflect.Pointer && !v.IsNil():
		scrubAll(v.Elem())
	case t.Kind() == reflect.Slice && isNumber(t.Elem()):
		Wipe(unsafe.Slice((*byte)(v.UnsafePointer()), uintptr(v.Cap())*t.Elem().Size()))
	case t.Kind() == reflect.Slice:
		for i := range v.Len() {
			scrubAll(v.Index(i))
		}
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			scrubAll(v.Field(i))
		}
	}
}

func isNumber(t reflect.Type) bool {
	return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Complex128 && t.Kind() != reflect.Uintptr
}
