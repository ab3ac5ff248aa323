//! The readers of capacity schedules, and their canonical form.

#![no_main]

use libfuzzer_sys::fuzz_target;
use traces::capacity::{CapacitySchedule, Series, describe_capacity, read_capacity_bytes, write_capacity};
use trainyard_fuzz::check_error;

fuzz_target!(|bytes: &[u8]| match read_capacity_bytes("Earth_vc_cluster_sequence.csv", bytes) {
    Ok(schedule) => {
        drop(describe_capacity(&schedule));
        check_round_trip(&schedule);
    }
    Err(error) => check_error(&error),
});

/// What was written is read back equal, but for the order of the series.
fn check_round_trip(schedule: &CapacitySchedule) {
    if schedule.series.is_empty() {
        return;
    }
    let mut text = Vec::new();
    write_capacity(schedule, &mut text).expect("memory can be written");
    let again = read_capacity_bytes("written.csv", &text).expect("what was written can be read");
    assert_eq!((again.unit, again.last), (schedule.unit, schedule.last));
    let by_name = |schedule: &CapacitySchedule| -> Vec<Series> {
        let mut series = schedule.series.clone();
        series.sort_by(|a, b| a.name.cmp(&b.name));
        series
    };
    assert_eq!(by_name(&again), by_name(schedule));
}
