//! What is allocated and fragmented, by the demand that has arrived.

use engine::State;
use policies::fragmentation::{Meter, Workload};

/// Means over the arrivals of one per cent of demand.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Column {
    /// Arrivals.
    pub arrivals: u64,
    /// Allocated GPU, sum of shares.
    allocated: f64,
    /// F over all GPU, sum of shares.
    fragmentation: f64,
    /// F over idle GPU, sum of shares.
    fragmentation_idle: f64,
}

impl Column {
    fn add(&mut self, more: &Self) {
        self.arrivals += more.arrivals;
        self.allocated += more.allocated;
        self.fragmentation += more.fragmentation;
        self.fragmentation_idle += more.fragmentation_idle;
    }

    /// Mean share of allocated GPU.
    pub fn allocated(&self) -> f64 {
        self.allocated / self.arrivals as f64
    }

    /// Mean share of F in all GPU.
    pub fn fragmentation(&self) -> f64 {
        self.fragmentation / self.arrivals as f64
    }

    /// Mean share of F in idle GPU.
    pub fn fragmentation_idle(&self) -> f64 {
        self.fragmentation_idle / self.arrivals as f64
    }
}

/// Columns by per cent of demand, from 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns(Vec<Column>);

impl Columns {
    /// The column at which the demand that has arrived rounds to so many per cent of the cluster; where nothing arrived
    /// there, those beside it together (as the artifact of FGD does); `None` where nothing did there either.
    pub fn at(&self, percent: usize) -> Option<Column> {
        let of = |at: usize| self.0.get(at).filter(|column| column.arrivals > 0);
        if let Some(column) = of(percent) {
            return Some(*column);
        }
        let mut both = Column::default();
        [percent.wrapping_sub(1), percent + 1].into_iter().filter_map(of).for_each(|column| both.add(column));
        (both.arrivals > 0).then_some(both)
    }
}

/// Looks at the cluster after each arrival.
#[derive(Debug)]
pub(super) struct Measure {
    meter: Meter,
    capacity: u64,
    columns: Columns,
    /// The last look: allocated, F over all, F over idle.
    last: [f64; 3],
}

impl Measure {
    pub(super) fn new(workload: Workload, capacity: u64) -> Self {
        Self { meter: Meter::new(workload), capacity, columns: Columns::default(), last: [0.0; 3] }
    }

    /// After an arrival; so much has arrived in thousandths of a GPU.
    pub(super) fn look(&mut self, state: &State, arrived: u64) {
        self.meter.follow(state.cluster());
        let (all, held) = (self.capacity as f64, state.totals().held_milli);
        let (milli, idle) = (self.meter.milli(), self.capacity.saturating_sub(held));
        self.last = [held as f64 / all, milli / all, if idle == 0 { 0.0 } else { milli / idle as f64 }];
        let [allocated, fragmentation, fragmentation_idle] = self.last;
        let percent = (arrived as f64 * 100.0 / all).round() as usize;
        if self.columns.0.len() <= percent {
            self.columns.0.resize(percent + 1, Column::default());
        }
        self.columns.0[percent].add(&Column { arrivals: 1, allocated, fragmentation, fragmentation_idle });
    }

    /// Looks once more at the end, and gives the last look and all columns.
    pub(super) fn finish(mut self, state: &State) -> ([f64; 3], Columns) {
        self.meter.follow(state.cluster());
        let (all, held) = (self.capacity as f64, state.totals().held_milli);
        let (milli, idle) = (self.meter.milli(), self.capacity.saturating_sub(held));
        self.last = [held as f64 / all, milli / all, if idle == 0 { f64::NAN } else { milli / idle as f64 }];
        (self.last, self.columns)
    }
}
