//! Under construction.

pub(crate) mod clock;

use super::{Signs, Spec};
use crate::error::TraceError;
use crate::input::Input;
use crate::trace::Trace;

pub(super) static SPEC: Spec = Spec {
    name: "events",
    aliases: &["kubernetes", "prometheus"],
    about: "pods of a Kubernetes cluster: job, pod, node, start, end",
    options: &[],
    signs: Signs::Named,
    read,
};

fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    Err(TraceError::new(input.file, "not built yet"))
}
