//! Policies in rounds by hand: whose turn it is, and when.

use engine::{Event, Inventory, MICROS, Reason, Shape, TaskRequest, Time};
use policies::{Context, build};

use crate::bench::Bench;

/// One node; class 0 is one GPU, class 1 two.
fn bench(gpus: u32, policy: &str) -> Bench {
    let policy = build(policy, Context::default()).unwrap().policy;
    let shapes = [1, 2].map(|gpus| Shape::uniform(1, TaskRequest::whole_gpus(gpus)));
    Bench::new(Inventory::uniform(1, gpus, "A100"), policy, &[("all", None, 1000)], &shapes)
}

fn reason(bench: &Bench, job: u32) -> Option<&'static str> {
    bench.core.state().reason(engine::JobId(job)).map(|reason| reason.code())
}

const ROUND: Event = Event::Round { idle: false };

#[test]
fn a_job_waits_for_the_next_multiple_of_the_round() {
    let mut bench = bench(2, "fifo-rounds[round=100]");
    let first = bench.submission(0, 0);
    assert!(bench.at(130, [first]).is_empty());
    assert_eq!(reason(&bench, 0), Some("next-round"));
    assert_eq!(bench.at(200, [Event::Woke]), [0], "it asked to be woken then");
}

#[test]
fn a_round_of_the_world_is_the_only_one() {
    let mut bench = bench(2, "fifo-rounds[round=100]");
    let first = bench.submission(0, 0);
    assert_eq!(bench.at(130, [first, ROUND]), [0]);
    let second = bench.submission(0, 0);
    assert!(bench.at(200, [second]).is_empty(), "200 s is a multiple of its own round, and that does not count");
    assert_eq!(bench.at(490, [ROUND]), [1]);
}

#[test]
fn gpus_that_become_free_in_a_round_idle_until_the_next() {
    let mut bench = bench(1, "fifo-rounds");
    let [first, second] = [bench.submission(0, 0), bench.submission(0, 0)];
    assert_eq!(bench.at(0, [first, second, ROUND]), [0]);
    assert!(bench.at(50, [Bench::end(0)]).is_empty());
    assert_eq!(bench.at(360, [ROUND]), [1]);
}

#[test]
fn fifo_stops_at_the_first_that_does_not_fit() {
    let mut bench = bench(2, "fifo-rounds");
    let jobs = [bench.submission(0, 0), bench.submission(1, 0), bench.submission(0, 0)];
    let [first, second, third] = jobs;
    assert_eq!(bench.at(0, [first, second, third, ROUND]), [0]);
    assert_eq!((reason(&bench, 1), reason(&bench, 2)), (Some("too-few-gpus"), Some("behind-head")));
}

/// Gavel's artifact looks at its queue again only after 1920 s, whatever becomes free; a look at time zero does not count.
#[test]
fn the_queue_is_not_looked_at_sooner_than_it_may_be() {
    let mut bench = bench(2, "fifo-rounds[look-after=1920]");
    let first = bench.submission(0, 0);
    assert_eq!(bench.at(0, [first, ROUND]), [0]);
    let second = bench.submission(0, 0);
    assert_eq!(bench.at(360, [second, ROUND]), [1]);
    let third = bench.submission(0, 0);
    assert!(bench.at(720, [Bench::end(0), third, ROUND]).is_empty());
    assert!(bench.at(2279, [ROUND]).is_empty());
    assert_eq!(bench.at(2280, [ROUND]), [2]);
    let fourth = bench.submission(0, 0);
    assert!(bench.at(2281, [Bench::end(1), Bench::end(2), fourth, ROUND]).is_empty());
    assert_eq!(bench.at(2281, [Event::Round { idle: true }]), [3], "nothing else will ever come");
}

/// A model that is drawn has room for the whole gang, and all models are drawn in the end.
#[test]
fn a_random_model_has_room_for_the_whole_gang() {
    let mut inventory = Inventory::uniform(64, 2, "A100");
    inventory.models.push(engine::GpuModel { name: "K80".to_owned(), memory_mib: 0, price_per_hour: None });
    for node in 0..32 {
        (inventory.nodes[node].model, inventory.nodes[node].gpus) = (engine::ModelId(1), 1);
    }
    let policy = build("fifo-rounds[model=random]", Context { estimates: false, seed: 3 }).unwrap();
    assert!(policy.seeded);
    let shapes = [Shape::uniform(1, TaskRequest::whole_gpus(1)), Shape::uniform(1, TaskRequest::whole_gpus(2))];
    let mut bench = Bench::new(inventory, policy.policy, &[("all", None, 1000)], &shapes);
    for class in 0..32 {
        let job = bench.submission(class % 2, 0);
        bench.at(0, [job]);
    }
    bench.at(360, [Event::Woke]);
    let models: Vec<usize> = (0..32)
        .map(|job| {
            let slice = bench.core.state().job(engine::JobId(job)).placement[0];
            bench.core.state().cluster().spec(slice.node).model.index()
        })
        .collect();
    assert!(models.iter().skip(1).step_by(2).all(|model| *model == 0), "a gang of two needs an A100: {models:?}");
    let on_k80 = models.iter().filter(|model| **model == 1).count();
    assert!((3..=13).contains(&on_k80), "about half of 16 single GPUs: {models:?}");
}

#[test]
fn nothing_but_a_round_longer_than_nothing_is_a_round() {
    for policy in ["fifo-rounds", "las-rounds", "srtf-rounds"] {
        let error = build(&format!("{policy}[round=0]"), Context::default()).err().unwrap();
        assert!(error.to_string().contains("knob `round` cannot be `0`"), "{error}");
    }
}

#[test]
fn las_walks_to_the_first_that_never_fits() {
    let mut bench = bench(2, "las-rounds[round=300]");
    let [first, second, third] = [bench.submission(0, 0), bench.submission(1, 0), bench.submission(0, 0)];
    assert_eq!(bench.at(0, [first, second, third]), [0]);
    assert_eq!(bench.core.state().reason(engine::JobId(2)).unwrap(), Reason::BehindHead { head: engine::JobId(1) });
    assert_eq!(bench.core.state().now(), Time(0));
    // The first has attained 300 s then, the second nothing: it stops it.
    assert!(bench.at(300, [Event::Woke]).is_empty(), "it starts when the first has ended");
    let job = bench.core.state().job(engine::JobId(0));
    assert_eq!(job.phase, engine::Phase::Draining(engine::Cause::Preempted));
    assert_eq!(bench.core.state().evictions()[0].bill.by, Some(engine::JobId(1)));
    let run = engine::RunId { job: engine::JobId(0), attempt: 1 };
    let saved = Some(engine::Span(300 * MICROS));
    assert_eq!(bench.at(300, [Event::Ended { run, exit: engine::Exit::Stopped, saved }]), [1]);
}
