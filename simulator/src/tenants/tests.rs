//! What stands in the file, and what is wrong with it.

use super::*;

fn parse(text: &str) -> TenantTerms {
    file::parse("t.toml", text).unwrap()
}

fn fault(text: &str) -> String {
    let error = file::parse("t.toml", text).unwrap_err();
    format!("{error} | {}", error.hint().unwrap_or_default())
}

#[test]
fn weights_are_read_and_mistakes_have_their_line() {
    let terms = parse("[[tenant]]\npath = \"a/b\"\nweight = 2\n");
    assert_eq!((terms.weight_milli("a/b"), terms.weight_milli("a")), (2000, 1000));
    assert_eq!(
        fault("[[tenant]]\npath = \"a\"\nweihgt = 1\n"),
        "t.toml:3: field `weihgt`: no such key | did you mean `weight`?"
    );
    assert_eq!(
        fault("[[tenant]]\npath = \"a\"\nweight = 0\n"),
        "t.toml:3: field `weight`: the weight of `a` is 0 | a weight is between 0.001 and 1000000"
    );
    let twice = "[[tenant]]\npath = \"a\"\nweight = 1\n".repeat(2);
    assert_eq!(fault(&twice), "t.toml:5: field `path`: `a` is there twice | keep one table a path");
}

const TERMS: &str = r#"
[[tenant]]
path = "a"
priority = 2
quota = { gpus = 8.5, memory_gib = 2 }
limit = { cpu = 64 }

[[tenant.change]]
at_hours = 24
quota = { gpus = 4 }
borrow = { gpus = 0 }

[[tenant.change]]
at_hours = 48.5
quota = "none"
"#;

#[test]
fn quotas_and_their_changes_are_read() {
    let over_time = parse(TERMS).over_time("a", None);
    let quota = Amounts { gpu_milli: 8500, cpu_milli: u64::MAX, memory_mib: 2048 };
    let limit = Amounts { cpu_milli: 64_000, ..Amounts::UNLIMITED };
    let first = Terms { priority: 2, quota: Some(quota), limit: Some(limit), ..Terms::default() };
    let second = Terms { quota: Some(Amounts::gpus_only(4000)), borrow: Some(Amounts::gpus_only(0)), ..first };
    let hours = |hours: f64| Time((hours * 3.6e9) as u64);
    assert_eq!(over_time, [(Time::ZERO, first), (hours(24.0), second), (hours(48.5), Terms { quota: None, ..second })]);
    assert_eq!(parse(TERMS).over_time("b", None), [(Time::ZERO, Terms::default())]);
}

#[test]
fn mistakes_in_quotas_have_their_line() {
    let tenant = |line: &str| fault(&format!("[[tenant]]\npath = \"a\"\n{line}\n"));
    assert_eq!(
        tenant("quota = { gpus = -1 }"),
        "t.toml:3: field `quota.gpus`: -1 is no amount | give a number of at least 0"
    );
    assert_eq!(
        tenant("lend = {}"),
        "t.toml:3: field `lend`: the table is empty | give gpus, cpu or memory_gib, or \"none\""
    );
    assert!(tenant("quota = 8").starts_with("t.toml:3: field `quota`"), "{}", tenant("quota = 8"));
    assert!(tenant("quota = { gpu = 8 }").contains("did you mean `gpus`?"), "{}", tenant("quota = { gpu = 8 }"));
    let change = |line: &str| fault(&format!("[[tenant]]\npath = \"a\"\n[[tenant.change]]\n{line}\n"));
    assert_eq!(
        change("at_hours = -1\nweight = 1"),
        "t.toml:4: field `at_hours`: -1 is not a time after the first submission | give hours, at least 0"
    );
    assert!(change("at_hours = 1").contains("nothing of `a` changes then"));
    let twice = change("at_hours = 1\nweight = 1\n[[tenant.change]]\nat_hours = 1\nweight = 2");
    assert_eq!(twice, "t.toml:7: field `at_hours`: `a` changes twice at 1 hours | keep one table a time");
}

fn schedule(text: &str) -> CapacitySchedule {
    traces::capacity::read_capacity_bytes("q.csv", text.as_bytes()).unwrap()
}

#[test]
fn schedules_give_quotas_over_time() {
    let mut terms = parse("[[tenant]]\npath = \"a\"\nweight = 2\nquota = { gpus = 1 }\n");
    terms.add_quotas(schedule("time_s,name,gpus\n0,a,8\n0,b,4\n3600,a,2\n")).unwrap();
    let of = |path| {
        let over_time = terms.over_time(path, None);
        over_time.iter().map(|(at, terms)| (at.0 / 1_000_000, terms.quota.unwrap().gpu_milli)).collect::<Vec<_>>()
    };
    assert_eq!(of("a"), [(0, 8000), (3600, 2000)]);
    assert_eq!(of("b"), [(0, 4000)]);
    assert_eq!(terms.weight_milli("a"), 2000);
    assert_eq!(terms.paths(), ["a", "b"]);
    let nodes = schedule("time_s,name,nodes\n0,a,8\n");
    assert!(terms.add_quotas(nodes).unwrap_err().to_string().contains("counts nodes"));
}

/// Helios' quotas by the day begin in April; a trace that begins two days later sees what holds then.
#[test]
fn schedules_follow_the_clock_of_the_trace() {
    let mut terms = TenantTerms::default();
    terms.add_quotas(schedule("date,vc,total\n2020-04-01,8,8\n2020-04-02,6,6\n2020-04-05,9,9\n")).unwrap();
    let of = |origin| {
        let over_time = terms.over_time("vc", origin);
        over_time.iter().map(|(at, terms)| (at.0 / 3_600_000_000, terms.quota.unwrap().gpu_milli)).collect::<Vec<_>>()
    };
    assert_eq!(of(Some("2020-04-03 12:00:00")), [(0, 6000), (36, 9000)]);
    assert_eq!(of(None), [(0, 8000), (24, 6000), (96, 9000)]);
    let before = terms.over_time("vc", Some("2020-03-31 00:00:00"));
    assert_eq!(before[0], (Time::ZERO, Terms::default()), "nobody has said yet");
}

/// Quotas of Venus by the day, as published.
#[test]
fn published_quotas_are_read() {
    let Ok(data) = std::env::var("TRAINYARD_DATA") else {
        println!("skipped: TRAINYARD_DATA is not set");
        return;
    };
    let file = Path::new(&data).join("traces/helios/Venus_cluster_gpu_number.csv");
    let terms = TenantTerms::of(None, Some(&file)).unwrap();
    let over_time: Vec<_> = terms.paths().into_iter().map(|path| terms.over_time(path, None)).collect();
    assert!(over_time.len() > 10, "{:?}", terms.paths());
    assert!(over_time.iter().any(|terms| terms.len() > 1), "no quota ever changed");
    let first: u64 = over_time.iter().map(|terms| terms[0].1.quota.unwrap().gpu_milli / 1000).sum();
    assert!((500..2000).contains(&first), "{first} GPUs on the first day");
}
