# Included by the root Makefile.

##@ Measuring

.PHONY: bench
bench: bench-rtt bench-rtt-sparse bench-lease bench-memory bench-sign ## All benchmarks beside their peers; JSON in build/bench/

.PHONY: bench-rtt
bench-rtt: lib ## Echo round trips: raw TCP, OpenSSL, the Go poller, ours
	tests/bench/rtt/run

.PHONY: bench-rtt-sparse
bench-rtt-sparse: lib ## The same after 1 ms and 20 ms of silence
	tests/bench/rtt/run --sparse

.PHONY: bench-lease
bench-lease: lib ## Acquire and release: puddle, go-redis, r2d2, bb8, deadpool, ours
	tests/bench/lease/run

.PHONY: bench-memory
bench-memory: lib ## Secure memory: libsodium, OpenSSL's secure heap, memguard, malloc + wipe, ours
	tests/bench/memory/run

.PHONY: bench-sign
bench-sign: lib ## HMAC-SHA256 and Ed25519 with a locked key: OpenSSL, libsodium, ours
	tests/bench/sign/run

.PHONY: bench-short
bench-short: lib ## The benchmarks' short form, to see that they run
	tests/bench/rtt/run --short
	tests/bench/lease/run --short
	tests/bench/memory/run --short
	tests/bench/sign/run --short
