//! From summaries to statements: paired differences with intervals, and what may be said about them.
//!
//! The unit of replication is the seed, never the job: jobs of one replay wait for each other and are not independent.
//! Where there is one day and no seed, what waits together is drawn together: [`block_interval`].

mod blocks;
mod difference;
mod holm;
mod metric;
mod sample;

pub use blocks::{BlockInterval, block_interval};
pub use difference::{Difference, Sampling, Verdict, differences};
pub(crate) use difference::{distinct, same};
pub use holm::holm;
pub use metric::{Direction, METRICS, Metric, Unit};
pub use sample::{Estimate, mean, nearest_rank, standard_deviation, t_quantile};
