//! A solver that does as it is told, for tests: whatever a solver may get wrong can be said by it.

use std::collections::VecDeque;

use super::{Claim, Failure, Limits, Program, Solver, Stopped};

/// What the scripted solver answers to one program.
#[derive(Clone, Debug)]
pub enum Script {
    /// It fails.
    Fails(Failure),
    /// It claims these values, and that they are the best there are.
    Claims(Vec<f64>),
    /// It claims these values and this bound.
    Bounds(Vec<f64>, f64),
    /// It adds this much to each value of the other solver's answer.
    Off(f64),
}

/// A solver that follows a script, and with `Script::Off` falsifies the answers of a true one.
#[derive(Debug)]
pub struct Broken<S> {
    truth: S,
    script: VecDeque<Script>,
}

impl<S: Solver> Broken<S> {
    /// Answers one program after the other by the script; the last line answers all that follow.
    pub fn new(truth: S, script: impl IntoIterator<Item = Script>) -> Self {
        Self { truth, script: script.into_iter().collect() }
    }

    fn line(&mut self) -> Option<Script> {
        if self.script.len() > 1 { self.script.pop_front() } else { self.script.front().cloned() }
    }
}

impl<S: Solver> Solver for Broken<S> {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn attempt(&mut self, program: &Program, limits: Limits) -> Result<Claim, Failure> {
        match self.line() {
            None => self.truth.attempt(program, limits),
            Some(Script::Fails(failure)) => Err(failure),
            Some(Script::Claims(values)) => {
                let bound = program.columns().iter().zip(&values).map(|(column, value)| column.objective * value).sum();
                Ok(claims(values, bound))
            }
            Some(Script::Bounds(values, bound)) => Ok(claims(values, bound)),
            Some(Script::Off(by)) => {
                let mut claim = self.truth.attempt(program, limits)?;
                claim.values.iter_mut().for_each(|value| *value += by);
                Ok(claim)
            }
        }
    }
}

fn claims(values: Vec<f64>, bound: f64) -> Claim {
    Claim { values, bound: Some(bound), nodes: Some(0), iterations: 0, stopped: Stopped::Optimal, duals: None }
}
