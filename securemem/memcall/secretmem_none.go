//go:build !(linux && (amd64 || arm64 || riscv64))

package memcall

import "errors"

var errNoSecretmem = errors.New("memfd_secret(2) is for Linux on amd64, arm64 and riscv64")

func probeSecretmem() error { return errNoSecretmem }

func overlaySecretmem([]byte) error { return errNoSecretmem }
