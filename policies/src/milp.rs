//! Placement by mixed-integer linear programs (MILP).
//!
//! [`joint`] places pending jobs together, gangs with their domains among them; [`Repack`] lets running jobs change places;
//! [`Milp`] is the policy that asks for either where a greedy plan would strand something; [`solver`] is the seam to the
//! solvers.

mod batch;
mod column;
mod count;
mod greedy;
pub mod joint;
mod master;
mod parts;
mod policy;
mod pricing;
mod repack;
mod rules;
mod search;
mod seat;
mod shape;
pub mod solver;
mod stock;
mod unfold;
mod worth;
pub mod yard;

pub(crate) use self::batch::place_gang;
pub use self::policy::Milp;
pub use self::repack::Repack;
pub use self::rules::Rules;
