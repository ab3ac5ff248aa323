//! Placement by mixed-integer linear programs (MILP).

mod carry_out;
mod exchange;
mod paths;
mod policy;
mod residents;
mod rules;
mod seat;
mod shortlist;
pub mod solver;
mod swaps;

pub use self::exchange::Repack;
pub use self::policy::Milp;
pub use self::rules::Rules;
