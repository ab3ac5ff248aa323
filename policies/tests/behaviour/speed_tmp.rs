use crate::yard::{Yard, quota};
use engine::{Shape,TaskRequest};
#[test]
fn speed() {
    for policy in ["kueue", "kueue[preset=kueue-drs]", "kueue[reclaim=any,within-queue=lower-priority]", "kueue[preset=kueue-drs,admission=usage]", "kai", "kai[window=24]"] {
        let mut yard = Yard::new(policy, &[8; 1250]);
        let mut x = 12345u64;
        let mut rnd = move |n: u64| { x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407); (x >> 33) % n };
        let paths: Vec<String> = (0..200).map(|i| format!("org{}/t{}", i % 20, i)).collect();
        for p in &paths { yard.terms(p, quota(40)); }
        let sizes = [1u32,1,1,2,4,8];
        let t0 = std::time::Instant::now();
        for _ in 0..14000 {
            let p = &paths[(rnd(200) * rnd(200) / 200) as usize];
            let g = sizes[rnd(6) as usize];
            let pr = rnd(3) as i32;
            yard.submit_shape(p, &Shape::uniform(1, TaskRequest::whole_gpus(g)), |s| s.priority = pr);
        }
        let fill = t0.elapsed();
        let waiting = yard.core.state().totals().ready;
        let mut times = vec![];
        for i in 0..400 {
            let run = yard.running();
            let job = run[rnd(run.len() as u64) as usize];
            let t = std::time::Instant::now();
            yard.wait(1);
            if i % 2 == 0 { yard.end(job); } else { let p = &paths[rnd(200) as usize]; yard.submit(p, sizes[rnd(6) as usize]); }
            times.push(t.elapsed().as_micros());
        }
        times.sort();
        println!("{policy}: fill {fill:?}, waiting {waiting}, running {}, steps p50 {} us p99 {} us max {}, preempted {}", yard.running().len(), times[200], times[396], times[399], yard.preempted.len());
    }
}
