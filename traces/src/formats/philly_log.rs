//! Under construction.

use super::{Signs, Spec};
use crate::error::TraceError;
use crate::input::Input;
use crate::trace::Trace;

pub(super) static SPEC: Spec = Spec {
    name: "philly-log",
    aliases: &[],
    about: "raw cluster_job_log of Microsoft Philly (ATC 2019), with attempts",
    options: &[],
    signs: Signs::Named,
    read,
};

fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    Err(TraceError::new(input.file, "not built yet"))
}
