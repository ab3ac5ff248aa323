use crate::yard::{Yard, quota};
use engine::{Shape, TaskRequest};
fn cpu() -> u128 {
    std::fs::read_to_string("/proc/thread-self/schedstat").unwrap().split(' ').next().unwrap().parse::<u128>().unwrap()
        / 1000
}
#[test]
fn speed() {
    let jobs: usize = std::env::var("JOBS").ok().map_or(14000, |t| t.parse().unwrap());
    for policy in std::env::var("POL").unwrap().split(';') {
        let mut yard = Yard::new(policy, &[8; 1250]);
        let mut x = 12345u64;
        let mut rnd = move |n: u64| {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (x >> 33) % n
        };
        let paths: Vec<String> = (0..200).map(|i| format!("org{}/t{}", i % 20, i)).collect();
        for p in &paths {
            yard.terms(p, quota(40));
        }
        let sizes = [1u32, 1, 1, 2, 4, 8];
        let t0 = cpu();
        for i in 0..jobs {
            if i % 1000 == 0 {
                println!(
                    "{i}: {} ms running {} preempted {}",
                    (cpu() - t0) / 1000,
                    yard.running().len(),
                    yard.preempted.len()
                );
            }
            let p = &paths[(rnd(200) * rnd(200) / 200) as usize];
            let g = sizes[rnd(6) as usize];
            let pr = rnd(3) as i32;
            yard.submit_shape(p, &Shape::uniform(1, TaskRequest::whole_gpus(g)), |s| s.priority = pr);
        }
        let fill = (cpu() - t0) / 1000;
        let waiting = yard.core.state().totals().ready;
        let (mut ends, mut arrivals) = (0, 0);
        for i in 0..400 {
            let run = yard.running();
            let job = run[rnd(run.len() as u64) as usize];
            let t = cpu();
            yard.wait(1);
            if i % 2 == 0 {
                yard.end(job);
                ends += cpu() - t;
            } else {
                let p = &paths[rnd(200) as usize];
                yard.submit(p, sizes[rnd(6) as usize]);
                arrivals += cpu() - t;
            }
        }
        println!(
            "{policy}: fill {fill} ms, waiting {waiting}, running {}, cpu mean us: end {} arrival {}; preempted {}",
            yard.running().len(),
            ends / 200,
            arrivals / 200,
            yard.preempted.len()
        );
    }
}
