# Included by the root Makefile. BUILD is where everything built goes.
BUILD ?= build

.PHONY: test-install
test-install: deps lib static $(BUILD)/relay ## Install into a temporary root; C, CMake and Rust programs build from it
	CARGO_TARGET_DIR=$(BUILD)/cargo-installed tests/packages/installed $(LIB) $(BUILD)/libsprint.a $(BUILD)/relay

.PHONY: test-packages
test-packages: deps packages $(BUILD)/relay ## The .deb in a fresh Debian root (needs root), the .rpm in a root of its own
	tests/packages/packaged $(BUILD)/packages $(BUILD)/relay

.PHONY: test-wheel
test-wheel: deps wheel $(BUILD)/relay ## The Python wheel in a clean environment: doctor, ping, an echo
	tests/packages/wheel $(BUILD)/wheel/*.whl $(BUILD)/venv/bin/python $(BUILD)/relay

.PHONY: test-arm64
test-arm64: deps ## The C tests on linux/arm64: cross-built, under qemu-user
	$(call apt_install,gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)
	tests/c/run arm64
