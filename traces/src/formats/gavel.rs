//! Under construction.

use super::{Signs, Spec};
use crate::error::TraceError;
use crate::input::Input;
use crate::trace::Trace;

pub(super) static SPEC: Spec = Spec {
    name: "gavel",
    aliases: &[],
    about: "Gavel job lists (OSDI 2020), 7 or 10 fields",
    options: &[],
    signs: Signs::Named,
    read,
};

fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    Err(TraceError::new(input.file, "not built yet"))
}
