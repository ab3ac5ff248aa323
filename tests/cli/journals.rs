//! `verify`: journals of every policy, and damaged ones.

use engine::journal::{Reader, Writer};

use crate::support::Yard;

fn recorded(yard: &Yard, policy: &str) {
    yard.good(&format!(
        "simulate synthetic:philly[jobs=80,gpus=16,max_hours=5] --cluster 2x8 --policy {policy} --seed 3 --journal run.tyj \
         --set failures_per_node_day=2 --set checkpoint_s=900 --set restart_s=30 --set drain_s=5 --set preempt_saves=false"
    ));
}

#[test]
fn journals_of_every_policy_verify() {
    let yard = Yard::new();
    let names = policies::registry::all().iter().map(|entry| entry.name.to_owned());
    for policy in names.chain(["fifo[place=random,skip=true]".to_owned(), "easy[estimates=true]".to_owned()]) {
        recorded(&yard, &policy);
        let said = yard.good("verify run.tyj");
        assert!(said.starts_with("identical: ") && said.ends_with(" orders\n"), "{policy}: {said}");
    }
}

#[test]
fn the_journal_does_not_change_the_replay() {
    let yard = Yard::new();
    let plain = yard.good("simulate jobs.csv --cluster 2x8 --policy srtf --format json");
    let recorded = yard.good("simulate jobs.csv --cluster 2x8 --policy srtf --format json --journal run.tyj");
    assert_eq!(crate::support::without_times(&plain), crate::support::without_times(&recorded));
    let said = yard.good("verify run.tyj");
    insta::assert_snapshot!(said);
}

/// Where each record starts; the header is record 0.
fn starts(bytes: &[u8]) -> Vec<usize> {
    let (_, mut reader) = Reader::new(bytes).unwrap();
    let mut starts = vec![4, reader.offset()];
    while reader.next_entry().unwrap().is_some() {
        starts.push(reader.offset());
    }
    starts
}

#[test]
fn a_flipped_byte_is_found_wherever_it_is_and_its_record_named() {
    let yard = Yard::new();
    yard.good("simulate jobs.csv --cluster 2x8 --policy easy --journal run.tyj");
    let sound = yard.read("run.tyj");
    let starts = starts(&sound);
    for at in (4..sound.len()).step_by(61).chain([sound.len() - 1]) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x10;
        yard.write("bad.tyj", &bytes);
        let done = yard.run("verify bad.tyj");
        let record = starts.partition_point(|start| *start <= at) - 1;
        let named = format!("error: bad.tyj: record {record} at byte {} is damaged: ", starts[record]);
        assert!(done.stderr.starts_with(&named), "byte {at}: {}", done.stderr);
        assert!(done.stderr.contains("\nhint: "));
        assert_eq!((done.code, done.stdout.as_str()), (1, ""));
    }
}

#[test]
fn a_journal_that_was_cut_off_is_sound_up_to_there() {
    let yard = Yard::new();
    yard.good("simulate jobs.csv --cluster 2x8 --policy easy --journal run.tyj");
    let sound = yard.read("run.tyj");
    let starts = starts(&sound);
    let last = starts.len() - 2;
    yard.write("cut.tyj", &sound[..sound.len() - 3]);
    let done = yard.run("verify cut.tyj");
    assert_eq!(done.code, 1);
    assert_eq!(
        done.stderr,
        format!(
            "error: cut.tyj: the file ends inside record {last}, which starts at byte {}; the {} records before it are sound and \
             replay identically\nhint: what wrote it was stopped there, or the copy is not whole\n",
            starts[last],
            last - 1
        )
    );
    yard.write("head.tyj", &sound[..40]);
    let done = yard.run("verify head.tyj");
    assert!(done.stderr.contains("without its header nothing of it can be replayed"), "{}", done.stderr);
    assert_eq!(done.code, 1);
}

#[test]
fn the_first_difference_is_named() {
    let yard = Yard::new();
    yard.good("simulate jobs.csv --cluster 2x8 --policy fifo --journal run.tyj");
    let bytes = yard.read("run.tyj");
    let (mut header, mut reader) = Reader::new(&bytes).unwrap();
    header.policy = "srtf".to_owned();
    let mut writer = Writer::new(&header);
    while let Some(entry) = reader.next_entry().unwrap() {
        writer.entry(&entry);
    }
    yard.write("other.tyj", writer.take());
    let done = yard.run("verify other.tyj");
    insta::assert_snapshot!(done.shown());
    let report: serde_json::Value = serde_json::from_str(&yard.run("verify other.tyj --format json").stdout).unwrap();
    assert_eq!(report["result"], "different");
}

#[test]
fn what_is_no_journal_is_bad_input() {
    let yard = Yard::new();
    let said = |args: &str| {
        let done = yard.run(args);
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{args}");
        done.stderr
    };
    insta::assert_snapshot!(said("verify jobs.csv") + &said("verify none.tyj") + &said("verify ."));
}
