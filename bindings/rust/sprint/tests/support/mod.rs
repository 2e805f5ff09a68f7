//! A relay of its own for each test, and its protocol: see tests/relay of the repository.

#![allow(dead_code)] // each test file uses a part

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sprint::{Config, Conn, ErrorKind, Hash, Pool, SecureBuffer};

/// Longer than anything here takes, short enough to fail a test that hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running relay; dropping ends it and removes its files.
pub struct Relay {
    pub process: Child,
    dir: PathBuf,
    pub address: String,
    control: String,
}

impl Relay {
    pub fn start() -> Relay {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!(
            "relay-{}-{}",
            std::process::id(),
            number
        ));
        let program = std::env::var_os("SPRINT_RELAY").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../build/relay"),
            PathBuf::from,
        );
        let mut process = Command::new(&program)
            .arg("-dir")
            .arg(&dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {} (`make relay` builds it)", program.display(), e));
        let mut line = String::new();
        let stdout = process.stdout.take().expect("piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the relay's ready line");
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["relay", "ready", address, control, _] => {
                let (address, control) = (address.to_string(), control.to_string());
                Relay {
                    process,
                    dir,
                    address,
                    control,
                }
            }
            _ => {
                let status = process.wait();
                panic!("no ready line but {:?}, {:?}", line, status);
            }
        }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn ca_file(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// Settings that trust this relay. However slow the machine is, no connection is closed for it.
    pub fn config(&self) -> Config {
        let config = Config::new(&self.address).with_max_latency(Duration::ZERO);
        config.with_ca_file(self.ca_file())
    }

    /// A pool of at most `max` connections, none of them open.
    pub fn pool(&self, max: u32) -> Pool {
        self.config()
            .with_max_connections(max)
            .with_min_idle(0)
            .build()
            .expect("a valid pool")
    }

    /// Turns switches of the control server, `"delay_ms=100&cert=expired"`.
    pub fn set(&self, switches: &str) {
        let answer = http(&self.control, "POST", &format!("/set?{}", switches));
        assert!(
            answer.starts_with("HTTP/1.1 200"),
            "{}: {}",
            switches,
            answer
        );
    }

    /// Nothing is answered until the result is dropped.
    pub fn stopped(&self) -> Stopped {
        Stopped::child(self.process.id())
    }

    pub fn key_file(&self) -> PathBuf {
        self.dir.join("login.key")
    }

    /// The login key, read straight into its buffer.
    pub fn key(&self) -> SecureBuffer {
        let mut key = SecureBuffer::new(32).expect("locked memory");
        let mut file = File::open(self.key_file()).expect("the relay's key");
        file.read_exact(&mut key.open_mut().expect("not in use"))
            .expect("32 bytes");
        key
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// While it lives a child of ours is stopped: it takes connections, and nothing moves on them.
pub struct Stopped(libc::pid_t);

impl Stopped {
    pub fn child(id: u32) -> Stopped {
        let (child, mut status) = (Stopped(id as libc::pid_t), 0);
        child.signal(libc::SIGSTOP);
        // The signal has its effect when this returns, and not before.
        // SAFETY: a child that was not waited for, and a place for its status.
        let waited = unsafe { libc::waitpid(child.0, &mut status, libc::WUNTRACED) };
        assert!(waited == child.0 && libc::WIFSTOPPED(status));
        child
    }

    fn signal(&self, number: i32) {
        // SAFETY: takes numbers; the process is a child that was not waited for.
        assert_eq!(unsafe { libc::kill(self.0, number) }, 0);
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.signal(libc::SIGCONT);
    }
}

/// One HTTP request; the whole answer.
pub fn http(address: &str, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
    // One write: a server may answer the first bytes and close, and a later write would meet that.
    let request = format!(
        "{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        method, path, address
    );
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("an answer in UTF-8");
    answer
}

/// A lease that has logged in.
pub fn log_in(pool: &Pool, key: &SecureBuffer) -> Conn {
    let mut conn = pool.acquire(PATIENCE).expect("a lease");
    conn.set_timeout(Some(PATIENCE));
    if conn.uses().expect("a live lease") == 0 {
        let nonce = ask(&mut conn, "NONCE");
        let nonce = unhex(nonce.strip_prefix("NONCE ").expect("a nonce"));
        let mut mac = [0; 32];
        assert_eq!(key.hmac(Hash::Sha256, &nonce, &mut mac).expect("a tag"), 32);
        assert_eq!(ask(&mut conn, &format!("LOGIN {}", hex(&mac))), "OK");
    }
    conn
}

/// Sends one line, returns the line that answers it.
pub fn ask(conn: &mut Conn, line: &str) -> String {
    conn.write_all(format!("{}\n", line).as_bytes())
        .expect("the line is sent");
    read_line(conn)
}

/// Reads up to the next line end and not a byte further.
pub fn read_line(conn: &mut Conn) -> String {
    let mut line = Vec::new();
    loop {
        let mut byte = [0];
        conn.read_exact(&mut byte).expect("an answer");
        if byte == *b"\n" {
            return String::from_utf8(line).expect("UTF-8");
        }
        line.push(byte[0]);
    }
}

/// A buffer of the given bytes.
pub fn buffer(content: &[u8]) -> SecureBuffer {
    SecureBuffer::take(&mut content.to_vec()).unwrap()
}

pub fn kind<T: std::fmt::Debug>(result: sprint::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

/// Waits until `condition` holds.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "never: {}", what);
        thread::sleep(Duration::from_millis(2));
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{:02x}", b)).collect()
}

pub fn unhex(text: &str) -> Vec<u8> {
    let digit = |i| u8::from_str_radix(&text[i..i + 2], 16).expect("hex digits");
    (0..text.len()).step_by(2).map(digit).collect()
}
