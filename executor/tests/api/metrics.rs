//! The figures for Prometheus: their form, and what they count.

use std::collections::{BTreeMap, BTreeSet};

use executor::api::client::{Call, ClientError};
use executor::metrics::{FAMILIES, Kind};
use serde_json::{Value, json};

use crate::yard::{Yard, refusal};

async fn text(yard: &Yard) -> String {
    let mut all = Vec::new();
    let take = |piece: &[u8]| {
        all.extend_from_slice(piece);
        Ok::<(), ClientError>(())
    };
    yard.client.stream(Call::get("/metrics"), take).await.unwrap();
    String::from_utf8(all).unwrap()
}

/// Series and values, from `name{label="value"} 3`.
fn samples(text: &str) -> Vec<(&str, f64)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').map(|(series, value)| (series, value.parse().unwrap())).unwrap()).collect()
}

fn values(text: &str) -> BTreeMap<&str, f64> {
    samples(text).into_iter().collect()
}

async fn busy() -> Yard {
    let yard = Yard::new();
    for (gpus, command, tenant) in
        [(2.5, "x", "a/b"), (2.0, "run", "a/b"), (4.0, "run", "c"), (4.0, "run", "c"), (1.0, "true", "\"q\"\\")]
    {
        let _ = yard.post("/v1/jobs", &json!({"command": [command], "gpus": gpus, "tenant": tenant})).await;
    }
    yard.until(3, "finished").await;
    yard.post("/v1/jobs/1/cancel", &Value::Null).await.unwrap();
    yard.until(1, "cancelled").await;
    yard.until(2, "running").await;
    refusal(yard.get("/v1/nowhere/7").await);
    yard
}

#[tokio::test]
async fn each_family_comes_once_with_its_help_and_type_and_no_series_twice() {
    let yard = busy().await;
    let text = text(&yard).await;
    let mut seen = BTreeSet::new();
    for part in text.split("# HELP ").skip(1) {
        let mut lines = part.lines();
        let (name, help) = lines.next().unwrap().split_once(' ').unwrap();
        let family = FAMILIES.iter().find(|family| family.name == name).unwrap();
        assert_eq!(help, family.help);
        assert_eq!(lines.next().unwrap(), format!("# TYPE {name} {}", family.kind.name()));
        assert!(seen.insert(name), "{name} comes twice");
        for line in lines {
            let series = line.rsplit_once(' ').unwrap().0.split('{').next().unwrap();
            let own = match family.kind {
                Kind::Histogram => ["_bucket", "_sum", "_count"].iter().any(|end| series == format!("{name}{end}")),
                _ => series == name,
            };
            assert!(own, "{series} under {name}");
        }
    }
    assert!(seen.len() > 25, "{seen:?}");
    let all = samples(&text);
    assert_eq!(all.len(), values(&text).len(), "a series comes twice");
    assert!(all.iter().all(|(_, value)| value.is_finite() && *value >= 0.0));
    // Buckets of a histogram grow, and the last one holds all.
    for family in FAMILIES.iter().filter(|family| family.kind == Kind::Histogram && family.labels.is_empty()) {
        let bucket = format!("{}_bucket{{", family.name);
        let counts: Vec<f64> =
            all.iter().filter(|(series, _)| series.starts_with(&bucket)).map(|(_, value)| *value).collect();
        assert!(counts.is_sorted() && counts.len() > 10, "{}: {counts:?}", family.name);
        assert_eq!(counts.last(), values(&text).get(format!("{}_count", family.name).as_str()));
    }
    yard.end().await;
}

#[tokio::test]
async fn they_count_what_happens() {
    let yard = busy().await;
    let text = text(&yard).await;
    let values = values(&text);
    for (series, expected) in [
        ("trainyard_submissions_total{outcome=\"accepted\"}", 4.0),
        ("trainyard_submissions_total{outcome=\"refused\"}", 1.0),
        ("trainyard_submissions_total{outcome=\"repeated\"}", 0.0),
        ("trainyard_jobs_ended_total{outcome=\"finished\"}", 1.0),
        ("trainyard_jobs_ended_total{outcome=\"cancelled\"}", 1.0),
        ("trainyard_jobs_ended_total{outcome=\"failed\"}", 0.0),
        ("trainyard_runs_ended_total{exit=\"completed\"}", 1.0),
        ("trainyard_runs_ended_total{exit=\"stopped\"}", 1.0),
        ("trainyard_preemptions_total{cause=\"cancelled\"}", 1.0),
        ("trainyard_preemptions_total{cause=\"preempted\"}", 0.0),
        ("trainyard_changes_total{outcome=\"done\",verb=\"job.submit\"}", 4.0),
        ("trainyard_changes_total{outcome=\"done\",verb=\"job.cancel\"}", 1.0),
        ("trainyard_changes_total{outcome=\"refused\",verb=\"job.submit\"}", 1.0),
        ("trainyard_jobs{state=\"running\",tenant=\"a\"}", 1.0),
        ("trainyard_jobs{state=\"running\",tenant=\"c\"}", 1.0),
        ("trainyard_jobs{state=\"pending\",tenant=\"c\"}", 0.0),
        ("trainyard_jobs{state=\"running\",tenant=\"\\\"q\\\"\\\\\"}", 0.0),
        ("trainyard_launches_total", 4.0),
        ("trainyard_queue_wait_seconds_count", 4.0),
        ("trainyard_tasks", 2.0),
        ("trainyard_gpus{node_state=\"up\"}", 8.0),
        ("trainyard_gpus{node_state=\"down\"}", 0.0),
        ("trainyard_gpus_allocated{node_state=\"up\"}", 6.0),
        ("trainyard_gpus_idle{node_state=\"up\"}", 2.0),
        ("trainyard_connections", 1.0),
        ("trainyard_http_requests_total{method=\"POST\",route=\"/v1/jobs\",status=\"201\"}", 4.0),
        ("trainyard_http_requests_total{method=\"POST\",route=\"/v1/jobs\",status=\"422\"}", 1.0),
        ("trainyard_http_requests_total{method=\"POST\",route=\"/v1/jobs/{job}/cancel\",status=\"200\"}", 1.0),
        ("trainyard_http_requests_total{method=\"GET\",route=\"(none)\",status=\"404\"}", 1.0),
    ] {
        assert_eq!(values.get(series), Some(&expected), "{series}\n{text}");
    }
    assert!(values["trainyard_step_seconds_count"] >= 5.0 && values["trainyard_journal_commit_seconds_count"] >= 5.0);
    assert!(values["process_resident_memory_bytes"] > 1e6 && values["process_start_time_seconds"] > 1.6e9);
    assert!(!text.contains("nowhere") && !text.contains("/v1/jobs/1"), "paths are no labels");
    yard.end().await;
}

#[tokio::test]
async fn tenants_after_the_first_hundred_are_counted_together() {
    let yard = Yard::new();
    for at in 0..130 {
        let job = json!({"command": ["run"], "hold": true, "tenant": format!("t{at}/x")});
        yard.post("/v1/jobs", &job).await.unwrap();
    }
    let text = text(&yard).await;
    let values = values(&text);
    assert_eq!(values.get("trainyard_jobs{state=\"held\",tenant=\"(others)\"}"), Some(&30.0));
    assert_eq!(values.keys().filter(|series| series.starts_with("trainyard_jobs{state=\"held\"")).count(), 101);
    yard.end().await;
}
