//! What each policy and each cost does, as timelines that people can read: `script/*.snap` hold script and timeline.

use crate::script_language::play;

fn check(name: &str, script: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("script");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, play(script)));
}

#[test]
fn fifo_nobody_passes_the_head() {
    check(
        "fifo",
        "cluster 1x8
         policy fifo
         job A at 0 gpus 6 for 100
         job B at 10 gpus 4 for 50
         job C at 20 gpus 2 for 10",
    );
}

#[test]
fn fifo_skip_lets_those_pass_who_fit() {
    check(
        "fifo_skip",
        "cluster 1x8
         policy fifo[skip=true]
         job A at 0 gpus 6 for 100
         job B at 10 gpus 4 for 50
         job C at 20 gpus 2 for 200",
    );
}

#[test]
fn fifo_goes_by_priority_before_arrival() {
    check(
        "fifo_priority",
        "cluster 1x8
         policy fifo
         job A at 0 gpus 8 for 100
         job B at 10 gpus 8 for 10
         job C at 20 gpus 8 for 10 priority 5",
    );
}

#[test]
fn sjf_takes_the_shortest_and_stops_nobody() {
    check(
        "sjf",
        "cluster 1x8
         policy sjf
         job A at 0 gpus 8 for 100
         job B at 10 gpus 8 for 80
         job C at 20 gpus 8 for 5
         job D at 30 gpus 8 for 40",
    );
}

#[test]
fn srtf_stops_the_job_with_most_work_left() {
    check(
        "srtf",
        "cluster 1x8
         policy srtf
         job A at 0 gpus 4 for 100
         job B at 0 gpus 4 for 60
         job C at 10 gpus 4 for 20
         job D at 20 gpus 8 for 5",
    );
}

#[test]
fn srsf_goes_by_time_and_gpus() {
    check(
        "srsf",
        "cluster 1x8
         policy srsf
         job A at 0 gpus 8 for 30
         job B at 10 gpus 1 for 100
         job C at 20 gpus 8 for 13",
    );
}

#[test]
fn easy_fills_gaps_and_keeps_the_reservation() {
    // B is promised 100 s. C ends by then and passes; D would not; E is long but leaves B's six GPUs alone; F would not.
    check(
        "easy",
        "cluster 1x8
         policy easy
         job A at 0 gpus 5 for 100 estimate 100
         job B at 10 gpus 6 for 50 estimate 50
         job C at 20 gpus 1 for 70 estimate 80
         job D at 21 gpus 3 for 90 estimate 90
         job E at 22 gpus 2 for 300 estimate 300
         job F at 95 gpus 1 for 300 estimate 300",
    );
}

#[test]
fn easy_moves_up_when_jobs_end_before_their_estimates() {
    check(
        "easy_early",
        "cluster 2x4
         policy easy
         job A at 0 gpus 4 for 30 estimate 100
         job B at 0 gpus 2 for 60 estimate 60
         job C at 5 gpus 8 for 10 estimate 10
         job D at 6 gpus 2 for 50 estimate 50
         job E at 7 gpus 2 for 50 estimate 200",
    );
}

#[test]
fn priority_takes_the_victims_that_lose_least() {
    // At 50 s A last saved at 40 s and B at 45 s: B has less to lose.
    check(
        "priority_least_lost",
        "cluster 1x8
         policy priority
         set checkpoint_s=20
         set preempt_saves=false
         job A at 0 gpus 4 for 100
         job B at 5 gpus 4 for 100
         job C at 50 gpus 4 for 10 priority 1",
    );
}

#[test]
fn priority_stops_whole_gangs_and_never_equals() {
    check(
        "priority_gangs",
        "cluster 2x4
         policy priority
         job A at 0 gpus 8 for 100
         job B at 10 gpus 1 for 20 priority 1
         job C at 15 gpus 8 for 20 priority 1
         job D at 20 gpus 4 for 5 priority 2 fixed
         job E at 21 gpus 8 for 5 priority 3",
    );
}

