//! Settings of a pool being put together.

use std::ffi::CString;
use std::path::Path;
use std::time::Duration;

use sprint_sys as sys;

use crate::error::{check, Error, Result};
use crate::time::{micros, millis};
use crate::{Pool, SecureBuffer};

/// The least TLS version that a pool accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2
    Tls12,
    /// TLS 1.3, the default
    Tls13,
}

/// Settings of a [`Pool`] being put together.
///
/// A setting that is refused is reported by [`build`](Config::build), so that calls can be chained;
/// the first error wins. Ranges are checked there, all together.
///
/// ```
/// use sprint::{Config, ErrorKind};
///
/// let error = Config::new("localhost:443")
///     .with_max_connections(4)
///     .with_min_idle(5)
///     .build()
///     .unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Argument);
/// ```
#[derive(Debug)]
#[must_use = "settings do nothing until they are built"]
pub struct Config {
    /// 0 when `sprint_config_new` failed; `error` says why.
    handle: sys::sprint_config,
    error: Option<Error>,
}

impl Config {
    /// Begins the settings. `endpoints` is `"host:port[,host:port...]"`, IPv6 as `"[::1]:443"`;
    /// with several, each dial tries them in order. Nothing is resolved or opened.
    #[doc(alias = "sprint_config_new")]
    pub fn new(endpoints: &str) -> Self {
        let mut config = Config {
            handle: 0,
            error: None,
        };
        config.error = c_string("endpoints", endpoints)
            .and_then(|text| {
                // SAFETY: a NUL-terminated string that outlives the call, and a place for a handle.
                check(unsafe { sys::sprint_config_new(text.as_ptr(), &mut config.handle) })
            })
            .err();
        config
    }

    /// Prefix of metric names; `"secure_channel"`.
    pub fn with_namespace(self, namespace: &str) -> Self {
        self.set_str("namespace", sys::SPRINT_OPT_NAMESPACE, namespace)
    }

    /// Hard bound of open connections, 1..=65536; 100.
    pub fn with_max_connections(self, count: u32) -> Self {
        self.set_int(sys::SPRINT_OPT_MAX_CONNECTIONS, count.into())
    }

    /// Connections to keep open, 0 to the bound; 10, or the bound if that is less.
    pub fn with_min_idle(self, count: u32) -> Self {
        self.set_int(sys::SPRINT_OPT_MIN_IDLE, count.into())
    }

    /// Callers that may wait for a connection, 1..=1048576; four times the bound.
    pub fn with_max_waiters(self, count: u32) -> Self {
        self.set_int(sys::SPRINT_OPT_MAX_WAITERS, count.into())
    }

    /// Dials in flight, 1..=1024; 8.
    pub fn with_max_dials(self, count: u32) -> Self {
        self.set_int(sys::SPRINT_OPT_MAX_DIALS, count.into())
    }

    /// Limit of one dial, handshake included; 5 s.
    pub fn with_connect_timeout(self, timeout: Duration) -> Self {
        self.set_int(sys::SPRINT_OPT_CONNECT_TIMEOUT_MS, millis(timeout))
    }

    /// Limit of [`Pool::get_connection`]; 5 s.
    pub fn with_acquire_timeout(self, timeout: Duration) -> Self {
        self.set_int(sys::SPRINT_OPT_ACQUIRE_TIMEOUT_MS, millis(timeout))
    }

    /// Window of the latency figures; 1 h.
    pub fn with_histogram_rotation_interval(self, interval: Duration) -> Self {
        self.set_int(
            sys::SPRINT_OPT_HISTOGRAM_ROTATION_INTERVAL_MS,
            millis(interval),
        )
    }

    /// Where the metrics server listens; `"127.0.0.1"`.
    pub fn with_metrics_host(self, host: &str) -> Self {
        self.set_str("metrics_host", sys::SPRINT_OPT_METRICS_HOST, host)
    }

    /// Port of the metrics server, 0: any free one; 9090. [`Pool::start_metrics`] starts it.
    pub fn with_metrics_port(self, port: u16) -> Self {
        self.set_int(sys::SPRINT_OPT_METRICS_PORT, port.into())
    }

    /// Token that the metrics server asks for, on everything but `/healthz`; none. It stays in its
    /// buffer, which may be dropped afterwards.
    pub fn with_metrics_auth_token(self, token: &SecureBuffer) -> Self {
        self.set_buffer(sys::SPRINT_OPT_METRICS_AUTH_TOKEN, token)
    }

    /// Whether a metrics host that is not loopback is allowed without a token; `false`.
    pub fn with_metrics_public(self, public: bool) -> Self {
        self.set_int(sys::SPRINT_OPT_METRICS_PUBLIC, public.into())
    }

