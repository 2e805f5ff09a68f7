// Command gopoller is a peer of the rtt benchmark: crypto/tls on the Go poller,
// called from a C thread, as a Go library would do it that does not wait in C.
//
// It is a c-shared library of its own, and so a second Go runtime in the process.
// The other way in, an entry point in libsprint itself, would measure a library that
// nobody ships and let both peers share one scheduler's warm or cold state. The
// crossing is the same for both: one call from C into Go per operation. The runtimes
// do not fight over SIGURG because neither preempts by signal (the Makefile's flags
// for libsprint, this benchmark's run script here).
package main

// #include <stddef.h>
// #include <stdint.h>
import "C"

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"unsafe"
)

// The benchmark calls from one thread and holds one connection.
var conn *tls.Conn

//export gopoller_open
func gopoller_open(address, caFile, firstLine, why *C.char, size C.size_t) C.int {
	c, err := dial(text(address), text(caFile), text(firstLine))
	if err != nil {
		explain(why, size, err)
		return -1
	}
	conn = c
	return 0
}

//export gopoller_roundtrip
func gopoller_roundtrip(out, in unsafe.Pointer, size C.size_t, why *C.char, room C.size_t) C.int {
	if _, err := conn.Write(unsafe.Slice((*byte)(out), int(size))); err != nil {
		explain(why, room, err)
		return -1
	}
	if _, err := io.ReadFull(conn, unsafe.Slice((*byte)(in), int(size))); err != nil {
		explain(why, room, err)
		return -1
	}
	return 0
}

//export gopoller_version
func gopoller_version(version *C.char, size C.size_t) {
	explain(version, size, errors.New(runtime.Version()))
}

//export gopoller_close
func gopoller_close() {
	if conn != nil {
		conn.Close()
		conn = nil
	}
}

func dial(address, caFile, firstLine string) (*tls.Conn, error) {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate", caFile)
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	// TCP_NODELAY is what package net sets by itself. Records as large as libsprint's,
	// so that the poller is all that differs.
	c, err := tls.Dial("tcp", address, &tls.Config{
		ServerName:                  host,
		RootCAs:                     roots,
		MinVersion:                  tls.VersionTLS13,
		DynamicRecordSizingDisabled: true,
	})
	if err != nil {
		return nil, err
	}
	if got := c.ConnectionState().CipherSuite; got != tls.TLS_AES_128_GCM_SHA256 {
		c.Close()
		return nil, fmt.Errorf("negotiated %s", tls.CipherSuiteName(got))
	}
	if _, err := io.WriteString(c, firstLine); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func text(s *C.char) string { return C.GoString(s) }

// explain stores a NUL-terminated, possibly shortened text.
func explain(why *C.char, size C.size_t, err error) {
	if size == 0 {
		return
	}
	room := unsafe.Slice((*byte)(unsafe.Pointer(why)), int(size))
	room[copy(room[:size-1], err.Error())] = 0
}

func main() {}
