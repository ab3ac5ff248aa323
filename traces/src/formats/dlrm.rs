//! Under construction.

use super::{Signs, Spec};
use crate::error::TraceError;
use crate::input::Input;
use crate::trace::Trace;

pub(super) static SPEC: Spec = Spec {
    name: "dlrm",
    aliases: &[],
    about: "Alibaba disaggregated DLRM serving 2025 (NSDI 2025), instances",
    options: &[],
    signs: Signs::Named,
    read,
};

fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    Err(TraceError::new(input.file, "not built yet"))
}
