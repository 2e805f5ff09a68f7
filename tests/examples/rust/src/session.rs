//! The relay's protocol: lines; a login by HMAC over the server's nonce; PING and PONG.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sprint::{Conn, Hash, SecureBuffer};

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Also the size of the HMAC-SHA-256.
const NONCE_SIZE: usize = 32;

/// Reads a key file into guarded memory: the kernel copies it there, and nowhere else.
pub fn load_key(path: &Path) -> Result<SecureBuffer> {
    let named = |e| format!("{}: {}", path.display(), e);
    let mut file = File::open(path).map_err(named)?;
    let info = file.metadata().map_err(named)?;
    if !info.is_file() || !(16..=4096).contains(&info.len()) {
        return Err(format!("{}: a key is a file of 16 to 4096 bytes", path.display()).into());
    }
    let mut key = SecureBuffer::new(info.len() as usize)?;
    file.read_exact(&mut key.open_mut()?).map_err(named)?;
    Ok(key)
}

/// Proves knowledge of the key, which does not leave its buffer.
pub fn log_in(conn: &mut Conn, key: &SecureBuffer) -> Result<()> {
    let answer = ask(conn, "NONCE\n")?;
    let nonce = answer.strip_prefix("NONCE ").and_then(unhex);
    let nonce = nonce.ok_or_else(|| format!("not a nonce: {}", answer))?;
    let mut mac = [0; NONCE_SIZE];
    key.hmac(Hash::Sha256, &nonce, &mut mac)?;
    match ask(conn, &format!("LOGIN {}\n", hex(&mac)))?.as_str() {
        "OK" => Ok(()),
        answer => Err(format!("login refused: {}", answer).into()),
    }
}

pub fn ping(conn: &mut Conn) -> Result<()> {
    match ask(conn, "PING\n")?.as_str() {
        "PONG" => Ok(()),
        answer => Err(format!("not a PONG: {}", answer).into()),
    }
}

/// One line there, one line back, without its newline.
fn ask(conn: &mut Conn, line: &str) -> Result<String> {
    let mut answer = [0; 256];
    let mut got = conn.request(line.as_bytes(), &mut answer)?;
    let mut n = got;
    while n > 0 && !answer[..got].ends_with(b"\n") {
        n = conn.read(&mut answer[got..])?; // 0 too when the answer is full
        got += n;
    }
    match answer[..got].strip_suffix(b"\n") {
        Some(text) => Ok(String::from_utf8_lossy(text).into_owned()),
        None => Err("the server ended the connection in the middle of an answer".into()),
    }
}

fn unhex(text: &str) -> Option<[u8; NONCE_SIZE]> {
    if text.len() != 2 * NONCE_SIZE || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; NONCE_SIZE];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{:02x}", byte)).collect()
}
