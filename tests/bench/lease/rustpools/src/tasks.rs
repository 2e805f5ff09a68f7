//! Callers as tasks of a runtime.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// A pool that tasks lease from.
pub trait Leases: Clone + Send + Sync + 'static {
    type Lease<'a>: Send
    where
        Self: 'a;

    fn lease(&self) -> impl Future<Output = Option<Self::Lease<'_>>> + Send;
}

pub struct Tasks<P> {
    runtime: Runtime,
    pool: P,
}

impl<P: Leases> Tasks<P> {
    pub fn new<E>(
        open: impl FnOnce(&Runtime) -> Result<P, E>,
    ) -> Result<Self, Box<dyn std::error::Error>>
    where
        E: std::error::Error + 'static,
    {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_time()
            .build()?;
        let pool = open(&runtime)?;
        Ok(Self { runtime, pool })
    }

    /// `ops` acquires and releases by each caller; None if one failed. A single caller
    /// needs no task.
    pub fn block(&self, callers: usize, ops: usize) -> Option<()> {
        if callers == 1 {
            return self.runtime.block_on(cycles(self.pool.clone(), ops));
        }
        self.all(
            (0..callers).map(|_| cycles(self.pool.clone(), ops)),
            |()| {},
        )
    }

    /// Fills `samples` with how long acquires take; the first one of each caller is left
    /// out.
    pub fn collect(&self, callers: usize, samples: &mut [f64], hold: Duration) -> Option<()> {
        let each = samples.len() / callers;
        let mut filled = samples.iter_mut();
        self.all(
            (0..callers).map(|_| waits(self.pool.clone(), each, hold)),
            |took: Vec<f64>| {
                took.into_iter()
                    .zip(&mut filled)
                    .for_each(|(t, place)| *place = t)
            },
        )
    }

    fn all<T: Send + 'static>(
        &self,
        work: impl Iterator<Item = impl Future<Output = Option<T>> + Send + 'static>,
        mut take: impl FnMut(T),
    ) -> Option<()> {
        self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            work.for_each(|w| {
                tasks.spawn(w);
            });
            while let Some(done) = tasks.join_next().await {
                take(done.ok()??);
            }
            Some(())
        })
    }
}

async fn cycles<P: Leases>(pool: P, ops: usize) -> Option<()> {
    for _ in 0..ops {
        drop(pool.lease().await?);
    }
    Some(())
}

async fn waits<P: Leases>(pool: P, count: usize, hold: Duration) -> Option<Vec<f64>> {
    let mut took = Vec::with_capacity(count + 1);
    for _ in 0..=count {
        let asked = Instant::now();
        let lease = pool.lease().await?;
        took.push(asked.elapsed().as_nanos() as f64);
        tokio::time::sleep(hold).await;
        drop(lease);
    }
    took.remove(0);
    Some(took)
}
