//! Prices.
use super::joint::Choosing;
use super::master::Master;
use super::worth::Outline;

pub(super) fn choose(_master: &Master<'_, '_>, _start: &Outline, _base: i64) -> Choosing {
    Choosing { columns: Vec::new(), bound: i64::MAX, complete: false }
}
