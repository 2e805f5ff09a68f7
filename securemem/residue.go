package securemem

import (
	"reflect"
	"unsafe"
)

// The standard library and x/crypto make objects, stack frames and register contents
// that hold a key, or what is as good, and leave them as they are. These functions
// clean up after them, as far as it can be done from outside.

// useClean is Use, and wipes afterwards the vector registers and the part of the stack
// that fn used. The stack is touched before too, so that it does not move in between
// and leave a copy behind.
func (b *Buffer) useClean(fn func(secret []byte) error) error {
	if err := b.enter(Read); err != nil {
		return err
	}
	defer b.leave(Read)
	overwriteStack()
	defer overwriteStack()
	defer clearVectors()
	return fn(b.data)
}

//go:noinline
func overwriteStack() {
	var below [4 << 10]byte
	Wipe(below[:])
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

func isNumber(t reflect.Type) bool {
	return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Complex128 && t.Kind() != reflect.Uintptr
}
