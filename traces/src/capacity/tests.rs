//! Small schedules by hand.

use super::*;

const S: u64 = 1_000_000;

fn read(name: &str, text: &str) -> CapacitySchedule {
    assert!(is_capacity(name, text));
    read_capacity_bytes(name, text.as_bytes()).unwrap()
}

fn error(text: &str) -> String {
    let error = read_capacity_bytes("c.csv", text.as_bytes()).unwrap_err();
    format!("{error} | {}", error.hint().unwrap_or_default())
}

const DAYS: &str = "date,vcA,vcB,total\n2020-04-01,112,0,112\n2020-04-02,112,8,120\n2020-04-05,104,8,111\n";

#[test]
fn quotas_by_the_day() {
    let schedule = read("Earth_gpu_number.csv", DAYS);
    assert_eq!((schedule.unit, schedule.origin.as_deref()), (Unit::Gpus, Some("2020-04-01T00:00:00")));
    let day = |day: u64| Time(day * 86_400 * S);
    assert_eq!(schedule.series[0].steps, [(day(0), 112), (day(4), 104)]);
    assert_eq!(schedule.series[1].steps, [(day(0), 0), (day(1), 8)]);
    assert_eq!(
        (schedule.at("vcA", day(3)), schedule.at("vcA", day(9)), schedule.at("vcC", day(0))),
        (Some(112), Some(104), None)
    );
    assert_eq!(schedule.totals(), [(day(0), 112), (day(1), 120), (day(4), 112)]);
    let changed: Vec<_> = schedule.ledger.changed.iter().map(|(cause, count)| (cause.as_str(), *count)).collect();
    assert_eq!(
        changed,
        [("day is missing: the amount before it holds", 2), ("total is not the sum of the columns: the sum counts", 1)]
    );
    let info = describe_capacity(&schedule);
    assert_eq!((info.rows, info.span_s, info.total_min, info.total_max), (3, 4.0 * 86_400.0, Some(112), Some(120)));
    assert_eq!((info.series[1].changes, info.series[1].min, info.series[1].max), (1, 0, 8));
    assert!((info.series[1].mean - 6.0).abs() < 1e-9);
}

#[test]
fn by_the_minute() {
    let text = "time,total_job_num,total_gpu_num,idle_gpu_num\n2020-05-01 00:00:00,0,16,16\n2020-05-01 00:01:00,0,16,0\n\
                2020-05-01 00:02:00,0,24,0\n";
    let schedule = read("a/Earth_vcJkd_cluster_sequence.csv.gz", text);
    assert_eq!(schedule.series, [Series { name: "vcJkd".to_owned(), steps: vec![(Time(0), 16), (Time(120 * S), 24)] }]);
    assert_eq!(schedule.ledger.ignored_columns, ["total_job_num", "idle_gpu_num"]);
    assert_eq!(read("x.csv", text).series[0].name, "total");
    let nodes = read("n.csv", "time,active,total\n2017-10-03 00:00:00,312,420\n2017-10-03 00:10:00,309,420\n");
    assert_eq!(
        (nodes.unit, nodes.series[0].steps.len(), nodes.series[1].at(Time(599 * S))),
        (Unit::Nodes, 1, Some(312))
    );
    assert_eq!(nodes.ledger.changed["minute is missing: the amount before it holds"], 9);
    assert_eq!(describe_capacity(&nodes).total_min, None);
}

#[test]
fn the_canonical_form_comes_back() {
    for (name, text) in [
        ("d.csv", DAYS),
        (
            "n.csv",
            "time,active,total\n2017-10-03 00:00:00,312,420\n2017-10-03 00:01:00,309,420\n2017-10-03 00:02:00,309,420\n",
        ),
    ] {
        let schedule = read(name, text);
        let mut out = Vec::new();
        write_capacity(&schedule, &mut out).unwrap();
        let back = read("c.csv", std::str::from_utf8(&out).unwrap());
        assert_eq!((back.unit, back.last, &back.series), (schedule.unit, schedule.last, &schedule.series));
    }
    let mut out = Vec::new();
    write_capacity(&read("d.csv", DAYS), &mut out).unwrap();
    let text = "time_s,name,gpus\n0,vcA,112\n0,vcB,0\n86400,vcB,8\n345600,vcA,104\n";
    assert_eq!(String::from_utf8(out).unwrap(), text);
}

#[test]
fn errors() {
    assert_eq!(
        error("date,vcA,total\n2020-04-02,1,1\n2020-04-01,1,1\n"),
        "c.csv:3: field `date`: `2020-04-01` is not after the row before | sort the rows by time, and leave out what is there \
         twice"
    );
    assert_eq!(
        error("date,vcA,total\n2020-04-02,-1,1\n"),
        "c.csv:2: field `vcA`: `-1` is negative | the least is 0; correct the value, or leave the row out"
    );
    assert_eq!(
        error("date,vcA,total\n2020-04-02,1\n"),
        "c.csv:2: the row has 2 fields, the header 3 fields | the line is cut off, or the delimiter is another one"
    );
    assert_eq!(
        error("date,,total\n2020-04-02,1,1\n"),
        "c.csv:1: column 2 has no name | every column between date and total is a virtual cluster"
    );
    assert_eq!(
        error("time,active,total\nnoon,1,1\n"),
        "c.csv:2: field `time`: `noon` is not a date and time | write YYYY-MM-DD HH:MM:SS"
    );
    assert_eq!(
        error("time_s,name,gpus\n5,a,1\n5,a,2\n"),
        "c.csv:3: field `time_s`: the time is not after the last one of `a` | sort the rows by time, and give each name one \
         amount a time"
    );
    let long = "x".repeat(5000);
    for text in [format!("time_s,name,gpus\n5,{long},1\n5,{long},2\n"), format!("date,{long},total\n2020-04-02,-1,1\n")]
    {
        assert!(error(&text).len() < 400, "one name must not fill the screen");
    }
    let none = "c.csv: the schedule has no rows | there must be at least one row below the header";
    assert_eq!((error("date,vcA,total\n"), error("time_s,name,nodes\n")), (none.to_owned(), none.to_owned()));
    assert!(error("a,b\n1,2\n").starts_with("c.csv:1: no known kind of capacity schedule; found: a, b | "));
    assert!(!is_capacity("f", "job_id,submit_s,gpus,duration_s\n") && !is_capacity("f", "{\"a\": 1}"));
}
