//! Under construction.

use super::{Signs, Spec};
use crate::error::TraceError;
use crate::input::Input;
use crate::trace::Trace;

pub(super) static SPEC: Spec = Spec {
    name: "acme",
    aliases: &["seren", "kalos"],
    about: "Acme Seren and Kalos (NSDI 2024), job tables",
    options: &[],
    signs: Signs::Named,
    read,
};

fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    Err(TraceError::new(input.file, "not built yet"))
}
