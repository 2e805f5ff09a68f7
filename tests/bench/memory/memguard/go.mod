// A module of its own: the peer is memguard as it is published, with the system calls
// it brings, not with those that libsprint puts in their place.
module github.com/bitcoin-sprint/libsprint/tests/bench/memory/memguard

go 1.26.0

require github.com/awnumar/memguard v0.23.0

require (
	github.com/awnumar/memcall v0.4.0 // indirect
	golang.org/x/crypto v0.41.0 // indirect
	golang.org/x/sys v0.35.0 // indirect
)
