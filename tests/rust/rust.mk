# Included by the root Makefile: the Rust crates. BUILD is where everything built goes.
BUILD ?= build

.PHONY: test-rust
test-rust: deps lib static $(BUILD)/relay ## The Rust crates against relay, Redis and bindgen; what docs/rust.md shows
	tests/rust/run
	tests/examples/rust/test.sh
	tests/examples/rust/test.sh static

.PHONY: test-msrv
test-msrv: deps lib $(BUILD)/relay ## The Rust crates with the oldest compiler they are made for, that of Debian 12
	tests/rust/msrv
