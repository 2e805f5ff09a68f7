//! Durations as the library takes them.

use std::time::Duration;

/// Milliseconds, rounded up so that a short limit never becomes "do not wait".
pub(crate) fn millis(duration: Duration) -> i64 {
    whole(duration, 1_000_000)
}

/// Microseconds, rounded up.
pub(crate) fn micros(duration: Duration) -> i64 {
    whole(duration, 1_000)
}

/// The C side's limit of an I/O call: `None` is none.
pub(crate) fn limit(timeout: Option<Duration>) -> i64 {
    timeout.map_or(-1, millis)
}

fn whole(duration: Duration, unit_nanos: u128) -> i64 {
    let units = (duration.as_nanos() + unit_nanos - 1) / unit_nanos;
    i64::try_from(units).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_up_and_saturate() {
        assert_eq!(millis(Duration::ZERO), 0);
        assert_eq!(millis(Duration::from_nanos(1)), 1);
        assert_eq!(millis(Duration::from_micros(1001)), 2);
        assert_eq!(micros(Duration::from_nanos(1001)), 2);
        assert_eq!(millis(Duration::MAX), i64::MAX);
        assert_eq!(limit(None), -1);
        assert_eq!(limit(Some(Duration::ZERO)), 0);
    }
}
