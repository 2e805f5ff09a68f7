//! The servers of the behaviour suite: each can be asked, stopped, and made to end connections.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sprint::{Config, Conn, Hash, Pool, SecureBuffer};

use super::{hex, unhex, until, Relay, Stopped, PATIENCE};

/// What a login sends.
pub struct Login {
    pub before: Vec<u8>,
    /// Whether the secret itself is sent here.
    pub secret: bool,
    pub after: Vec<u8>,
}

/// A server with a login.
pub trait Peer: Sync {
    fn address(&self) -> &str;
    fn config(&self, endpoints: &str) -> Config;
    fn process(&self) -> u32;
    /// Ends every connection, from the server's side.
    fn end_connections(&self);

    /// What a login needs.
    fn secret(&self) -> SecureBuffer;
    /// What is asked before a login, if anything.
    fn challenge(&self) -> Option<&'static [u8]>;
    fn login(&self, challenge: &[u8], secret: &SecureBuffer) -> Login;
    /// The answer to a login that is right, and the beginning of one that is not.
    fn verdicts(&self) -> (&'static [u8], &'static [u8]);
    /// A request and the only answer to it.
    fn question(&self, number: u32) -> (Vec<u8>, Vec<u8>);

    fn pool(&self, max: u32) -> Pool {
        let config = self.config(self.address()).with_max_connections(max);
        config.build().expect("a valid pool")
    }

    /// Until the result is dropped the server takes connections, and nothing moves on them.
    fn stopped(&self) -> Stopped {
        Stopped::child(self.process())
    }

    /// Logs in without a copy of the secret; the server's answer.
    fn log_in(&self, conn: &mut Conn, secret: &SecureBuffer) -> Vec<u8> {
        let challenge = self.challenge().map(|ask| request(conn, ask));
        let login = self.login(&challenge.unwrap_or_default(), secret);
        conn.write_all(&login.before).expect("sent");
        if login.secret {
            conn.write_secret(secret).expect("sent");
        }
        request(conn, &login.after)
    }

    fn ask(&self, conn: &mut Conn, number: u32) {
        self.try_ask(conn, number).expect("an answer");
    }

    fn try_ask(&self, conn: &mut Conn, number: u32) -> io::Result<()> {
        let (question, expected) = self.question(number);
        conn.write_all(&question)?;
        let mut answer = vec![0; expected.len()];
        conn.read_exact(&mut answer)?;
        assert_eq!(answer, expected);
        Ok(())
    }

    /// A lease that is logged in.
    fn lease(&self, pool: &Pool) -> Conn {
        self.try_lease(pool).expect("a lease")
    }

    fn try_lease(&self, pool: &Pool) -> sprint::Result<Conn> {
        let mut conn = pool.acquire(PATIENCE)?;
        conn.set_timeout(Some(PATIENCE));
        if conn.uses()? == 0 {
            let answer = self.log_in(&mut conn, &self.secret());
            assert_eq!(answer, self.verdicts().0);
        }
        Ok(conn)
    }
}

fn request(conn: &mut Conn, data: &[u8]) -> Vec<u8> {
    let mut answer = vec![0; 256];
    let n = conn.request(data, &mut answer).expect("an answer");
    answer.truncate(n);
    answer
}

impl Peer for Relay {
    fn address(&self) -> &str {
        &self.address
    }

    fn config(&self, endpoints: &str) -> Config {
        // The latency as for Relay::config. And no acquire ends in time unless by the limit that it
        // was given.
        let config = Config::new(endpoints).with_max_latency(Duration::ZERO);
        let config = config.with_acquire_timeout(PATIENCE * 3);
        config.with_ca_file(self.ca_file())
    }

    fn process(&self) -> u32 {
        self.process.id()
    }

    fn end_connections(&self) {
        self.set("drop_idle=1");
    }

    fn secret(&self) -> SecureBuffer {
        self.key()
    }

    fn challenge(&self) -> Option<&'static [u8]> {
        Some(b"NONCE\n")
    }

    fn login(&self, challenge: &[u8], secret: &SecureBuffer) -> Login {
        let text = std::str::from_utf8(challenge).expect("UTF-8").trim_end();
        let nonce = unhex(text.strip_prefix("NONCE ").expect("a nonce"));
        let mut mac = [0; 32];
        secret.hmac(Hash::Sha256, &nonce, &mut mac).expect("a tag");
        Login {
            before: vec![],
            secret: false,
            after: format!("LOGIN {}\n", hex(&mac)).into_bytes(),
        }
    }

    fn verdicts(&self) -> (&'static [u8], &'static [u8]) {
        (b"OK\n", b"ERR bad mac")
    }

    fn question(&self, number: u32) -> (Vec<u8>, Vec<u8>) {
        let line = |word| format!("{} {}\n", word, number).into_bytes();
        (line("PING"), line("PONG"))
    }
}

