//! Seeded workloads after statistics: `synthetic:NAME[jobs=...,load=...,seed=...]`.
//!
//! A model gives the mix of gangs, run times, tenants, hours, bursts and outcomes; see [`model::Model`]. NAME is a model
//! that comes with the program, or the path of a file of the same form (`.toml`), such as [`fit`] makes from a trace. The
//! arrival times are stretched so that the generated jobs offer exactly the load that was asked for. Times are whole
//! seconds. The same text gives the same jobs in one version of the program: the generator (`ChaCha12`) is portable, the
//! logarithms of the platform decide only what is within rounding of half a second.

mod arrivals;
mod built_in;
mod draw;
mod file;
mod fit;
mod generate;
mod law;
pub mod model;
mod request;
mod text;

pub use built_in::models;
pub use draw::Drawing;
pub use file::read_model;
pub use fit::{Fit, fit};
pub use generate::generate;
pub use model::Model;
pub use request::{Estimates, Request};
pub use text::model_text;

use crate::error::TraceError;
use crate::trace::Trace;

/// Whether a model is called `name`.
pub(crate) fn is_model(name: &str) -> bool {
    models().iter().any(|model| model.name == name)
}

/// Generates the trace that `text` asks for: what stands behind `synthetic:`. Keys that are not those of a model are
/// changes, made in their order to the generated jobs.
pub fn generate_text(text: &str) -> Result<Trace, TraceError> {
    let request = Request::parse(text)?;
    request.changes.apply(generate(&request))
}
