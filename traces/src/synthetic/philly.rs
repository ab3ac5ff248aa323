//! `philly`: Microsoft's Philly clusters in 2017. Mostly single GPUs, few gangs that hold most of the GPU time.

use super::model::{Arrivals, Class, LogNormal, Model, Outcomes, Targets, Tenants};

/// Ends of jobs of one GPU. With [`GANGS`] they meet the shares that ATC'19 reports (not re-checked against
/// the paper): 69.3 / 13.5 / 17.2 % of jobs passed, were killed, were unsuccessful; 44.5 / 37.7 / 17.8 % of GPU time.
const SINGLES: Outcomes = Outcomes { finished: 0.715, killed: 0.114, failed: 0.171 };
const GANGS: Outcomes = Outcomes { finished: 0.39, killed: 0.42, failed: 0.19 };

/// The model.
pub(super) const MODEL: Model = Model {
    name: "philly",
    about: "Microsoft Philly, 2017: 93 % single-GPU jobs; gangs of up to 128 GPUs hold most of the GPU time",
    sources: &[
        "Jeon et al., Analysis of Large-Scale Multi-Tenant GPU Clusters for DNN Training Workloads, ATC'19: outcomes",
        "msr-fiddle/philly-traces (CC-BY-4.0), flat table of 82,247 jobs: sizes, run times, virtual clusters, hours",
    ],
    // 60 nodes of 8: a cluster that the flat table of Sep-Oct 2017 (642,409 GPU-hours in 57.5 days) loads to 0.97.
    cluster_gpus: 480,
    // Gang sizes are the counts of the flat table: 1: 76,627; 2: 1,818; 4: 1,870; 8: 1,643; 12: 7; 16: 199; 24: 7;
    // 32: 67; 64: 6; 128: 3. Run times are fitted to its median of 1,144 s, mean of 13,136 s and 978,078 GPU-hours,
    // with the order of the medians by size: 1 GPU 1,477 s, 2 to 4 about 3,000 s, 8 and more about a day (Sep-Oct).
    classes: &[
        Class {
            share: 0.9015,
            gangs: &[(1, 1.0)],
            run_time: LogNormal { median_s: 1000.0, sigma: 1.45 },
            outcomes: SINGLES,
        },
        Class {
            share: 0.0302,
            gangs: &[(1, 1.0)],
            run_time: LogNormal { median_s: 70_000.0, sigma: 1.33 },
            outcomes: SINGLES,
        },
        Class {
            share: 0.0448,
            gangs: &[(2, 1818.0), (4, 1870.0)],
            run_time: LogNormal { median_s: 2500.0, sigma: 2.77 },
            outcomes: GANGS,
        },
        Class {
            share: 0.0235,
            gangs: &[(8, 1643.0), (12, 7.0), (16, 199.0), (24, 7.0), (32, 67.0), (64, 6.0), (128, 3.0)],
            run_time: LogNormal { median_s: 60_000.0, sigma: 1.15 },
            outcomes: GANGS,
        },
    ],
    run_time_max_s: 4_628_226.0,
    // Jobs by virtual cluster in the flat table. The number of users is an assumption.
    tenants: Tenants::Weights {
        groups: &[
            41_226.0, 16_091.0, 9953.0, 7423.0, 1934.0, 1511.0, 1435.0, 1137.0, 723.0, 422.0, 374.0, 8.0, 4.0, 3.0, 3.0,
        ],
        users: 20,
    },
    // Shares of the flat table, Sep-Oct 2017, by hour and by weekday; the peak at 7 h is a burst of many small jobs.
    arrivals: Arrivals {
        hours: [
            0.0568, 0.0510, 0.0558, 0.0378, 0.0204, 0.0509, 0.0706, 0.1016, 0.0432, 0.0405, 0.0407, 0.0307, 0.0356,
            0.0243, 0.0256, 0.0221, 0.0404, 0.0278, 0.0242, 0.0213, 0.0479, 0.0360, 0.0508, 0.0440,
        ],
        days: [0.1218, 0.1560, 0.1467, 0.1781, 0.2020, 0.0993, 0.0962],
    },
    targets: Targets {
        run_time_mean_s: 13_136.0,
        run_time_median_s: 1144.0,
        // 107,235 GPUs over 82,247 jobs, and 978,078 GPU-hours.
        gpus_mean: 1.304,
        gpu_time_mean_s: 42_810.0,
        outcomes: Outcomes { finished: 0.693, killed: 0.135, failed: 0.172 },
    },
};
