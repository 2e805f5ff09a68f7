//! How long things took.

use std::time::Duration;

/// Durations of one kind of operation.
#[derive(Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    pub fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub fn merge(&mut self, other: &Latencies) {
        self.0.extend(&other.0);
    }

    pub fn print_head() {
        print!("{:8} {:>10}", "", "count");
        for name in ["p50 us", "p90 us", "p99 us", "max us"] {
            print!(" {:>12}", name);
        }
        println!();
    }

    /// One row; none if nothing was measured.
    pub fn print(&mut self, name: &str) {
        self.0.sort_unstable();
        let samples = &self.0;
        if samples.is_empty() {
            return;
        }
        print!("{:8} {:>10}", name, samples.len());
        for share in [0.50, 0.90, 0.99, 1.0] {
            // The smallest sample that the given share does not exceed.
            let rank = (share * samples.len() as f64).ceil() as usize;
            print!(" {:12.1}", samples[rank - 1].as_secs_f64() * 1e6);
        }
        println!();
    }
}
