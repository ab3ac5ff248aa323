//! The formulas of the scores. Scores are 0..=100 on nodes of up to 128 cores and 8 GPUs, rounded down, higher is better.

use engine::{GpuRequest, Held, MILLI, TaskRequest};

use super::Rule;
use crate::fragmentation::{GpuChoice, NodeRoom, Workload};

/// What the publication divides CPU by: 128 cores, in thousandths. A node without a limit counts as one of these.
const CPU_MAX: i64 = 128_000;
/// What it divides GPUs by: 8, in thousandths.
const GPU_MAX: i64 = 8000;

/// ln(s / (100 - s)) for s = 51..=99: from here on 100 x sigmoid is at least s. Below 50 the signs turn round.
#[rustfmt::skip]
const LOGIT: [f64; 49] = [
    0.040005334613699164, 0.08004270767353643, 0.12014431184206324, 0.1603426500751794, 0.20067069546215116,
    0.24116205681688807, 0.2818511521409877, 0.322773392263051, 0.36396537720141164, 0.4054651081081644,
    0.44731221804366483, 0.4895482253187058, 0.5322168137473082, 0.5753641449035618, 0.6190392084062234,
    0.6632942174102642, 0.7081850579244858, 0.7537718023763802, 0.8001193001121132, 0.8472978603872036,
    0.8953840470548414, 0.9444616088408514, 0.994622575144062, 1.0459685551826876, 1.0986122886681098,
    1.1526795099383855, 1.2083112059245342, 1.2656663733312759, 1.3249254147435985, 1.3862943611198906,
    1.4500101755059982, 1.5163474893680884, 1.5856272637403819, 1.6582280766035324, 1.7346010553881064,
    1.8152899666382492, 1.900958761193047, 1.992430164690206, 2.0907410969337694, 2.1972245773362196,
    2.3136349291806306, 2.4423470353692043, 2.586689344097943, 2.751535313041949, 2.9444389791664403,
    3.1780538303479458, 3.4760986898352733, 3.8918202981106265, 4.59511985013459,
];

/// The score of a node on which the task fits.
pub(super) fn score(rule: Rule, workload: &Workload, room: &NodeRoom, held: &[Held], request: &TaskRequest) -> i64 {
    match rule {
        Rule::Fgd => fgd(workload, room, request).map_or(0, |(score, _)| score),
        Rule::DotProduct => dot_product(room, request),
        Rule::GpuClustering => gpu_clustering(room, held, request),
        Rule::GpuPacking => gpu_packing(room, request),
        Rule::BestFit => best_fit(room, request),
        Rule::Random => 0,
    }
}

/// floor(100 sigmoid((F before - F after) / 1 GPU)), and for a part of a GPU the GPU with the highest score, first on ties
/// (FGD, algorithm 1, as its artifact rounds it). `None` where the task does not fit.
pub fn fgd(workload: &Workload, room: &NodeRoom, request: &TaskRequest) -> Option<(i64, GpuChoice)> {
    let before = workload.fragmentation(room);
    let after = |choice| {
        let mut after = room.clone();
        after.take(request, choice)?;
        Some(sigmoid_score(before, workload.fragmentation(&after), workload.total()))
    };
    let GpuRequest::Milli(milli) = request.gpus else {
        return after(GpuChoice::Tightest).map(|score| (score, GpuChoice::Tightest));
    };
    let mut best: Option<(i64, GpuChoice)> = None;
    for (gpu, free) in room.gpus.iter().enumerate() {
        // GPUs with equal room have equal scores.
        if *free < milli || room.gpus[..gpu].contains(free) {
            continue;
        }
        let choice = GpuChoice::Gpu(gpu as u32);
        let score = after(choice)?;
        if best.is_none_or(|(highest, _)| score > highest) {
            best = Some((score, choice));
        }
    }
    best
}

/// floor(100 / (1 + exp(-x))) where x is `before` - `after` in GPUs x `total`: how many of the thresholds x has reached.
fn sigmoid_score(before: u64, after: u64, total: u64) -> i64 {
    let unit = total as f64 * f64::from(MILLI);
    if before >= after {
        let x = (before - after) as f64 / unit;
        50 + LOGIT.partition_point(|threshold| *threshold <= x) as i64
    } else {
        // The threshold of s is -LOGIT of 100 - s: the score is the largest s with x >= -LOGIT(100 - s).
        let x = (after - before) as f64 / unit;
        49 - LOGIT.partition_point(|threshold| *threshold < x) as i64
    }
}