/// Redis over TLS, with a password and the certificate files of a relay.
pub struct Redis {
    relay: Relay,
    process: Option<Child>,
    dir: PathBuf,
    port: u32,
    address: String,
    password: String,
}

impl Redis {
    pub fn start() -> Redis {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("redis-{}-{}", std::process::id(), number);
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&dir).expect("a directory");
        let mut password = [0; 16];
        let random = SecureBuffer::random(password.len()).expect("locked memory");
        random.read_at(0, &mut password).expect("not in use");
        let mut redis = Redis {
            relay: Relay::start(),
            process: None,
            dir,
            port: 0,
            address: String::new(),
            password: hex(&password),
        };
        // Below the ports that a system gives by chance, to another between a stop and a start: by
        // default those from 32768 on, see net.ipv4.ip_local_port_range. From 20000 on C++ takes
        // some, from 24000 on Python.
        static TRIED: AtomicU32 = AtomicU32::new(0);
        let first = 28_000 + std::process::id() % 40 * 100;
        loop {
            let tried = TRIED.fetch_add(1, Ordering::Relaxed);
            assert!(tried < 100, "no port for Redis from {} on", first);
            redis.port = first + tried;
            redis.address = format!("127.0.0.1:{}", redis.port);
            if redis.try_to_start() {
                return redis;
            }
        }
    }

    pub fn ca_file(&self) -> PathBuf {
        self.relay.ca_file()
    }

    /// At the same port, after [`stop`](Redis::stop).
    pub fn start_again(&mut self) {
        assert!(self.try_to_start(), "Redis did not start");
    }

    /// Not if another has the port.
    fn try_to_start(&mut self) -> bool {
        let files = |name| self.relay.dir().join(name);
        let log = self.dir.join("log");
        let _ = fs::remove_file(&log);
        let mut process = Command::new("redis-server")
            .args(["--port", "0", "--bind", "127.0.0.1", "--save", ""])
            .args(["--tls-port", &self.port.to_string()])
            .args(["--tls-auth-clients", "no"])
            .args(["--requirepass", &self.password])
            .arg("--tls-cert-file")
            .arg(files("server.pem"))
            .arg("--tls-key-file")
            .arg(files("server-key.pem"))
            .arg("--tls-ca-cert-file")
            .arg(files("ca.pem"))
            .arg("--dir")
            .arg(&self.dir)
            .arg("--logfile")
            .arg(&log)
            .spawn()
            .expect("redis-server");
        let mut ready = false;
        until("Redis is ready or ends", || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            ready = text.contains("Ready to accept connections");
            ready || process.try_wait().expect("a child").is_some()
        });
        self.process = Some(process);
        ready
    }

    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A command of the Redis protocol.
fn command(words: &[&str]) -> Vec<u8> {
    let mut text = format!("*{}\r\n", words.len());
    for word in words {
        text += &format!("${}\r\n{}\r\n", word.len(), word);
    }
    text.into_bytes()
}

impl Peer for Redis {
    fn address(&self) -> &str {
        &self.address
    }

    fn config(&self, endpoints: &str) -> Config {
        Peer::config(&self.relay, endpoints)
    }

    fn process(&self) -> u32 {
        self.process.as_ref().expect("it runs").id()
    }

    fn end_connections(&self) {
        let mut conn = self.lease(&self.pool(1));
        // All but this one.
        let answer = request(&mut conn, &command(&["CLIENT", "KILL", "TYPE", "normal"]));
        assert_eq!(answer[0], b':', "{:?}", answer);
    }

    fn secret(&self) -> SecureBuffer {
        SecureBuffer::take(&mut self.password.clone().into_bytes()).expect("locked memory")
    }

    fn challenge(&self) -> Option<&'static [u8]> {
        None
    }

    fn login(&self, _: &[u8], secret: &SecureBuffer) -> Login {
        Login {
            before: format!("*2\r\n$4\r\nAUTH\r\n${}\r\n", secret.len()).into_bytes(),
            secret: true,
            after: b"\r\n".to_vec(),
        }
    }

    fn verdicts(&self) -> (&'static [u8], &'static [u8]) {
        (b"+OK\r\n", b"-WRONGPASS")
    }

    fn question(&self, number: u32) -> (Vec<u8>, Vec<u8>) {
        let word = number.to_string();
        let answer = format!("${}\r\n{}\r\n", word.len(), word);
        (command(&["ECHO", &word]), answer.into_bytes())
    }
}
