# Included by the root Makefile.

##@ Measuring

.PHONY: bench
bench: bench-rtt bench-rtt-sparse bench-bulk bench-lease bench-handshake bench-scale bench-guest bench-memory bench-sign bench-tokens bench-pointers ## All benchmarks beside their peers; JSON in build/bench/

.PHONY: bench-rtt
bench-rtt: deps lib ## Echo round trips: raw TCP, OpenSSL, rustls, the Go poller, Python's ssl, ours; 32 threads at once
	tests/bench/rtt/run
	tests/bench/tls/run rtt-threads

.PHONY: bench-rtt-sparse
bench-rtt-sparse: deps lib ## The same after 1 ms and 20 ms of silence
	tests/bench/rtt/run --sparse

.PHONY: bench-lease
bench-lease: deps lib ## Acquire and release: puddle, go-redis, r2d2, bb8, deadpool, ours
	tests/bench/lease/run

.PHONY: bench-bulk
bench-bulk: deps lib ## 256 MiB each way: OpenSSL, rustls, ours
	tests/bench/tls/run bulk

.PHONY: bench-handshake
bench-handshake: deps lib ## A new connection, its session resumed and not: OpenSSL, rustls, ours
	tests/bench/tls/run handshake
	tests/bench/tls/run handshake-resumed

.PHONY: bench-scale
bench-scale: deps lib ## 10,000 idle connections in one process, beside OpenSSL's memory
	tests/bench/scale/run

.PHONY: bench-tokens
bench-tokens: deps ## Whether the time of a refused metrics token tells how wrong it was
	@python3 tests/bench/go/facts.py tokens ./pool/monitor BenchmarkWrongTokens --time 300000x --limit t=4.5

.PHONY: bench-pointers
bench-pointers: deps ## What it costs to try a pointer of the host before it is used
	@python3 tests/bench/go/facts.py pointers ./capi BenchmarkPointersOfTheHost

.PHONY: bench-guest
bench-guest: deps lib ## What loading the library costs its host
	tests/bench/guest/run

.PHONY: bench-memory
bench-memory: deps lib ## Secure memory: libsodium, OpenSSL's secure heap, memguard, malloc + wipe, ours
	tests/bench/memory/run

.PHONY: bench-sign
bench-sign: deps lib ## HMAC-SHA256 and Ed25519 with a locked key: OpenSSL, libsodium, ours
	tests/bench/sign/run

.PHONY: bench-short
bench-short: deps lib ## The benchmarks' short form, to see that they run
	tests/bench/rtt/run --short
	tests/bench/tls/run rtt-threads --short
	tests/bench/tls/run bulk --short
	tests/bench/lease/run --short
	tests/bench/tls/run handshake --short
	tests/bench/tls/run handshake-resumed --short
	tests/bench/scale/run --short
	tests/bench/guest/run --short
	tests/bench/memory/run --short
	tests/bench/sign/run --short
