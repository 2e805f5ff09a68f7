package main

// #include "bridge.h"
import "C"

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"unicode/utf8"
	"unsafe"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/securemem"
)

// settings are a pool's options being put together.
type settings struct {
	endpoints string
	options   pool.Options
	token     *securemem.Buffer // owned; nil for none
	key       *securemem.Buffer // the same
}

var configs table[atomic.Pointer[settings]]

//export sprintgo_config_new
func sprintgo_config_new(slot C.uint32_t, endpoints *C.char) (st C.sprint_status) {
	defer guard(&st)
	list := string(hostText(endpoints, "config: endpoints"))
	if err := pool.CheckEndpoints(list); err != nil {
		return status(err)
	}
	s := &settings{endpoints: list, options: pool.Defaults()}
	s.options.Detach = detach
	s.options.Logger = logger
	configs.at(uint32(slot)).Store(s)
	return C.SPRINT_OK
}

// lookUp finds an option that takes a value of the given type.
func lookUp(number C.int32_t, typ string, takes func(option) bool) (option, error) {
	o, known := options[number]
	if !known {
		return o, argError{C.SPRINT_E_UNSUPPORTED, fmt.Sprintf("option %d: not known to this library", number)}
	}
	if !takes(o) {
		return o, argError{C.SPRINT_E_ARG, fmt.Sprintf("%s: does not take %s", o.name, typ)}
	}
	return o, nil
}

//export sprintgo_config_set_str
func sprintgo_config_set_str(slot C.uint32_t, number C.int32_t, utf8Text *C.char) (st C.sprint_status) {
	defer guard(&st)
	o, err := lookUp(number, "a string", func(o option) bool { return o.str != nil || o.copied })
	if err != nil {
		return status(err)
	}
	if utf8Text == nil {
		return status(argError{C.SPRINT_E_ARG, o.name + ": utf8 is NULL"})
	}
	text := hostText(utf8Text, o.name)
	s := configs.at(uint32(slot)).Load()
	if o.copied {
		return status(s.setSecret(o, text))
	}
	v := string(text)
	if !utf8.ValidString(v) {
		return status(argError{C.SPRINT_E_ARG, o.name + ": not UTF-8"})
	}
	o.str(&s.options, v)
	return C.SPRINT_OK
}

// setSecret copies text, which stays the host's, into locked memory.
func (s *settings) setSecret(o option, text []byte) error {
	if len(text) == 0 {
		return argError{C.SPRINT_E_ARG, o.name + ": empty"}
	}
	b, err := securemem.Alloc(len(text), 0)
	if err != nil {
		return err
	}
	if err := b.WriteAt(text, 0); err != nil {
		_ = b.Free()
		return err
	}
	replace(o.secret(s), b)
	return nil
}

// replace takes b over.
func replace(place **securemem.Buffer, b *securemem.Buffer) {
	if *place != nil {
		_ = (*place).Free()
	}
	*place = b
}

//export sprintgo_config_set_int
func sprintgo_config_set_int(slot C.uint32_t, number C.int32_t, value C.int64_t) (st C.sprint_status) {
	defer guard(&st)
	o, err := lookUp(number, "a number", func(o option) bool { return o.number != nil })
	if err != nil {
		return status(err)
	}
	if value < 0 {
		return status(argError{C.SPRINT_E_ARG, fmt.Sprintf("%s: %d is negative", o.name, int64(value))})
	}
	if o.most != 0 && int64(value) > o.most {
		return status(argError{C.SPRINT_E_ARG, fmt.Sprintf("%s: %d is above %d", o.name, int64(value), o.most)})
	}
	o.number(&configs.at(uint32(slot)).Load().options, int64(value))
	return C.SPRINT_OK
}

//export sprintgo_config_set_bytes
func sprintgo_config_set_bytes(slot C.uint32_t, number C.int32_t, data unsafe.Pointer, n C.size_t) (st C.sprint_status) {
	defer guard(&st)
	o, err := lookUp(number, "bytes", func(o option) bool { return o.bytes != nil })
	if err != nil {
		return status(err)
	}
	switch {
	case data == nil:
		return status(argError{C.SPRINT_E_ARG, o.name + ": data is NULL"})
	case n == 0 || n > C.SPRINT_MAX_BYTES:
		return status(argError{C.SPRINT_E_ARG, o.name + ": len is not within 1 byte and 4 MiB"})
	}
	o.bytes(&configs.at(uint32(slot)).Load().options, bytes.Clone(hostIn(data, n)))
	return C.SPRINT_OK
}

//export sprintgo_config_set_buffer
func sprintgo_config_set_buffer(slot C.uint32_t, number C.int32_t, buffer C.uint32_t) (st C.sprint_status) {
	defer guard(&st)
	o, err := lookUp(number, "a secure buffer", func(o option) bool { return o.secret != nil })
	if err != nil {
		return status(err)
	}
	replace(o.secret(configs.at(uint32(slot)).Load()), buffers.at(uint32(buffer)).Load().Retain())
	return C.SPRINT_OK
}

//export sprintgo_config_destroy
func sprintgo_config_destroy(slot C.uint32_t) {
	defer guardVoid()
	s := configs.at(uint32(slot)).Swap(nil)
	replace(&s.token, nil)
	replace(&s.key, nil)
}
