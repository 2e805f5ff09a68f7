//! Raw declarations of libsprint's C interface, `include/sprint.h`.
//!
//! The header is the contract and holds the documentation: every item here has its name,
//! its types and its rules. Nothing is added, nothing decided; the safe interface is the
//! crate `sprint`.
//!
//! `build.rs` finds the library, see the crate's README for where it looks.

#![no_std]
#![allow(non_camel_case_types)]
#![deny(unsafe_op_in_unsafe_fn)]

use core::ffi::c_void;

mod constants;
pub use constants::*;

/// C's `char`. `core::ffi::c_char` is younger than this crate's minimum Rust version.
#[cfg(any(not(target_os = "linux"), target_arch = "x86", target_arch = "x86_64"))]
pub type c_char = i8;
/// C's `char`. `core::ffi::c_char` is younger than this crate's minimum Rust version.
#[cfg(all(
    target_os = "linux",
    not(any(target_arch = "x86", target_arch = "x86_64"))
))]
pub type c_char = u8;

/// Result of a call: `SPRINT_OK` or one of the negative `SPRINT_E_*`.
pub type sprint_status = i32;
/// A pool's settings being put together.
pub type sprint_config = u64;
/// A bounded pool of verified TLS connections.
pub type sprint_pool = u64;
/// A connection on lease from a pool.
pub type sprint_conn = u64;
/// A secret in locked, guarded memory.
pub type sprint_buffer = u64;

/// Counters of a pool at one moment. Set `struct_size` before the call.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct sprint_pool_stats {
    pub struct_size: u32,
    pub max_connections: u32,
    pub idle: u32,
    pub lent: u32,
    pub dialing: u32,
    pub waiting: u32,
    pub breaker_state: u32,
    pub healthy: u32,
    pub acquires: u64,
    pub dials: u64,
    pub dial_errors: u64,
    pub reconnects: u64,
    pub errors: u64,
    pub timeouts: u64,
    pub discards: u64,
    pub bytes_sent: u64,
    pub bytes_received: u64,
}

/// Secure memory of this process at one moment. Set `struct_size` before the call.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct sprint_memory_stats {
    pub struct_size: u32,
    pub enabled: u32,
    pub self_check: u32,
    pub backend: u32,
    pub buffers: u64,
    pub sealed: u64,
    pub locked_bytes: u64,
    pub lock_limit_bytes: u64,
    pub slots_cached: u64,
    pub refused: u64,
    pub canary_failures: u64,
    pub forks_refused: u64,
    pub unlocked: u64,
}

