//! `--expect`: the trace whose jobs are to be expected.

use std::sync::Arc;

use traces::Trace;

use super::saturate;
use crate::error::Error;

/// Reads the trace, if one was named. Only what its jobs ask for matters, so it needs no run times.
pub(super) fn expected(text: Option<&str>) -> Result<Option<Arc<Trace>>, Error> {
    let Some(text) = text else { return Ok(None) };
    let (trace, label) = saturate::load(text)?;
    if trace.jobs.is_empty() {
        return Err(Error::input(format!("--expect {label}: it has no job"), "name a trace with jobs"));
    }
    Ok(Some(Arc::new(trace)))
}