fn cpu_left(room: &NodeRoom) -> i64 {
    if room.cpu_milli == engine::UNLIMITED { CPU_MAX } else { i64::from(room.cpu_milli) }
}

/// floor(100 (1 - 1/2 (CPU left over / 128 cores) - 1/2 (GPU left over / 8 GPUs))).
///
/// The publication stretches these over the fitting nodes to 0..=100. That changes no choice: only the highest score becomes 100.
fn best_fit(room: &NodeRoom, request: &TaskRequest) -> i64 {
    let cpu = cpu_left(room) - i64::from(request.cpu_milli);
    let gpu = room.idle_milli().cast_signed() - request.gpus.milli().cast_signed();
    let unit = 2 * CPU_MAX;
    (100 * unit - 100 * cpu - 100 * (CPU_MAX / GPU_MAX) * gpu).div_euclid(unit)
}

/// floor(100 (1 - (node . task) / 2)), both as (CPU / 128 cores, GPU / 8 GPUs).
fn dot_product(room: &NodeRoom, request: &TaskRequest) -> i64 {
    let cpu = i128::from(cpu_left(room)) * i128::from(request.cpu_milli);
    let gpu = i128::from(room.idle_milli()) * i128::from(request.gpus.milli());
    let scale = i128::from(CPU_MAX / GPU_MAX);
    let unit = 2 * i128::from(CPU_MAX) * i128::from(CPU_MAX);
    let score = (100 * unit - 100 * cpu - 100 * scale * scale * gpu).div_euclid(unit);
    score.clamp(i128::from(i32::MIN), 100) as i64
}

/// 25 (8 GPUs - idle) / 8 GPUs, and 75 more where the tasks of the node are all of this size, 50 where some are, 25 where it has
/// none with GPUs. Tasks without GPUs score 0. Sizes are a part of a GPU, 1 GPU, 2 GPUs and so on.
fn gpu_clustering(room: &NodeRoom, held: &[Held], request: &TaskRequest) -> i64 {
    let size = match request.gpus {
        GpuRequest::Whole(0) => return 0,
        GpuRequest::Whole(gpus) => gpus,
        GpuRequest::Milli(_) => 0,
    };
    let used = (25 * (GPU_MAX - room.idle_milli().cast_signed())).div_euclid(GPU_MAX);
    let same = held.iter().any(|held| held.gpus == size);
    used + match (held.len(), same) {
        (0, _) => 25,
        (1, true) => 75,
        (_, true) => 50,
        (_, false) => 0,
    }
}

/// Node empty: max(33 - n, n) with its n GPUs. Else GPUs with the least room first: where k wholly free ones are needed
/// max(50 - k, 33), where none max(100 - (sum of the room in per cent) / 10, 50). Tasks without GPUs score 0.
fn gpu_packing(room: &NodeRoom, request: &TaskRequest) -> i64 {
    let (milli, gpus) = match request.gpus {
        GpuRequest::Whole(0) => return 0,
        GpuRequest::Whole(gpus) => (MILLI as u16, gpus),
        GpuRequest::Milli(milli) => (milli, 1),
    };
    let free = i64::from(room.whole_gpus());
    if free == room.gpus.len() as i64 {
        return (33 - free).max(free);
    }
    if u32::from(milli) == MILLI {
        return (50 - i64::from(gpus)).max(33);
    }
    match room.tightest(milli).map(|gpu| room.gpus[gpu as usize]) {
        Some(free) if u32::from(free) < MILLI => (100 - i64::from(free) * 100 / i64::from(MILLI) / 10).max(50),
        _ => 49,
    }
}

#[cfg(test)]
mod tests {
    use engine::{ModelId, ModelSet, UNLIMITED};

    use super::*;

    fn room(cpu_milli: u32, gpus: &[u16]) -> NodeRoom {
        NodeRoom { model: ModelId(0), cpu_milli, memory_mib: UNLIMITED, gpus: gpus.iter().copied().collect() }
    }

