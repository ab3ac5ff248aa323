//! `helios`: The Helios clusters of `SenseTime` in 2020. Many very short jobs, gangs up to hundreds of GPUs.

use super::model::{Arrivals, Class, LogNormal, Model, Outcomes, Targets, Tenants};

/// Ends by size, fitted to 62.4 / 22.1 / 15.5 % of jobs and 51.3 / 39.4 / 9.3 % of GPU time.
const SMALL: Outcomes = Outcomes { finished: 0.65, killed: 0.18, failed: 0.17 };
const NODE: Outcomes = Outcomes { finished: 0.505, killed: 0.40, failed: 0.095 };
const LARGE: Outcomes = Outcomes { finished: 0.505, killed: 0.42, failed: 0.075 };

/// Working hours as an assumption in the shape that SC'21 describes: low from midnight to 8 h, dips at noon and at
/// 18 h. The numbers are ours: the paper prints a curve.
pub(super) const WORKING_WEEK: Arrivals = Arrivals {
    hours: [
        2.4, 1.8, 1.4, 1.1, 1.0, 1.0, 1.2, 1.6, 2.6, 4.6, 6.2, 6.4, 4.6, 5.4, 6.6, 6.8, 6.8, 6.4, 4.6, 5.0, 5.6, 5.4,
        4.6, 3.4,
    ],
    days: [1.0, 1.05, 1.05, 1.05, 1.0, 0.65, 0.6],
};

/// The model.
pub(super) const MODEL: Model = Model {
    name: "helios",
    about: "SenseTime Helios, 2020: half of the jobs end within 206 s; gangs of 8 and more hold most of the GPU time",
    sources: &[
        "Hu et al., Characterization and Prediction of Deep Learning Workloads in Large-Scale GPU Datacenters, SC'21",
        "AcmeTrace (CC-BY-4.0) cluster_summary.csv, row Helios: mean and median run time, mean GPUs, states, GPU time",
        "HeliosData (CC-BY-4.0) Venus: 135 nodes of 8 GPUs, 25 virtual clusters",
    ],
    // Venus.
    cluster_gpus: 1080,
    // The shares of the sizes are fitted to a median of 1 and a mean of 3.716 GPUs, the run times to a median of
    // 206 s, a mean of 6,651.7 s and 49,351 GPU-seconds a job. The gangs above 256 GPUs (max 2,048) are left out.
    classes: &[
        Class {
            share: 0.6396,
            gangs: &[(1, 1.0)],
            run_time: LogNormal { median_s: 160.0, sigma: 2.62 },
            outcomes: SMALL,
        },
        Class {
            share: 0.18,
            gangs: &[(2, 0.08), (4, 0.10)],
            run_time: LogNormal { median_s: 205.0, sigma: 2.66 },
            outcomes: SMALL,
        },
        Class {
            share: 0.135,
            gangs: &[(8, 1.0)],
            run_time: LogNormal { median_s: 450.0, sigma: 2.66 },
            outcomes: NODE,
        },
        Class {
            share: 0.0454,
            gangs: &[(16, 0.025), (32, 0.013), (64, 0.006), (128, 0.001), (256, 0.0004)],
            run_time: LogNormal { median_s: 900.0, sigma: 2.68 },
            outcomes: LARGE,
        },
    ],
    run_time_max_s: 4_320_009.0,
    // 25 virtual clusters in Venus; Zipf's law and the number of users are assumptions.
    tenants: Tenants::Zipf { groups: 25, users: 10 },
    arrivals: WORKING_WEEK,
    targets: Targets {
        run_time_mean_s: 6651.7,
        run_time_median_s: 206.0,
        gpus_mean: 3.716,
        // (39,994,296,320 + 30,715,109,125 + 7,288,334,702) GPU-seconds over 1,580,464 GPU jobs.
        gpu_time_mean_s: 49_351.0,
        outcomes: Outcomes { finished: 0.624, killed: 0.221, failed: 0.155 },
    },
};
