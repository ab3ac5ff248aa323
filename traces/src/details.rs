//! What many sources do not say of a job. It stands apart, so that a job about which it is not said takes little room.

use std::ops::{Deref, DerefMut};

use engine::{Level, Span, Time};

/// A value that takes the room of a pointer where nothing is said. It reads and writes like the value itself.
#[derive(Clone, Debug)]
pub struct Sparse<T>(Option<Box<T>>);

/// What may stand in a [`Sparse`].
pub trait Unsaid: Clone + PartialEq + 'static {
    /// The value that says nothing.
    fn unsaid() -> &'static Self;
}

impl<T> Sparse<T> {
    /// Nothing is said.
    pub const NONE: Self = Self(None);

    /// The value, where anything may have been said.
    pub fn said_mut(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()
    }
}

impl<T> Default for Sparse<T> {
    fn default() -> Self {
        Self::NONE
    }
}

impl<T: Unsaid> From<T> for Sparse<T> {
    fn from(value: T) -> Self {
        Self((value != *T::unsaid()).then(|| Box::new(value)))
    }
}

impl<T: Unsaid> Deref for Sparse<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or_else(|| T::unsaid())
    }
}

impl<T: Unsaid> DerefMut for Sparse<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_with(|| Box::new(T::unsaid().clone()))
    }
}

impl<T: Unsaid> PartialEq for Sparse<T> {
    /// By what is said, whether or not there is room for it.
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

/// What many sources do not say of a job. The fields of its [`Wishes`] read and write like its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Details {
    /// CPU of the whole gang in thousandths of a core; 0 when the trace says nothing.
    pub cpu_milli: u32,
    /// Main memory of the whole gang in MiB; 0 when the trace says nothing.
    pub memory_mib: u32,
    /// Index in [`crate::Trace::model_sets`]; `None`: any model.
    pub models: Option<u32>,
    /// The user's estimate of the run time.
    pub estimate: Option<Span>,
    /// Equal tasks (pods, workers, nodes) that the gang is divided into, each on one node; 0 when the source does not
    /// say. Where it does, GPUs, CPU and memory are those of all tasks together.
    pub tasks: u32,
    /// Index in [`crate::Trace::queues`].
    pub queue: Option<u32>,
    /// Name that the user gave; names of one user that resemble each other mark the same work.
    pub name: Option<Box<str>>,
    /// When it first ran in the source.
    pub start: Option<Time>,
    /// Index in [`crate::Trace::job_types`]: what it trains, for tables of throughput.
    pub job_type: Option<u32>,
    /// Training steps (iterations) of the whole job.
    pub steps: Option<u64>,
    /// Weight among jobs, in thousandths; 1000 unless the source says otherwise.
    pub weight_milli: u32,
    /// What its user asks for beyond a gang.
    pub wishes: Sparse<Wishes>,
}

/// What the user of a job asks for beyond a gang. Hardly any source says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wishes {
    /// Time limit of one attempt.
    pub time_limit: Option<Span>,
    /// When the user wants it finished.
    pub deadline: Option<Time>,
    /// When the user wants it started.
    pub start_by: Option<Time>,
    /// What a run after the first needs before it makes progress.
    pub restart: Option<Span>,
    /// Quality of service that it was submitted with.
    pub qos: Option<Box<str>>,
    /// The whole gang inside one domain of this level of the topology.
    pub required: Option<Level>,
    /// The same, if it can be had.
    pub preferred: Option<Level>,
}

impl Details {
    /// Nothing is known.
    pub const NONE: Self = Self {
        cpu_milli: 0,
        memory_mib: 0,
        models: None,
        estimate: None,
        tasks: 0,
        queue: None,
        name: None,
        start: None,
        job_type: None,
        steps: None,
        weight_milli: 1000,
        wishes: Sparse::NONE,
    };
}

impl Wishes {
    /// Nothing is asked for.
    pub const NONE: Self = Self {
        time_limit: None,
        deadline: None,
        start_by: None,
        restart: None,
        qos: None,
        required: None,
        preferred: None,
    };
}

impl Unsaid for Details {
    fn unsaid() -> &'static Self {
        static NONE: Details = Details::NONE;
        &NONE
    }
}

impl Unsaid for Wishes {
    fn unsaid() -> &'static Self {
        static NONE: Wishes = Wishes::NONE;
        &NONE
    }
}

impl Deref for Details {
    type Target = Wishes;

    fn deref(&self) -> &Wishes {
        &self.wishes
    }
}

impl DerefMut for Details {
    fn deref_mut(&mut self) -> &mut Wishes {
        &mut self.wishes
    }
}

#[cfg(test)]
mod tests {
    use super::{Details, Sparse};

    #[test]
    fn reading_makes_no_room_and_writing_does() {
        let mut details = Sparse::from(Details::NONE);
        assert_eq!((details.deadline, details.weight_milli), (None, 1000));
        assert!(details.said_mut().is_none());
        details.tasks = 2;
        assert!(details.said_mut().is_some_and(|details| details.wishes.said_mut().is_none()));
        details.restart = Some(engine::Span(7));
        assert_eq!(details.restart, Some(engine::Span(7)));
        (details.tasks, details.restart) = (0, None);
        assert_eq!(details, Sparse::NONE, "room that says nothing is no difference");
    }

    #[test]
    fn a_job_with_details_takes_less_than_two_cache_lines_beside_it() {
        assert!(size_of::<Details>() <= 112, "{}", size_of::<Details>());
    }
}
