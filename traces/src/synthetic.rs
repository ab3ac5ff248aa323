//! Seeded workloads after published statistics: `synthetic:NAME[jobs=...,load=...,seed=...]`.
//!
//! A model gives the mix of gangs, run times, tenants, hours and outcomes; see [`model::Model`]. The arrival times
//! are stretched so that the generated jobs offer exactly the load that was asked for. Times are whole seconds.
//! The same text gives the same jobs in one version of the program: the generator (`ChaCha12`) is portable, the
//! logarithms of the platform decide only what is within rounding of half a second.

mod arrivals;
mod draw;
mod generate;
mod helios;
mod llm;
pub mod model;
mod philly;
mod request;

pub use generate::generate;
pub use model::Model;
pub use request::Request;

use crate::error::TraceError;
use crate::trace::Trace;
pub use crate::transform::Errors as Estimates;

/// The models by name.
pub const MODELS: [&Model; 3] = [&philly::MODEL, &helios::MODEL, &llm::MODEL];

/// Whether a model is called `name`.
pub(crate) fn is_model(name: &str) -> bool {
    MODELS.iter().any(|model| model.name == name)
}

/// Generates the trace that `text` asks for: what stands behind `synthetic:`. Keys that are not those of a model are
/// changes, made in their order to the generated jobs.
pub fn generate_text(text: &str) -> Result<Trace, TraceError> {
    let request = Request::parse(text)?;
    request.changes.apply(generate(&request))
}
