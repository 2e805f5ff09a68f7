//! rustls as its documentation has it, a `StreamOwned` over a blocking socket with the
//! default provider, behind C functions.

use std::ffi::{c_char, c_int, c_void, CStr};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned};

type Session = StreamOwned<ClientConnection, TcpStream>;
type Failure = Box<dyn std::error::Error>;

/// One for all sessions, so that later ones resume earlier ones.
static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();

fn config(ca_file: &str) -> Result<Arc<ClientConfig>, Failure> {
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca_file)? {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(CONFIG.get_or_init(|| Arc::new(config)).clone())
}

fn connect(address: &str, ca_file: &str) -> Result<Session, Failure> {
    let (host, _) = address.rsplit_once(':').ok_or("not host:port")?;
    let name = ServerName::try_from(host.to_owned())?;
    let mut tls = ClientConnection::new(config(ca_file)?, name)?;
    let mut tcp = TcpStream::connect(address)?;
    tcp.set_nodelay(true)?;
    while tls.is_handshaking() {
        tls.complete_io(&mut tcp)?;
    }
    match tls.negotiated_cipher_suite().map(|s| s.suite()) {
        Some(rustls::CipherSuite::TLS13_AES_128_GCM_SHA256) => Ok(StreamOwned::new(tls, tcp)),
        other => Err(format!("negotiated {other:?}").into()),
    }
}

/// A session, or NULL with a text in `why`.
///
/// # Safety
/// The texts end in NUL, and `why` has `room` bytes.
#[no_mangle]
pub unsafe extern "C" fn rustlspeer_connect(
    address: *const c_char,
    ca_file: *const c_char,
    why: *mut c_char,
    room: usize,
) -> *mut c_void {
    let text = |p| CStr::from_ptr(p).to_string_lossy();
    match connect(&text(address), &text(ca_file)) {
        Ok(session) => Box::into_raw(Box::new(session)).cast(),
        Err(failure) => {
            store(why, room, &failure.to_string());
            std::ptr::null_mut()
        }
    }
}

/// All of `len` bytes. 0, or -1 with a text in `why`.
///
/// # Safety
/// `session` is one of [`rustlspeer_connect`]; `data` has `len` bytes, `why` has `room`.
#[no_mangle]
pub unsafe extern "C" fn rustlspeer_write(
    session: *mut c_void,
    data: *const u8,
    len: usize,
    why: *mut c_char,
    room: usize,
) -> c_int {
    let session = &mut *session.cast::<Session>();
    answer(
        session.write_all(std::slice::from_raw_parts(data, len)),
        why,
        room,
    )
}

/// Exactly `len` bytes. 0, or -1 with a text in `why`.
///
/// # Safety
/// As [`rustlspeer_write`].
#[no_mangle]
pub unsafe extern "C" fn rustlspeer_read(
    session: *mut c_void,
    data: *mut u8,
    len: usize,
    why: *mut c_char,
    room: usize,
) -> c_int {
    let session = &mut *session.cast::<Session>();
    answer(
        session.read_exact(std::slice::from_raw_parts_mut(data, len)),
        why,
        room,
    )
}

/// Whether the handshake resumed an earlier session.
///
/// # Safety
/// `session` is one of [`rustlspeer_connect`].
#[no_mangle]
pub unsafe extern "C" fn rustlspeer_resumed(session: *mut c_void) -> c_int {
    let session = &*session.cast::<Session>();
    (session.conn.handshake_kind() == Some(HandshakeKind::Resumed)).into()
}

/// Ends a session in order and frees it.
///
/// # Safety
/// `session` is one of [`rustlspeer_connect`], not closed yet.
#[no_mangle]
pub unsafe extern "C" fn rustlspeer_close(session: *mut c_void) {
    let mut session = Box::from_raw(session.cast::<Session>());
    session.conn.send_close_notify();
    let _ = session.flush();
}

/// # Safety
/// `text` has `room` bytes.
#[no_mangle]
pub unsafe extern "C" fn rustlspeer_version(text: *mut c_char, room: usize) {
    store(text, room, "0.23.46 with aws-lc-rs");
}

unsafe fn answer(result: std::io::Result<()>, why: *mut c_char, room: usize) -> c_int {
    match result {
        Ok(()) => 0,
        Err(failure) => {
            store(why, room, &failure.to_string());
            -1
        }
    }
}

unsafe fn store(at: *mut c_char, room: usize, text: &str) {
    let n = text.len().min(room.saturating_sub(1));
    std::ptr::copy_nonoverlapping(text.as_ptr(), at.cast(), n);
    *at.add(n) = 0;
}
