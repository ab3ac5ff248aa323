//! simulator
pub mod result;
