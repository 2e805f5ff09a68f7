// A module of its own: the control is memguard as it is published, with the system
// calls that it brings.
module github.com/bitcoin-sprint/libsprint/tests/attack/memguard

go 1.26.0

require github.com/awnumar/memguard v0.23.0

require (
	github.com/awnumar/memcall v0.4.0 // indirect
	golang.org/x/crypto v0.41.0 // indirect
	golang.org/x/sys v0.35.0 // indirect
)
