//! The file of a model: reading it, and the rules that it keeps.

use super::model::{Class, MODEL_SCHEMA, Model, RunTime};
use crate::clusters::toml_error;
use crate::error::TraceError;

/// What the file should be.
const SHAPE: &str = "a model as `trainyard trace fit` writes it";
/// Weights that may have as many entries.
const GROUPS_MAX: u32 = 100_000;
/// Longest run time: far beyond any that is real, and far below what times can hold.
pub(super) const RUN_TIME_MAX_S: f64 = 1e12;
/// Largest gang.
const GPUS_MAX: u32 = u32::MAX / 1000;

/// Reads the text of a model.
pub fn read_model(file: &str, text: &str) -> Result<Model, TraceError> {
    let model: Model = toml::from_str(text).map_err(|error| toml_error(file, text, SHAPE, &error))?;
    let rules = Rules { file };
    rules.check(&model)?;
    Ok(model)
}

struct Rules<'a> {
    file: &'a str,
}

impl Rules<'_> {
    fn need(&self, holds: bool, field: &str, wanted: &str) -> Result<(), TraceError> {
        if holds {
            return Ok(());
        }
        let error = TraceError::new(self.file, format!("this must be {wanted}")).in_field(field);
        Err(error.with_hint("docs/generate.md says what each key means"))
    }

    fn check(&self, model: &Model) -> Result<(), TraceError> {
        self.need(
            model.schema == MODEL_SCHEMA,
            "schema",
            &format!("{MODEL_SCHEMA}, the version that this program reads"),
        )?;
        self.need((1..=GPUS_MAX).contains(&model.cluster_gpus), "cluster_gpus", "a number of GPUs from 1 on")?;
        self.need(
            (1.0..=RUN_TIME_MAX_S).contains(&model.run_time_max_s),
            "run_time_max_s",
            "a number of seconds from 1 to 1e12",
        )?;
        self.weights("arrivals.hours", &model.arrivals.hours)?;
        self.weights("arrivals.days", &model.arrivals.days)?;
        self.bursts(model)?;
        self.tenants(model)?;
        if let Some(law) = &model.estimates {
            self.need((0.0..=1.0).contains(&law.share), "estimates.share", "a share from 0 to 1")?;
            self.knots("estimates.factors", &law.factors)?;
        }
        self.need(!model.classes.is_empty(), "classes", "at least one class")?;
        self.weights("classes.share", &model.classes.iter().map(|class| class.share).collect::<Vec<_>>())?;
        model.classes.iter().try_for_each(|class| self.class(model, class))
    }

    fn class(&self, model: &Model, class: &Class) -> Result<(), TraceError> {
        self.weights("classes.gangs", &class.gangs.iter().map(|(_, weight)| *weight).collect::<Vec<_>>())?;
        let fits = |gpus: f64| (0.0..=f64::from(GPUS_MAX)).contains(&gpus) && (gpus <= 1.0 || gpus.fract() == 0.0);
        let gangs = class.gangs.iter().all(|(gpus, _)| fits(*gpus));
        self.need(gangs, "classes.gangs", "pairs of GPUs (whole, or a part of one) and weight")?;
        match &class.run_time {
            RunTime::LogNormal { median_s, sigma } => {
                let valid = (1e-3..=1e12).contains(median_s) && (0.0..=20.0).contains(sigma);
                self.need(valid, "classes.run_time", "a median above 0 s and a sigma from 0 to 20")?;
                self.need(class.groups.is_empty(), "classes.groups", "left out where the run time is lognormal")?;
            }
            RunTime::Quantiles(knots) => self.knots("classes.run_time", knots)?,
        }
        if let Some(ends) = class.outcomes {
            let all = [
                ends.finished,
                ends.killed,
                ends.failed,
                ends.timed_out,
                ends.node_failed,
                ends.censored,
                ends.unknown,
            ];
            self.weights("classes.outcomes", &all)?;
            self.need((all.iter().sum::<f64>() - 1.0).abs() < 0.01, "classes.outcomes", "shares whose sum is 1")?;
        }
        let listed = model.tenants.weights.len();
        let columns = listed + usize::from(model.tenants.groups as usize > listed);
        for row in &class.groups {
            self.weights("classes.groups", row)?;
            self.need(
                row.len() == columns,
                "classes.groups",
                "rows with a weight for each group that has one in `tenants`, and one more for all others",
            )?;
        }
        Ok(())
    }

    fn bursts(&self, model: &Model) -> Result<(), TraceError> {
        let Some(bursts) = &model.arrivals.bursts else { return Ok(()) };
        self.need((0.0..=1.0).contains(&bursts.share), "arrivals.bursts.share", "a share from 0 to 1")?;
        self.need((0.0..=1e9).contains(&bursts.gap_s), "arrivals.bursts.gap_s", "a number of seconds")?;
        self.weights("arrivals.bursts.sizes", &bursts.sizes.iter().map(|size| size.2).collect::<Vec<_>>())?;
        let ordered = bursts.sizes.iter().all(|(from, to, _)| (1..=*to).contains(from));
        self.need(ordered, "arrivals.bursts.sizes", "triples of from, to (not below from) and weight")
    }

    fn tenants(&self, model: &Model) -> Result<(), TraceError> {
        let tenants = &model.tenants;
        self.need((1..=GROUPS_MAX).contains(&tenants.groups), "tenants.groups", "a number from 1 to 100000")?;
        self.need(tenants.users <= GROUPS_MAX, "tenants.users", "a number up to 100000")?;
        self.need(tenants.weights.len() <= tenants.groups as usize, "tenants.weights", "at most one weight a group")?;
        if !tenants.weights.is_empty() {
            self.weights("tenants.weights", &tenants.weights)?;
        }
        let exponents = [tenants.exponent, tenants.users_exponent].iter().all(|value| (0.0..=20.0).contains(value));
        self.need(exponents, "tenants.exponent", "a number from 0 to 20")
    }

    /// Not negative, and not all zero.
    fn weights(&self, field: &str, weights: &[f64]) -> Result<(), TraceError> {
        let valid = weights.iter().all(|weight| (0.0..=1e15).contains(weight)) && weights.iter().sum::<f64>() > 0.0;
        self.need(valid, field, "numbers of at least 0, not all 0")
    }

    /// Probabilities from 0 to 1, rising, with positive values that do not fall.
    fn knots(&self, field: &str, knots: &[(f64, f64)]) -> Result<(), TraceError> {
        let ends = knots
            .first()
            .zip(knots.last())
            .is_some_and(|(first, last)| first.0.abs() < f64::EPSILON && (last.0 - 1.0).abs() < f64::EPSILON);
        let rising = knots.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        let positive = knots.iter().all(|(_, value)| (1e-15..=1e13).contains(value));
        let wanted = "pairs of probability, rising from 0 to 1, and value, above 0 and not falling";
        self.need(ends && rising && positive, field, wanted)
    }
}
