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
    0.040_005_334_613_699_164, 0.080_042_707_673_536_43, 0.120_144_311_842_063_24, 0.160_342_650_075_179_4, 0.200_670_695_462_151_16,
    0.241_162_056_816_888_07, 0.281_851_152_140_987_7, 0.322_773_392_263_051, 0.363_965_377_201_411_64, 0.405_465_108_108_164_4,
    0.447_312_218_043_664_83, 0.489_548_225_318_705_8, 0.532_216_813_747_308_2, 0.575_364_144_903_561_8, 0.619_039_208_406_223_4,
    0.663_294_217_410_264_2, 0.708_185_057_924_485_8, 0.753_771_802_376_380_2, 0.800_119_300_112_113_2, 0.847_297_860_387_203_6,
    0.895_384_047_054_841_4, 0.944_461_608_840_851_4, 0.994_622_575_144_062, 1.045_968_555_182_687_6, 1.098_612_288_668_109_8,
    1.152_679_509_938_385_5, 1.208_311_205_924_534_2, 1.265_666_373_331_275_9, 1.324_925_414_743_598_5, 1.386_294_361_119_890_6,
    1.450_010_175_505_998_2, 1.516_347_489_368_088_4, 1.585_627_263_740_381_9, 1.658_228_076_603_532_4, 1.734_601_055_388_106_4,
    1.815_289_966_638_249_2, 1.900_958_761_193_047, 1.992_430_164_690_206, 2.090_741_096_933_769_4, 2.197_224_577_336_219_6,
    2.313_634_929_180_630_6, 2.442_347_035_369_204_3, 2.586_689_344_097_943, 2.751_535_313_041_949, 2.944_438_979_166_440_3,
    3.178_053_830_347_945_8, 3.476_098_689_835_273_3, 3.891_820_298_110_626_5, 4.595_119_850_134_59,
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
    let mut best: Option<(i64, GpuChoice)> = None;
    for choice in room.choices(request) {
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
        50 + LOGIT.partition_point(|threshold| *threshold <= x).cast_signed() as i64
    } else {
        // The threshold of s is -LOGIT of 100 - s: the score is the largest s with x >= -LOGIT(100 - s).
        let x = (after - before) as f64 / unit;
        49 - LOGIT.partition_point(|threshold| *threshold < x).cast_signed() as i64
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
    if room.whole_gpus() as usize == room.gpus.len() {
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
    #[expect(clippy::disallowed_methods, reason = "what the tables are checked against")]
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