    /// PEM chain and private key of the metrics server, which then speaks HTTPS; none.
    pub fn with_metrics_tls(self, cert_file: impl AsRef<Path>, key_file: impl AsRef<Path>) -> Self {
        self.set_path(
            "metrics_tls_cert_file",
            sys::SPRINT_OPT_METRICS_TLS_CERT_FILE,
            cert_file.as_ref(),
        )
        .set_path(
            "metrics_tls_key_file",
            sys::SPRINT_OPT_METRICS_TLS_KEY_FILE,
            key_file.as_ref(),
        )
    }

    /// Tells the pool from others in logs, and where pools share a metrics address; `""`.
    pub fn with_name(self, name: &str) -> Self {
        self.set_str("name", sys::SPRINT_OPT_NAME, name)
    }

    /// Name that is sent to the server and verified; the endpoint's host.
    pub fn with_server_name(self, name: &str) -> Self {
        self.set_str("server_name", sys::SPRINT_OPT_SERVER_NAME, name)
    }

    /// File of PEM roots, instead of the system's. Read by [`build`](Config::build).
    pub fn with_ca_file(self, path: impl AsRef<Path>) -> Self {
        self.set_path("ca_file", sys::SPRINT_OPT_CA_FILE, path.as_ref())
    }

    /// PEM roots, instead of the system's; up to 4 MiB.
    #[doc(alias = "sprint_config_set_bytes")]
    pub fn with_ca_pem(self, pem: &[u8]) -> Self {
        self.set(|handle| {
            // SAFETY: the slice is readable for its length and copied.
            check(unsafe {
                sys::sprint_config_set_bytes(
                    handle,
                    sys::SPRINT_OPT_CA_PEM,
                    pem.as_ptr().cast(),
                    pem.len(),
                )
            })
        })
    }

    /// Age at which a connection is replaced, less up to a fifth of it; 30 min, zero: off.
    pub fn with_max_lifetime(self, limit: Duration) -> Self {
        self.set_int(sys::SPRINT_OPT_MAX_LIFETIME_MS, millis(limit))
    }

    /// How long a connection may lie idle; 5 min, zero: off.
    pub fn with_idle_timeout(self, limit: Duration) -> Self {
        self.set_int(sys::SPRINT_OPT_IDLE_TIMEOUT_MS, millis(limit))
    }

    /// As [`with_max_lifetime`](Config::with_max_lifetime), for fresh keys; 1 h, zero: off.
    pub fn with_key_rotation_interval(self, limit: Duration) -> Self {
        self.set_int(sys::SPRINT_OPT_KEY_ROTATION_INTERVAL_MS, millis(limit))
    }

    /// The p95 above which a connection is slow and replaced; 500 ms, zero: off.
    pub fn with_max_latency(self, limit: Duration) -> Self {
        self.set_int(sys::SPRINT_OPT_MAX_LATENCY_MS, millis(limit))
    }

    /// As [`with_max_latency`](Config::with_max_latency), in milliseconds.
    pub fn with_max_latency_ms(self, limit: u64) -> Self {
        self.with_max_latency(Duration::from_millis(limit))
    }

    /// How long the cleanup task sleeps at most; 5 min.
    pub fn with_cleanup_interval(self, limit: Duration) -> Self {
        self.set_int(sys::SPRINT_OPT_CLEANUP_INTERVAL_MS, millis(limit))
    }

    /// How often the cleanup task looks at a connection that lies idle; 10 s, zero: never.
    pub fn with_probe_sweep(self, interval: Duration) -> Self {
        self.set_int(sys::SPRINT_OPT_PROBE_SWEEP_MS, millis(interval))
    }

    /// How often the cleanup task resolves the names of endpoints; 30 s, zero: never.
    pub fn with_dns_refresh(self, interval: Duration) -> Self {
        self.set_int(sys::SPRINT_OPT_DNS_REFRESH_MS, millis(interval))
    }

    /// How long a lease may be held before it is reported; 30 s, zero: off.
    pub fn with_leak_after(self, limit: Duration) -> Self {
        self.set_int(sys::SPRINT_OPT_LEAK_AFTER_MS, millis(limit))
    }

    /// Failed dials in a row that open an endpoint's circuit breaker; 5, 0: never.
    pub fn with_circuit_breaker_failure_threshold(self, failures: u32) -> Self {
        self.set_int(
            sys::SPRINT_OPT_CIRCUIT_BREAKER_FAILURE_THRESHOLD,
            failures.into(),
        )
    }

    /// Longest time that a circuit breaker stays open; 60 s.
    pub fn with_circuit_breaker_cooldown(self, limit: Duration) -> Self {
        self.set_int(sys::SPRINT_OPT_CIRCUIT_BREAKER_COOLDOWN_MS, millis(limit))
    }

    /// Which idle connection is lent first: `"lifo"`, `"fifo"` or `"latency"`; `"lifo"`.
    pub fn with_idle_order(self, order: &str) -> Self {
        self.set_str("idle_order", sys::SPRINT_OPT_IDLE_ORDER, order)
    }

    /// Which endpoint is dialled first: `"failover"` or `"latency"`; `"failover"`.
    pub fn with_endpoint_order(self, order: &str) -> Self {
        self.set_str("endpoint_order", sys::SPRINT_OPT_ENDPOINT_ORDER, order)
    }

