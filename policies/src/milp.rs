//! Placement by mixed-integer linear programs (MILP).

pub mod solver;
