//! A program that talks through libsprint.
//!
//! It puts a login key into guarded memory, opens a pool, warms it up, lets four threads lease,
//! log in and play PING/PONG for some seconds, prints what that took, and leaves nothing behind.
//! Exit status 0: all of it worked.
//!
//!     cargo run --release -- --endpoint localhost:7443 --ca-file ca.pem --key-file login.key

mod latencies;
mod options;
mod session;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use latencies::Latencies;
use options::{Options, USAGE};
use session::{load_key, log_in, ping, Result};
use sprint::{Pool, SecureBuffer};

const THREADS: usize = 4;
const DIAL_TIMEOUT: Duration = Duration::from_secs(5);
const IO_TIMEOUT: Duration = Duration::from_secs(5);
const CLOSE_GRACE: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Times {
    lease: Latencies,
    login: Latencies,
    ping: Latencies,
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(wrong) => {
            eprint!("engine: {}\n{}", wrong, USAGE);
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("engine: {}", failure);
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    println!("libsprint {}", sprint::version());
    let key = load_key(&options.key_file)?;
    let pool = open_pool(options)?;
    let begin = Instant::now();
    pool.warm_up(options.connections, DIAL_TIMEOUT)?;
    let (idle, took) = (pool.stats()?.idle, begin.elapsed().as_secs_f64() * 1e3);
    println!(
        "warm: {} connections to {} in {:.1} ms",
        idle, options.endpoint, took
    );

    print_table(play(&pool, &key, options.run_time)?);

    let forced = pool.close(CLOSE_GRACE)?;
    drop((pool, key));
    let left = sprint::memory_stats()?.buffers;
    println!("closed: {} leases cut off, {} secrets left", forced, left);
    if forced != 0 || left != 0 {
        return Err("something was left behind".into());
    }
    Ok(())
}

fn open_pool(options: &Options) -> sprint::Result<Pool> {
    let mut config = Pool::builder(&options.endpoint).with_max_connections(options.connections);
    if let Some(path) = &options.ca_file {
        config = config.with_ca_file(path);
    }
    if let Some(name) = &options.server_name {
        config = config.with_server_name(name);
    }
    config.build()
}

/// Runs the threads until the time is over or one of them fails.
fn play(pool: &Pool, key: &SecureBuffer, run_time: Duration) -> Result<Vec<Times>> {
    let stop = &AtomicBool::new(false);
    let (failed, failure) = mpsc::channel();
    thread::scope(|s| {
        let work = |failed: mpsc::Sender<_>| {
            let mut times = Times::default();
            while !stop.load(Ordering::Relaxed) {
                if let Err(e) = turn(pool, key, &mut times) {
                    let _ = failed.send(e); // the first one counts
                    break;
                }
            }
            times
        };
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let failed = failed.clone();
                s.spawn(move || work(failed))
            })
            .collect();
        let first = failure.recv_timeout(run_time);
        stop.store(true, Ordering::Relaxed);
        let times = threads
            .into_iter()
            .map(|t| t.join().expect("a thread panicked"))
            .collect();
        match first {
            Ok(e) => Err(e),
            Err(_) => failure.try_recv().map_or(Ok(times), Err),
        }
    })
}

/// Leases, logs in if the connection is fresh, asks, gives back.
fn turn(pool: &Pool, key: &SecureBuffer, times: &mut Times) -> Result<()> {
    let begin = Instant::now();
    let mut conn = pool.get_connection()?;
    times.lease.add(begin.elapsed());
    conn.set_timeout(Some(IO_TIMEOUT));
    if conn.uses()? == 0 {
        let begin = Instant::now();
        log_in(&mut conn, key)?;
        times.login.add(begin.elapsed());
    }
    let begin = Instant::now();
    ping(&mut conn)?;
    times.ping.add(begin.elapsed());
    Ok(())
}

fn print_table(times: Vec<Times>) {
    let mut total = Times::default();
    for t in &times {
        total.lease.merge(&t.lease);
        total.login.merge(&t.login);
        total.ping.merge(&t.ping);
    }
    Latencies::print_head();
    total.lease.print("lease");
    total.login.print("login");
    total.ping.print("ping");
}