    /// Protocols to offer, separated by commas; none.
    pub fn with_alpn(self, protocols: &str) -> Self {
        self.set_str("alpn", sys::SPRINT_OPT_ALPN, protocols)
    }

    /// Base64 of the SHA-256 of a public key that the verified chain must hold. Each call adds
    /// one; any of them will do.
    pub fn with_pin_sha256(self, pin: &str) -> Self {
        self.set_str("pin_sha256", sys::SPRINT_OPT_PIN_SHA256, pin)
    }

    /// PEM chain to show to a server that asks, and its private key. Read by
    /// [`build`](Config::build) and [`Pool::rotate`].
    pub fn with_client_certificate(
        self,
        cert_file: impl AsRef<Path>,
        key_file: impl AsRef<Path>,
    ) -> Self {
        self.set_path("cert_file", sys::SPRINT_OPT_CERT_FILE, cert_file.as_ref())
            .set_path("key_file", sys::SPRINT_OPT_KEY_FILE, key_file.as_ref())
    }

    /// As [`with_client_certificate`](Config::with_client_certificate), with the key in a
    /// buffer, which is opened only to sign and may be dropped afterwards: PKCS#8, SEC 1 or
    /// PKCS#1, DER or PEM, or an Ed25519 seed of 32 bytes. [`Pool::rotate`] reads it anew.
    pub fn with_client_certificate_and_key(
        self,
        cert_file: impl AsRef<Path>,
        key: &SecureBuffer,
    ) -> Self {
        self.set_path("cert_file", sys::SPRINT_OPT_CERT_FILE, cert_file.as_ref())
            .set_buffer(sys::SPRINT_OPT_KEY, key)
    }

    /// Least TLS version; 1.3.
    pub fn with_min_tls_version(self, version: TlsVersion) -> Self {
        let number = match version {
            TlsVersion::Tls12 => 12,
            TlsVersion::Tls13 => 13,
        };
        self.set_int(sys::SPRINT_OPT_MIN_TLS_VERSION, number)
    }

    /// How long a read spins for an answer before it sleeps; 0. Costs a core, saves a wake-up.
    pub fn with_busy_poll(self, spin: Duration) -> Self {
        self.set_int(sys::SPRINT_OPT_BUSY_POLL_US, micros(spin))
    }

    /// Makes the pool. No connection is opened and nothing is started.
    ///
    /// # Errors
    ///
    /// The first setting that was refused; [`ErrorKind::Argument`](crate::ErrorKind::Argument)
    /// naming every option out of its range;
    /// [`ErrorKind::Certificate`](crate::ErrorKind::Certificate) when there is no usable root.
    #[doc(alias = "sprint_pool_new")]
    pub fn build(mut self) -> Result<Pool> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let mut pool = 0;
        // SAFETY: takes a handle, and a place for one.
        check(unsafe { sys::sprint_pool_new(self.handle, &mut pool) })?;
        Ok(Pool::from_raw(pool))
    }

    #[doc(alias = "sprint_config_set_str")]
    fn set_str(self, name: &str, option: i32, value: &str) -> Self {
        self.set(|handle| {
            let text = c_string(name, value)?;
            // SAFETY: a NUL-terminated string that is copied.
            check(unsafe { sys::sprint_config_set_str(handle, option, text.as_ptr()) })
        })
    }

    fn set_path(self, name: &str, option: i32, path: &Path) -> Self {
        match path.to_str() {
            Some(path) => self.set_str(name, option, path),
            None => self.set(|_| Err(Error::argument(name, "not UTF-8"))),
        }
    }

    #[doc(alias = "sprint_config_set_int")]
    fn set_int(self, option: i32, value: i64) -> Self {
        // SAFETY: takes a handle and numbers only.
        self.set(|handle| check(unsafe { sys::sprint_config_set_int(handle, option, value) }))
    }

    #[doc(alias = "sprint_config_set_buffer")]
    fn set_buffer(self, option: i32, secret: &SecureBuffer) -> Self {
        self.set(|handle| {
            // SAFETY: takes handles and a number only.
            check(unsafe { sys::sprint_config_set_buffer(handle, option, secret.as_raw()) })
        })
    }

    /// Runs one setter, unless an earlier one failed.
    fn set(mut self, setter: impl FnOnce(sys::sprint_config) -> Result<()>) -> Self {
        if self.error.is_none() {
            self.error = setter(self.handle).err();
        }
        self
    }
}

impl Drop for Config {
    #[doc(alias = "sprint_config_free")]
    fn drop(&mut self) {
        // SAFETY: the handle is ours; 0 is ignored.
        unsafe { sys::sprint_config_free(self.handle) }
    }
}

fn c_string(option: &str, value: &str) -> Result<CString> {
    CString::new(value).map_err(|_| Error::argument(option, "holds a NUL byte"))
}
