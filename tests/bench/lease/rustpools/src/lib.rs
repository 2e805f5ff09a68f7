//! Pools of Rust programs for the lease benchmark, behind C functions. The asynchronous
//! ones run their callers as tasks on a runtime, whole blocks at a time; r2d2 is called
//! by threads that the benchmark has.

mod socket;
mod tasks;

use std::ffi::{c_char, c_int, CStr};
use std::time::Duration;

use socket::Manager;
use tasks::Tasks;

enum Pool {
    R2d2(r2d2::Pool<Manager>),
    Bb8(Tasks<bb8::Pool<Manager>>),
    Deadpool(Tasks<deadpool::managed::Pool<Manager>>),
}

/// No caller of the benchmark is to give up.
const PATIENCE: Duration = Duration::from_secs(60);

type Failure = Box<dyn std::error::Error>;

fn open(kind: &str, connections: u32, manager: Manager) -> Result<Pool, Failure> {
    Ok(match kind {
        "r2d2" => Pool::R2d2(
            r2d2::Pool::builder()
                .max_size(connections)
                .connection_timeout(PATIENCE)
                .test_on_check_out(manager.check)
                .build(manager)?,
        ),
        "bb8" => Pool::Bb8(Tasks::new(|runtime| {
            runtime.block_on(
                bb8::Pool::builder()
                    .max_size(connections)
                    .min_idle(connections)
                    .connection_timeout(PATIENCE)
                    .test_on_check_out(manager.check)
                    .build(manager),
            )
        })?),
        _ => Pool::Deadpool(Tasks::new(|_| {
            deadpool::managed::Pool::builder(manager)
                .max_size(connections as usize)
                .build()
        })?),
    })
}

/// A pool, or NULL with a text in `why`. `check`: whether connections are looked at when
/// they are handed out.
///
/// # Safety
/// The texts end in NUL, and `why` has `room` bytes.
#[no_mangle]
pub unsafe extern "C" fn rustpools_open(
    kind: *const c_char,
    connections: c_int,
    check: c_int,
    address: *const c_char,
    why: *mut c_char,
    room: usize,
) -> *mut std::ffi::c_void {
    let text = |p| CStr::from_ptr(p).to_string_lossy();
    let manager = Manager {
        address: text(address).into_owned(),
        check: check != 0,
    };
    match open(&text(kind), connections as u32, manager) {
        Ok(pool) => Box::into_raw(Box::new(pool)).cast(),
        Err(failure) => {
            store(why, room, &failure.to_string());
            std::ptr::null_mut()
        }
    }
}

unsafe fn r2d2<'a>(pool: *const std::ffi::c_void) -> Option<&'a r2d2::Pool<Manager>> {
    match &*pool.cast::<Pool>() {
        Pool::R2d2(pool) => Some(pool),
        _ => None,
    }
}

/// One acquire and release of r2d2. 0, or -1.
///
/// # Safety
/// `pool` is one of [`rustpools_open`].
#[no_mangle]
pub unsafe extern "C" fn rustpools_cycle(pool: *const std::ffi::c_void) -> c_int {
    match r2d2(pool).map(r2d2::Pool::get) {
        Some(Ok(lease)) => {
            drop(lease);
            0
        }
        _ => -1,
    }
}

/// A lease of r2d2, or NULL.
///
/// # Safety
/// `pool` is one of [`rustpools_open`].
#[no_mangle]
pub unsafe extern "C" fn rustpools_acquire(pool: *const std::ffi::c_void) -> *mut std::ffi::c_void {
    match r2d2(pool).map(r2d2::Pool::get) {
        Some(Ok(lease)) => Box::into_raw(Box::new(lease)).cast(),
        _ => std::ptr::null_mut(),
    }
}

/// # Safety
/// `lease` is one of [`rustpools_acquire`], not released yet.
#[no_mangle]
pub unsafe extern "C" fn rustpools_release(lease: *mut std::ffi::c_void) {
    drop(Box::from_raw(
        lease.cast::<r2d2::PooledConnection<Manager>>(),
    ));
}

/// `ops` acquires and releases by each of `callers` tasks. 0, or -1.
///
/// # Safety
/// `pool` is one of [`rustpools_open`].
#[no_mangle]
pub unsafe extern "C" fn rustpools_block(
    pool: *const std::ffi::c_void,
    callers: c_int,
    ops: c_int,
) -> c_int {
    let done = match &*pool.cast::<Pool>() {
        Pool::R2d2(_) => None,
        Pool::Bb8(tasks) => tasks.block(callers as usize, ops as usize),
        Pool::Deadpool(tasks) => tasks.block(callers as usize, ops as usize),
    };
    done.map_or(-1, |()| 0)
}

/// How long acquires take, in nanoseconds, while each of `callers` tasks holds its lease
/// for `hold_us`. 0, or -1.
///
/// # Safety
/// `pool` is one of [`rustpools_open`], and `samples` has `count` places.
#[no_mangle]
pub unsafe extern "C" fn rustpools_collect(
    pool: *const std::ffi::c_void,
    callers: c_int,
    samples: *mut f64,
    count: c_int,
    hold_us: c_int,
) -> c_int {
    let samples = std::slice::from_raw_parts_mut(samples, count as usize);
    let hold = Duration::from_micros(hold_us as u64);
    let done = match &*pool.cast::<Pool>() {
        Pool::R2d2(_) => None,
        Pool::Bb8(tasks) => tasks.collect(callers as usize, samples, hold),
        Pool::Deadpool(tasks) => tasks.collect(callers as usize, samples, hold),
    };
    done.map_or(-1, |()| 0)
}

unsafe fn store(at: *mut c_char, room: usize, text: &str) {
    let n = text.len().min(room.saturating_sub(1));
    std::ptr::copy_nonoverlapping(text.as_ptr(), at.cast(), n);
    *at.add(n) = 0;
}

impl tasks::Leases for bb8::Pool<Manager> {
    type Lease<'a> = bb8::PooledConnection<'a, Manager>;

    async fn lease(&self) -> Option<Self::Lease<'_>> {
        self.get().await.ok()
    }
}

impl tasks::Leases for deadpool::managed::Pool<Manager> {
    type Lease<'a> = deadpool::managed::Object<Manager>;

    async fn lease(&self) -> Option<Self::Lease<'_>> {
        self.get().await.ok()
    }
}
