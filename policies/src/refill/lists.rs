//! The list of open jobs, as the engine has noted it.

use engine::{Draft, JobId, Memo, Time};

use crate::order::{Length, service};
use crate::tiresias::promotion::Base;

/// What is noted about a job.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Note {
    /// Place in the list, from 1; 0: it has none yet.
    pub(crate) place: u64,
    /// The queue.
    pub(crate) queue: u64,
    /// Whether the last fill started it.
    pub(crate) ran: bool,
    /// What it had at its last promotion; `service` is not used.
    pub(crate) base: Base,
}

const QUEUE_BITS: u32 = 40;
const RAN_BIT: u32 = 63;

impl Note {
    pub(crate) fn of(draft: &Draft<'_>, job: JobId) -> Self {
        let [packed, ran, waited, saved] = draft.state().memo(job);
        Self {
            place: packed & ((1 << QUEUE_BITS) - 1),
            queue: packed << 1 >> (QUEUE_BITS + 1),
            ran: packed >> RAN_BIT == 1,
            base: Base { service: 0, ran, waited, saved },
        }
    }

    pub(crate) fn memo(self) -> Memo {
        let packed = self.place | self.queue << QUEUE_BITS | u64::from(self.ran) << RAN_BIT;
        [packed, self.base.ran, self.base.waited, self.base.saved]
    }
}

/// A job of the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) job: JobId,
    pub(crate) note: Note,
}

impl Entry {
    pub(crate) fn new(draft: &Draft<'_>, job: JobId) -> Self {
        Self { job, note: Note::of(draft, job) }
    }
}

/// New jobs go to the end, in the order of the list. Returns the place after the last.
pub(crate) fn number_arrivals(list: &mut [Entry]) -> u64 {
    let mut end = list.iter().map(|entry| entry.note.place).max().unwrap_or(0) + 1;
    for entry in list.iter_mut().filter(|entry| entry.note.place == 0) {
        entry.note.place = end;
        end += 1;
    }
    end
}

/// Jobs that an operator put first, then the shortest, by true durations; ties keep their order.
pub(crate) fn sort_by_remaining(list: &mut [Entry], length: Length, now: Time, draft: &Draft<'_>) {
    let left = |job: JobId| {
        let left = draft.oracle().and_then(|oracle| oracle.remaining(job, now)).map_or(u64::MAX, |span| span.0);
        let milli = draft.state().class_of(job).gpu_milli;
        if length == Length::RemainingService { service(left, milli) } else { left }
    };
    list.sort_by_cached_key(|entry| (draft.state().job(entry.job).first_place, left(entry.job), entry.note.place));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let base = Base { service: 0, ran: 7, waited: 8, saved: 9 };
        let note = Note { place: 123_456, queue: 300, ran: true, base };
        let [packed, ..] = note.memo();
        let queue = packed << 1 >> (QUEUE_BITS + 1);
        assert_eq!((packed & ((1 << QUEUE_BITS) - 1), queue, packed >> RAN_BIT), (123_456, 300, 1));
        assert_eq!(note.memo()[1..], [7, 8, 9]);
    }
}