    fn task(gpus: GpuRequest, cpu_milli: u32) -> TaskRequest {
        TaskRequest { gpus, cpu_milli, memory_mib: 0, models: ModelSet::ANY }
    }

    #[test]
    fn the_sigmoid_by_its_definition() {
        // The exact one may be used in a test.
        for step in -60_000i64..=60_000 {
            let x = step as f64 / 10_000.0;
            let exact = 100.0 / (1.0 + (-x).exp());
            let (before, after) = if step >= 0 { (step.unsigned_abs(), 0) } else { (0, step.unsigned_abs()) };
            let near_an_edge = (exact - exact.round()).abs() < 1e-9;
            assert!(near_an_edge || sigmoid_score(before, after, 10) == exact.floor() as i64, "{x}");
        }
        assert_eq!((sigmoid_score(7, 7, 3), sigmoid_score(0, 1, 3), sigmoid_score(1, 0, 3)), (50, 49, 50));
        assert_eq!((sigmoid_score(u64::MAX / 2, 0, 1), sigmoid_score(0, u64::MAX / 2, 1)), (99, 0));
    }

    #[test]
    fn scores_by_hand() {
        let part = |milli| task(GpuRequest::Milli(milli), 4000);
        let whole = |gpus| task(GpuRequest::Whole(gpus), 4000);
        // 100 (1 - 1/2 60/128 - 1/2 1.5/8) = 67.19
        assert_eq!(best_fit(&room(64_000, &[1000, 1000, 500]), &whole(1)), 67);
        // 100 (1 - 1/2 (64/128 4/128 + 2.5/8 1/8)) = 97.27
        assert_eq!(dot_product(&room(64_000, &[1000, 1000, 500]), &whole(1)), 97);
        let held = |sizes: &[u32]| sizes.iter().map(|gpus| Held { gpus: *gpus, tasks: 2 }).collect::<Vec<_>>();
        let node = room(UNLIMITED, &[1000, 500, 0, 0]);
        // 25 (8000 - 1500) / 8000 = 20.3
        assert_eq!(gpu_clustering(&node, &held(&[0]), &part(300)), 95);
        assert_eq!(gpu_clustering(&node, &held(&[1, 0]), &part(300)), 70);
        assert_eq!(gpu_clustering(&node, &held(&[]), &part(300)), 45);
        assert_eq!(gpu_clustering(&node, &held(&[1]), &part(300)), 20);
        assert_eq!(gpu_clustering(&node, &held(&[1]), &whole(1)), 95);
        assert_eq!(gpu_clustering(&node, &held(&[1]), &whole(0)), 0);
        assert_eq!(gpu_packing(&room(0, &[1000; 8]), &whole(1)), 25);
        assert_eq!(gpu_packing(&room(0, &[1000; 17]), &whole(1)), 17);
        assert_eq!(gpu_packing(&node, &whole(1)), 49);
        assert_eq!(gpu_packing(&room(0, &[1000, 1000, 1000, 0]), &whole(3)), 47);
        assert_eq!(gpu_packing(&node, &part(300)), 95);
        assert_eq!(gpu_packing(&room(0, &[259, 1000]), &part(200)), 98);
        assert_eq!(gpu_packing(&node, &part(600)), 49);
        assert_eq!(gpu_packing(&node, &whole(0)), 0);
    }

    #[test]
    fn fgd_by_hand() {
        let mix = Workload::of(&[(task(GpuRequest::Milli(500), 0), 1)], 1_000_000);
        // Two GPUs with 700: half a GPU leaves a sliver of 200. x = -0.2: 100 sigmoid(-0.2) = 45.02.
        let request = task(GpuRequest::Milli(500), 0);
        let found = fgd(&mix, &room(0, &[700, 700]), &request);
        assert_eq!(found, Some((45, GpuChoice::Gpu(0))));
        // On the GPU with 500 nothing is left over: x = 0.
        assert_eq!(fgd(&mix, &room(0, &[700, 500, 500]), &request), Some((50, GpuChoice::Gpu(1))));
        // A task that uses up a sliver of 300 frees nobody of it but is worth it: 100 sigmoid(0.3) = 57.4.
        assert_eq!(fgd(&mix, &room(0, &[700, 300]), &task(GpuRequest::Milli(300), 0)), Some((57, GpuChoice::Gpu(1))));
    }
}
