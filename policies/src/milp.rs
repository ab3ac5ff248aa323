//! Placement by mixed-integer linear programs (MILP).

mod column;
mod count;
mod greedy;
pub mod joint;
mod master;
mod pricing;
mod search;
mod seat;
mod shape;
pub mod solver;
mod stock;
mod unfold;
mod worth;
pub mod yard;
