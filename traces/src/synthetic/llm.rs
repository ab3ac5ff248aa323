//! `llm`: development of large language models as on Kalos, one of the two Acme clusters, in 2023.

use super::helios::WORKING_WEEK;
use super::model::{Class, LogNormal, Model, Outcomes, Targets, Tenants};

/// Ends, fitted to 54.1 / 6.2 / 39.7 % of jobs and 31.3 / 60.7 / 8.0 % of GPU time.
const SMALL: Outcomes = Outcomes { finished: 0.549, killed: 0.043, failed: 0.408 };
const PRETRAINING: Outcomes = Outcomes { finished: 0.30, killed: 0.64, failed: 0.06 };

/// The model.
pub(super) const MODEL: Model = Model {
    name: "llm",
    about: "Acme Kalos, 2023: a flood of short evaluation jobs beside pretraining gangs of up to 1,024 GPUs",
    sources: &[
        "Hu et al., Characterization of Large Language Model Development in the Datacenter, NSDI'24: kinds of jobs",
        "AcmeTrace (CC-BY-4.0) cluster_summary.csv, row Kalos: mean and median run time, mean GPUs, states, GPU time",
    ],
    // Kalos: 302 nodes of 8 (NSDI'24, not re-checked).
    cluster_gpus: 2416,
    // Evaluation, then fine-tuning and debugging, then pretraining. That evaluation is 92.9 % and pretraining 3.2 %
    // of the jobs of Kalos is from NSDI'24 and was not re-checked against the paper. The sizes and run times are fitted to a mean of 26.77 and a median of 1 GPU (max 1,024), a median of 124 s, a mean of
    // 1,259.7 s and 267,904 GPU-seconds a job. Run times of Kalos include the wait, which the source cannot undo.
    classes: &[
        Class {
            share: 0.929,
            gangs: &[(1, 0.80), (2, 0.05), (4, 0.05), (8, 0.10)],
            run_time: LogNormal { median_s: 108.0, sigma: 1.98 },
            outcomes: SMALL,
        },
        Class {
            share: 0.039,
            gangs: &[(8, 0.30), (16, 0.15), (32, 0.15), (64, 0.15), (128, 0.15), (256, 0.10)],
            run_time: LogNormal { median_s: 600.0, sigma: 1.83 },
            outcomes: SMALL,
        },
        Class {
            share: 0.032,
            gangs: &[(128, 0.08), (256, 0.12), (512, 0.30), (1024, 0.50)],
            run_time: LogNormal { median_s: 1800.0, sigma: 2.06 },
            outcomes: PRETRAINING,
        },
    ],
    run_time_max_s: 625_740.0,
    // An assumption: a handful of teams.
    tenants: Tenants::Zipf { groups: 6, users: 10 },
    arrivals: WORKING_WEEK,
    targets: Targets {
        run_time_mean_s: 1259.7,
        run_time_median_s: 124.0,
        gpus_mean: 26.77,
        // (1,667,685,146 + 3,239,202,064 + 426,292,851) GPU-seconds over 19,907 GPU jobs.
        gpu_time_mean_s: 267_904.0,
        outcomes: Outcomes { finished: 0.541, killed: 0.062, failed: 0.397 },
    },
};