extern "C" {
    // library
    pub fn sprint_init(abi: u32) -> sprint_status;
    pub fn sprint_version() -> *const c_char;
    pub fn sprint_strerror(status: sprint_status) -> *const c_char;
    pub fn sprint_errname(status: sprint_status) -> *const c_char;
    pub fn sprint_last_error(text: *mut c_char, cap: usize) -> usize;
    pub fn sprint_log_to_fd(fd: i32, level: i32) -> sprint_status;

    // configuration
    pub fn sprint_config_new(endpoints: *const c_char, out: *mut sprint_config) -> sprint_status;
    pub fn sprint_config_set_str(
        config: sprint_config,
        option: i32,
        utf8: *const c_char,
    ) -> sprint_status;
    pub fn sprint_config_set_int(config: sprint_config, option: i32, value: i64) -> sprint_status;
    pub fn sprint_config_set_bytes(
        config: sprint_config,
        option: i32,
        data: *const c_void,
        len: usize,
    ) -> sprint_status;
    pub fn sprint_config_set_buffer(
        config: sprint_config,
        option: i32,
        secret: sprint_buffer,
    ) -> sprint_status;
    pub fn sprint_config_free(config: sprint_config);

    // pool
    pub fn sprint_pool_new(config: sprint_config, out: *mut sprint_pool) -> sprint_status;
    pub fn sprint_pool_warm_up(pool: sprint_pool, count: u32, timeout_ms: i64) -> sprint_status;
    pub fn sprint_pool_acquire(
        pool: sprint_pool,
        timeout_ms: i64,
        out: *mut sprint_conn,
    ) -> sprint_status;
    pub fn sprint_pool_start_cleanup(pool: sprint_pool) -> sprint_status;
    pub fn sprint_pool_stop_cleanup(pool: sprint_pool) -> sprint_status;
    pub fn sprint_pool_start_metrics(pool: sprint_pool, port: *mut u16) -> sprint_status;
    pub fn sprint_pool_stop_metrics(pool: sprint_pool) -> sprint_status;
    pub fn sprint_pool_resize(
        pool: sprint_pool,
        max_connections: u32,
        min_idle: u32,
    ) -> sprint_status;
    pub fn sprint_pool_pause(pool: sprint_pool) -> sprint_status;
    pub fn sprint_pool_resume(pool: sprint_pool) -> sprint_status;
    pub fn sprint_pool_evict_endpoint(pool: sprint_pool, endpoint: *const c_char) -> sprint_status;
    pub fn sprint_pool_reset(pool: sprint_pool) -> sprint_status;
    pub fn sprint_pool_rotate(pool: sprint_pool) -> sprint_status;
    pub fn sprint_pool_stats_get(pool: sprint_pool, inout: *mut sprint_pool_stats)
        -> sprint_status;
    pub fn sprint_pool_status_json(
        pool: sprint_pool,
        buf: *mut c_char,
        cap: usize,
        needed: *mut usize,
    ) -> sprint_status;
    pub fn sprint_pool_close(pool: sprint_pool, grace_ms: i64, forced: *mut u32) -> sprint_status;
    pub fn sprint_pool_free(pool: sprint_pool);

    // connection
    pub fn sprint_conn_write(
        conn: sprint_conn,
        data: *const c_void,
        len: usize,
        timeout_ms: i64,
    ) -> sprint_status;
    pub fn sprint_conn_read(
        conn: sprint_conn,
        buf: *mut c_void,
        cap: usize,
        timeout_ms: i64,
        n: *mut usize,
    ) -> sprint_status;
    pub fn sprint_conn_read_exact(
        conn: sprint_conn,
        buf: *mut c_void,
        len: usize,
        timeout_ms: i64,
        n: *mut usize,
    ) -> sprint_status;
    pub fn sprint_conn_request(
        conn: sprint_conn,
        data: *const c_void,
        len: usize,
        buf: *mut c_void,
        cap: usize,
        flags: u32,
        timeout_ms: i64,
        n: *mut usize,
    ) -> sprint_status;
    pub fn sprint_conn_write_secret(
        conn: sprint_conn,
        secret: sprint_buffer,
        timeout_ms: i64,
    ) -> sprint_status;
    pub fn sprint_conn_try_write(
        conn: sprint_conn,
        data: *const c_void,
        len: usize,
        n: *mut usize,
    ) -> sprint_status;
    pub fn sprint_conn_try_read(
        conn: sprint_conn,
        buf: *mut c_void,
        cap: usize,
        n: *mut usize,
    ) -> sprint_status;
    pub fn sprint_conn_flush(conn: sprint_conn, timeout_ms: i64) -> sprint_status;
    pub fn sprint_conn_poll_info(conn: sprint_conn, fd: *mut i32, want: *mut u32) -> sprint_status;
    pub fn sprint_conn_id(conn: sprint_conn, id: *mut u64) -> sprint_status;
    pub fn sprint_conn_uses(conn: sprint_conn, uses: *mut u64) -> sprint_status;
    pub fn sprint_conn_info_json(
        conn: sprint_conn,
        buf: *mut c_char,
        cap: usize,
        needed: *mut usize,
    ) -> sprint_status;
    pub fn sprint_conn_release(conn: sprint_conn);
    pub fn sprint_conn_discard(conn: sprint_conn);

    // secure buffer
    pub fn sprint_buffer_alloc(len: usize, flags: u32, out: *mut sprint_buffer) -> sprint_status;
    pub fn sprint_buffer_from(
        src: *mut c_void,
        len: usize,
        flags: u32,
        out: *mut sprint_buffer,
    ) -> sprint_status;
    pub fn sprint_buffer_random(len: usize, flags: u32, out: *mut sprint_buffer) -> sprint_status;
    pub fn sprint_buffer_len(buffer: sprint_buffer, len: *mut usize) -> sprint_status;
    pub fn sprint_buffer_protection(
        buffer: sprint_buffer,
        backend: *mut u32,
        locked: *mut u32,
    ) -> sprint_status;
    pub fn sprint_buffer_read(
        buffer: sprint_buffer,
        offset: usize,
        dst: *mut c_void,
        len: usize,
    ) -> sprint_status;
    pub fn sprint_buffer_write(
        buffer: sprint_buffer,
        offset: usize,
        src: *const c_void,
        len: usize,
    ) -> sprint_status;
    pub fn sprint_buffer_open(
        buffer: sprint_buffer,
        mode: i32,
        data: *mut *mut c_void,
        len: *mut usize,
    ) -> sprint_status;
    pub fn sprint_buffer_close(buffer: sprint_buffer) -> sprint_status;
    pub fn sprint_buffer_seal(buffer: sprint_buffer) -> sprint_status;
    pub fn sprint_buffer_expire_after(buffer: sprint_buffer, ttl_ms: i64) -> sprint_status;
    pub fn sprint_buffer_equal(
        a: sprint_buffer,
        b: sprint_buffer,
        equal: *mut i32,
    ) -> sprint_status;
    pub fn sprint_buffer_hmac(
        key: sprint_buffer,
        hash: i32,
        msg: *const c_void,
        len: usize,
        mac: *mut c_void,
        cap: usize,
        n: *mut usize,
    ) -> sprint_status;
    pub fn sprint_buffer_public_ed25519(seed: sprint_buffer, key: *mut u8) -> sprint_status;
    pub fn sprint_buffer_sign_ed25519(
        seed: sprint_buffer,
        msg: *const c_void,
        len: usize,
        signature: *mut u8,
    ) -> sprint_status;
    pub fn sprint_buffer_encrypt(
        key: sprint_buffer,
        aad: *const c_void,
        aad_len: usize,
        plain: *const c_void,
        len: usize,
        out: *mut c_void,
        cap: usize,
        n: *mut usize,
    ) -> sprint_status;
    pub fn sprint_buffer_decrypt(
        key: sprint_buffer,
        aad: *const c_void,
        aad_len: usize,
        sealed: *const c_void,
        len: usize,
        flags: u32,
        out: *mut sprint_buffer,
    ) -> sprint_status;
    pub fn sprint_buffer_hkdf(
        key: sprint_buffer,
        hash: i32,
        salt: *const c_void,
        salt_len: usize,
        info: *const c_void,
        info_len: usize,
        out_len: usize,
        flags: u32,
        out: *mut sprint_buffer,
    ) -> sprint_status;
    pub fn sprint_buffer_pbkdf2(
        password: sprint_buffer,
        hash: i32,
        salt: *const c_void,
        salt_len: usize,
        iterations: u32,
        out_len: usize,
        flags: u32,
        out: *mut sprint_buffer,
    ) -> sprint_status;
    pub fn sprint_buffer_free(buffer: sprint_buffer);
    pub fn sprint_wipe(p: *mut c_void, len: usize);

    // memory protection
    pub fn sprint_memory_stats_get(inout: *mut sprint_memory_stats) -> sprint_status;
    pub fn sprint_memory_status_json(
        buf: *mut c_char,
        cap: usize,
        needed: *mut usize,
    ) -> sprint_status;
    pub fn sprint_memory_self_check() -> sprint_status;
    pub fn sprint_memory_set(option: i32, value: i64) -> sprint_status;
    pub fn sprint_events_to_fd(fd: i32) -> sprint_status;
}
