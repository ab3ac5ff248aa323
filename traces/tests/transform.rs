//! Whatever stands in brackets or in the file of a model: an answer or an error with a hint, never a panic.
#![allow(clippy::unwrap_used)] // clippy.toml excepts test functions only, not what they call

mod common;

use common::trace;
use proptest::prelude::*;
use traces::synthetic::{Request, fit, generate, model_text, models, read_model};
use traces::{Changes, load, write_csv};

fn value() -> impl Strategy<Value = String> {
    let number = prop_oneof![Just(0.0), Just(1.0), 0.0..3.0, 0.0..1e6, Just(1e300), Just(-1.0)];
    let count = prop_oneof![0..5u64, any::<u64>()];
    let filters: Vec<&str> = traces::filters().map(|filter| filter.name).collect();
    prop_oneof![
        number.prop_map(|number| format!("{number}")),
        count.prop_map(|count| count.to_string()),
        prop::sample::select(filters).prop_map(str::to_owned),
        prop::sample::select(vec![
            "0..2h",
            "..1d",
            "5s..",
            "2017-10-03..",
            "50%",
            "0.5",
            "-3s",
            "9999999999d",
            "fmodel:2",
            "lognormal:3",
            "exact",
            "inflated",
            "sia:1",
            "pollux:2",
            "lucid:org|ü",
            "batsim:given-walltime-only",
            "synthetic",
            "é",
            "",
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn changes_answer(trace in trace(), pairs in prop::collection::vec((prop::sample::select(
        Changes::keys().map(|(key, _)| key).collect::<Vec<_>>()), value()), 1..4)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        write_csv(&trace, std::fs::File::create(&path).unwrap()).unwrap();
        let pairs: Vec<String> = pairs
            .into_iter()
            // A million copies are a legal wish, and take their time.
            .filter(|(key, value)| *key != "repeat" || value.len() < 2)
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        match load(&format!("{}[{}]", path.display(), pairs.join(","))) {
            Ok(changed) => {
                prop_assert!(changed.jobs.is_sorted_by_key(|job| job.submit));
                for step in &changed.history {
                    let dropped: u64 = step.dropped.values().sum();
                    let copies = step.changed.get("a copy, with another id").copied().unwrap_or(0);
                    prop_assert_eq!(step.before + copies, step.after + dropped, "{}", &step.what);
                }
                for job in &changed.jobs {
                    let gpus = job.gpu_milli;
                    prop_assert!(job.tasks == 0 || gpus % job.tasks == 0, "{} {}", gpus, job.tasks);
                }
            }
            Err(error) => prop_assert!(error.hint().is_some(), "{error}"),
        }
    }

    #[test]
    fn files_of_models_answer(number in 0..3usize, line in 0..60usize, word in "[-0-9.a-z\\[\\]{}=, \"]{0,12}") {
        let text = model_text(&models()[number], "here");
        let mut lines: Vec<&str> = text.lines().collect();
        let line = line % lines.len();
        let mixed = match lines[line].split_once(" = ") {
            Some((key, _)) => format!("{key} = {word}"),
            None => word,
        };
        lines[line] = &mixed;
        match read_model("m.toml", &lines.join("\n")) {
            Ok(model) => {
                let model = std::sync::Arc::new(model);
                prop_assert_eq!(generate(&Request { jobs: 50, ..Request::new(&model) }).jobs.len(), 50);
            }
            Err(error) => prop_assert!(error.hint().is_some(), "{error}"),
        }
    }

    #[test]
    fn any_trace_of_twenty_jobs_is_fitted(mut trace in trace()) {
        let jobs = trace.jobs.clone();
        trace.jobs = std::iter::repeat_with(|| jobs.clone()).take(20).flatten().collect();
        trace.jobs.sort_by_key(|job| job.submit);
        for job in &mut trace.jobs {
            job.duration.0 = job.duration.0.min(1_000_000_000_000_000_000);
        }
        let model = fit(&trace, &traces::synthetic::Fit::default()).unwrap();
        prop_assert_eq!(read_model("m.toml", &model_text(&model, "here")).unwrap(), model.clone());
        let model = std::sync::Arc::new(model);
        prop_assert_eq!(generate(&Request { jobs: 50, ..Request::new(&model) }).jobs.len(), 50);
    }
}