#[test]
fn fair_share_over_two_levels() {
    check(
        "fair_share",
        "cluster 1x1
         policy fair-share[commitment=0]
         weight b 2
         job A1 at 0 gpus 1 for 10 tenant a/x
         job A2 at 0 gpus 1 for 10 tenant a/x
         job A3 at 0 gpus 1 for 10 tenant a/y
         job B1 at 0 gpus 1 for 10 tenant b/z
         job B2 at 0 gpus 1 for 10 tenant b/z
         job B3 at 0 gpus 1 for 10 tenant b/z
         job B4 at 0 gpus 1 for 10 tenant b/z",
    );
}

#[test]
fn a_gang_that_spans_nodes_is_slower() {
    check(
        "spread_penalty",
        "cluster 2x4
         policy fifo
         set spread_penalty=0.2
         job A at 0 gpus 8 for 100
         job B at 0 gpus 4 for 100",
    );
}

#[test]
fn a_restart_takes_time() {
    check(
        "restart",
        "cluster 1x4
         policy srtf
         set restart_s=30
         job A at 0 gpus 4 for 100
         job B at 40 gpus 4 for 10",
    );
}

#[test]
fn a_broken_node_costs_the_work_since_the_last_checkpoint() {
    check(
        "node_failure",
        "cluster 2x4
         policy fifo
         set checkpoint_s=30
         job A at 0 gpus 4 for 100
         job B at 0 gpus 4 for 50
         at 40 down 0
         at 200 up 0",
    );
}

#[test]
fn failures_are_retried_after_a_wait() {
    check(
        "retry",
        "cluster 1x4
         policy fifo
         set checkpoint_s=10
         job A at 0 gpus 4 for 100 retry 2 backoff 60 fails 25 2
         job B at 0 gpus 4 for 10 retry 1 fails 5 3",
    );
}

#[test]
fn children_wait_for_parents() {
    check(
        "dependencies",
        "cluster 1x4
         policy fifo
         job A at 0 gpus 2 for 30
         job B at 0 gpus 2 for 50 fails 20 1
         job C at 0 gpus 1 for 10 after A
         job D at 0 gpus 1 for 10 after A,B
         job E at 0 gpus 1 for 10 after D",
    );
}

#[test]
fn a_preempted_job_takes_time_to_stop() {
    // A needs 20 s to save and has only 5 s: it is killed and loses what it did since its last checkpoint.
    check(
        "drain_time",
        "cluster 1x8
         policy priority
         set drain_s=20
         set checkpoint_s=60
         job A at 0 gpus 8 for 100 grace 5
         job B at 90 gpus 8 for 10 priority 1
         job C at 95 gpus 8 for 50 priority 2 grace 60",
    );
}

#[test]
fn operators_drain_hold_and_cancel() {
    check(
        "operators",
        "cluster 2x4
         policy fifo
         job A at 0 gpus 4 for 100
         job B at 0 gpus 4 for 40
         job C at 5 gpus 4 for 20 held
         job D at 6 gpus 0.25 for 30 limit 10
         at 10 drain 1
         at 20 release C
         at 60 hold A
         at 70 resume 1
         at 80 release A
         at 90 cancel A",
    );
}

#[test]
fn two_jobs_swap_places() {
    check(
        "move_swap",
        "cluster 2x4
         policy fifo
         set restart_s=10
         job A at 0 gpus 4 for 100
         job B at 0 gpus 4 for 100
         at 50 move A=1:0-3,B=0:0-3",
    );
}

#[test]
fn a_move_makes_room_for_a_gang() {
    // C needs a whole node: two halves are free, and B, which takes 20 s to stop, makes them one.
    check(
        "move_room",
        "cluster 2x4
         policy fifo[place=worst-fit]
         set drain_s=20
         set restart_s=10
         job A at 0 gpus 2 for 100 grace 60
         job B at 0 gpus 2 for 100 grace 60
         job C at 10 gpus 4 for 40
         at 40 move B=0:2-3",
    );
}

#[test]
fn a_node_that_breaks_while_a_job_moves_to_it_sends_it_to_the_queue() {
    check(
        "move_lost",
        "cluster 2x4
         policy fifo
         set drain_s=20
         set checkpoint_s=15
         job A at 0 gpus 4 for 100 grace 60
         at 40 move A=1:0-3
         at 50 down 1",
    );
}
