//! Which types may cross threads. Each line compiles or the promise is broken.

use sprint::{
    Config, Conn, Error, Flags, MemoryStats, Pool, PoolStats, ReadGuard, ReadHalf, SecureBuffer,
    WriteGuard, WriteHalf,
};

fn send<T: Send>() {}
fn sync<T: Sync>() {}

/// Two implementations fit a type that is Sync, so that naming one is ambiguous.
trait NotSync<Witness> {
    fn check() {}
}
struct ForSync;
impl<T: ?Sized> NotSync<()> for T {}
impl<T: ?Sized + Sync> NotSync<ForSync> for T {}

#[test]
fn types_are_send_and_sync_as_documented() {
    send::<Pool>();
    sync::<Pool>();
    send::<SecureBuffer>();
    sync::<SecureBuffer>();
    send::<ReadGuard<'_>>();
    sync::<ReadGuard<'_>>();
    send::<WriteGuard<'_>>();
    sync::<WriteGuard<'_>>();
    send::<Config>();
    send::<ReadHalf<'_>>();
    send::<WriteHalf<'_>>();
    send::<Error>();
    sync::<Error>();
    send::<PoolStats>();
    send::<MemoryStats>();
    send::<Flags>();
    sync::<Flags>();

    send::<Conn>();
    <Conn as NotSync<_>>::check();
}
