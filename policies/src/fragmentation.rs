//! Fragmentation as FGD measures it (Weng et al., ATC 2023, sections 3 and 4): how much of the idle GPUs the tasks that
//! are to be expected cannot use.
//!
//! For a node n and a typical task m with p(m) of the workload:
//! `F_n(m)` = all idle GPU of n, if m cannot run there (too little CPU, a model that it may not use, too few GPUs with enough
//! room) or needs no GPU; else the idle GPU on those GPUs that have less room than m needs of each.
//! `F_n = sum of p(m) F_n(m)`, and `F` is the sum over nodes.
//!
//! All is exact: shares are integer weights, so `F` comes in thousandths of a GPU times weight. [`NodeRoom`] is what a node
//! has free, [`Workload`] the typical tasks, [`Meter`] keeps F of a cluster while it changes.

mod meter;
mod room;
mod source;
mod watched;
mod workload;

pub use self::meter::Meter;
pub use self::room::{GpuChoice, NodeRoom};
pub use self::source::{Expected, Mix};
pub(crate) use self::watched::Told;
pub use self::watched::Watched;
pub use self::workload::{COVER_PPM, Typical, Workload};
