# Sourced by the run scripts, which set percent: build what the TLS stacks of tests/bench/tls load, and say
# what a program that holds them is compiled from: STACK_FLAGS, STACK_SOURCES, STACK_LIBS.
# shellcheck shell=sh
# asyncpreemptoff: as libsprint is built, so that neither runtime sends signals.
go build -buildmode=c-shared -trimpath -ldflags='-s -w -X runtime.godebugDefault=asyncpreemptoff=1' \
    -o build/bench/gopoller.so ./tests/bench/tls/gopoller
# The short form does without rustls, whose cryptography takes a minute to build.
RUSTLS=$PWD/build/cargo/release/librustlspeer.so
if [ "${percent:?}" -ge 100 ]; then
    CARGO_TARGET_DIR=build/cargo cargo build --quiet --release --locked \
        --manifest-path tests/bench/tls/rustlspeer/Cargo.toml
else
    RUSTLS=none
    echo "the short form leaves rustls out"
fi
STACK_FLAGS="-std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -pthread -Iinclude -Itests/bench/common -Itests/bench/tls"
STACK_SOURCES=$(echo tests/bench/tls/*.c tests/bench/common/*.c)
STACK_LIBS="-lssl -lcrypto -ldl -lm"
export RUSTLS STACK_FLAGS STACK_SOURCES STACK_LIBS
