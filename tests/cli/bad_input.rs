//! Whatever is wrong is named, with what to do; nothing panics.

use crate::support::Yard;

/// What stands on stderr when `args` are refused with `code`; stdout must be empty.
fn refused(yard: &Yard, code: i32, args: &str) -> String {
    let done = yard.run(args);
    assert_eq!((done.code, done.stdout.as_str()), (code, ""), "{args}\n{}", done.stderr);
    assert!(done.stderr.starts_with("error: ") && done.stderr.contains("hint: "), "{args}\n{}", done.stderr);
    format!("$ trainyard {args}\n{}", done.stderr)
}

fn all_refused(yard: &Yard, commands: &[&str]) -> String {
    commands.iter().map(|args| refused(yard, 2, args)).collect()
}

#[test]
fn traces() {
    let yard = Yard::new();
    yard.write("missing.csv", "job_id,submit_s,gpus\na,0,1\n");
    yard.write("negative.csv", "job_id,submit_s,gpus,duration_s\na,0,1,60\n\nb,5,2,-5\n");
    yard.write("empty.csv", "");
    yard.write("cut.csv.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0x4c]);
    insta::assert_snapshot!(all_refused(
        &yard,
        &[
            "simulate missing.csv --cluster 2x8 --policy fifo",
            "simulate negative.csv --cluster 2x8 --policy fifo",
            "simulate empty.csv --cluster 2x8 --policy fifo",
            "simulate cut.csv.gz --cluster 2x8 --policy fifo",
            "simulate none.csv --cluster 2x8 --policy fifo",
            "simulate phily:jobs.csv --cluster 2x8 --policy fifo",
            "simulate synthetic:phily --cluster 2x8 --policy fifo",
            "compare synthetic:philly[job=3] --cluster 2x8 --policy fifo --out out",
            "trace generate philly jobs.txt",
            "trace convert none.csv out.csv",
        ]
    ));
    assert!(!yard.path("out").exists());
}

#[test]
fn clusters_policies_and_settings() {
    let yard = Yard::new();
    yard.write("typo.toml", "[[pool]]\nname = \"a\"\nnodes = 2\ngpu = 8\n");
    yard.write("none.toml", "[[pool]]\nname = \"a\"\nnodes = 2\ngpus = 0\n");
    yard.write("weights.toml", "[[tenant]]\npath = \"a\"\nweight = -1\n");
    insta::assert_snapshot!(all_refused(
        &yard,
        &[
            "simulate jobs.csv --cluster 0x8 --policy fifo",
            "simulate jobs.csv --cluster none.toml --policy fifo",
            "simulate jobs.csv --cluster typo.toml --policy fifo",
            "simulate jobs.csv --cluster 2x8 --policy fifi",
            "simulate jobs.csv --cluster 2x8 --policy fifo[skp=true]",
            "simulate jobs.csv --cluster 2x8 --policy fifo --set restart=3",
            "simulate jobs.csv --cluster 2x8 --policy fifo --set restart_s=x",
            "simulate jobs.csv --cluster 2x8 --policy fifo --tenants weights.toml",
            "simulate jobs.csv --cluster 2x8 --policy fifo --tenants nowhere.toml",
            "policies esy",
        ]
    ));
}

#[test]
fn experiments() {
    let yard = Yard::new();
    let file = |name: &str, text: &str| yard.write(name, text);
    file("typo.toml", "trace = \"jobs.csv\"\nclustre = \"2x8\"\npolicies = [\"fifo\"]\nout = \"out\"\n");
    file("load.toml", "trace = \"jobs.csv\"\ncluster = \"2x8\"\npolicies = [\"fifo\"]\nloads = [0]\nout = \"out\"\n");
    file(
        "window.toml",
        "trace = \"jobs.csv\"\ncluster = \"2x8\"\npolicies = [\"fifo\"]\nwindow = \"5..2\"\nout = \"out\"\n",
    );
    file("type.toml", "trace = \"jobs.csv\"\ncluster = \"2x8\"\npolicies = \"fifo\"\nout = \"out\"\n");
    file("short.toml", "trace = \"jobs.csv\"\npolicies = [\"fifo\"]\nout = \"out\"\n");
    file("syntax.toml", "trace = \"jobs.csv\ncluster = 2x8\n");
    let shown = all_refused(
        &yard,
        &[
            "compare typo.toml",
            "compare load.toml",
            "compare window.toml",
            "compare type.toml",
            "compare short.toml",
            "compare syntax.toml",
            "compare none.toml",
        ],
    );
    insta::assert_snapshot!(shown);
    assert!(!yard.path("out").exists());
}

#[test]
fn options() {
    let yard = Yard::new();
    let compare = "compare jobs.csv --cluster 2x8 --policy fifo --out out";
    let shown = all_refused(
        &yard,
        &[
            "compare jobs.csv",
            "compare jobs.csv --policy fifo",
            "compare jobs.csv --cluster 2x8 --policy fifo",
            &format!("{compare} --policy fifo"),
            &format!("{compare} --load 1,x"),
            &format!("{compare} --load 1,1"),
            &format!("{compare} --window 5..2"),
            &format!("{compare} --resample weeks"),
            &format!("{compare} --seeds 0"),
            &format!("{compare} --seeds 2 --seed 18446744073709551615"),
            &format!("{compare} --threads 0"),
            "simulate jobs.csv --polcy fifo --cluster 2x8",
            "simulate jobs.csv --cluster 2x8",
            "simulat jobs.csv",
        ],
    );
    insta::assert_snapshot!(shown);
    assert!(!yard.path("out").exists());
}

#[test]
fn places_that_cannot_be_written_fail_before_the_work() {
    let yard = Yard::new();
    let shown = [
        "simulate jobs.csv --cluster 2x8 --policy fifo --out jobs.csv",
        "compare jobs.csv --cluster 2x8 --policy fifo --out jobs.csv",
        "simulate jobs.csv --cluster 2x8 --policy fifo --journal nowhere/run.tyj",
        "trace convert jobs.csv nowhere/jobs.csv",
        "trace convert jobs.csv nowhere/jobs.parquet",
    ]
    .map(|args| refused(&yard, 1, args));
    insta::assert_snapshot!(shown.concat());
}

#[test]
fn a_gang_that_is_too_large_is_rejected_and_counted() {
    let yard = Yard::new();
    yard.write("large.csv", "job_id,submit_s,gpus,duration_s\na,0,1,60\nb,5,64,5\n");
    let done = yard.run("simulate large.csv --cluster 2x8 --policy fifo --format json");
    assert_eq!(done.code, 0);
    assert!(done.stdout.contains("\"rejected\": 1,") && done.stdout.contains("\"finished\": 1,"), "{}", done.stdout);
    insta::assert_snapshot!(done.stderr);
}
