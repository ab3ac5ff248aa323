//! Changed, cut and missing files: each is refused with its name and place, or mended with a warning.

use std::path::Path;

use engine::journal::Damage;
use executor::store::{Folders, Recovered, Start, Store, StoreError, Warning, read_one};

use crate::disk::SimDisk;
use crate::support::{STATE, acknowledge, header, history, numbers, snapshot};

fn state() -> &'static Path {
    Path::new(STATE)
}

fn open(disk: &SimDisk, start: Start) -> Result<(Store<SimDisk>, Recovered), StoreError> {
    Store::open_on(disk.clone(), state(), &header("fifo"), start)
}

/// Segments 1, 2 and 3 with three entries each.
fn three_segments() -> (SimDisk, Folders) {
    let disk = SimDisk::default();
    let (mut store, recovered) = open(&disk, Start::Newest).unwrap();
    assert_eq!((recovered.segments.len(), recovered.snapshot), (0, None));
    for number in 0..9 {
        if number == 3 || number == 6 {
            store.rotate(&snapshot(number), &header("fifo")).unwrap();
        }
        acknowledge(&mut store, number).unwrap();
    }
    (disk, Folders::of(state()))
}

fn flip(disk: &SimDisk, path: &Path, at: usize) {
    let mut bytes = disk.content(path);
    bytes[at] ^= 0x41;
    disk.set_content(path, bytes);
}

fn refusal(result: Result<(Store<SimDisk>, Recovered), StoreError>) -> String {
    let error = result.err().unwrap();
    format!("{error}\nhint: {}", error.hint())
}

#[test]
fn every_flipped_byte_of_the_last_segment_is_refused() {
    let (disk, folders) = three_segments();
    let path = folders.segment(3);
    let sound = disk.content(&path);
    for at in 0..sound.len() {
        flip(&disk, &path, at);
        let error = open(&disk, Start::Newest).err().unwrap();
        assert!(matches!(&error, StoreError::Damaged { path: named, .. } if *named == path), "{at}: {error}");
        let mut after = sound.clone();
        after[at] ^= 0x41;
        assert!(disk.content(&path) == after, "{at}: the refusal changed the file");
        disk.set_content(&path, sound.clone());
    }
    open(&disk, Start::Newest).unwrap();
}

#[test]
fn every_cut_of_the_last_segment_is_a_torn_record_or_a_broken_header() {
    let (disk, folders) = three_segments();
    let path = folders.segment(3);
    let sound = disk.content(&path);
    let mut kept_most = 0;
    for length in 0..sound.len() {
        disk.set_content(&path, sound[..length].to_vec());
        match open(&disk, Start::Newest) {
            Ok((store, recovered)) => {
                let found = history(&disk, state(), &recovered);
                assert_eq!(found, (0..found.len() as u64).collect::<Vec<_>>());
                kept_most = kept_most.max(found.len());
                let offset = disk.content(&path).len();
                let torn = Warning::TornTail {
                    path: path.clone(),
                    record: store.position().record + 1,
                    offset,
                    bytes: length - offset,
                };
                assert_eq!(recovered.warnings, if length == offset { Vec::new() } else { vec![torn] });
                // Once mended, there is nothing left to warn of.
                drop(store);
                assert_eq!(open(&disk, Start::Newest).unwrap().1.warnings, []);
            }
            Err(StoreError::Damaged { damage: Damage::NotAJournal | Damage::Truncated { record: 0, .. }, .. }) => {}
            Err(error) => panic!("{length}: {error}"),
        }
    }
    assert_eq!(kept_most, 8);
}

#[test]
fn zeros_that_a_power_cut_left_are_cut_off_and_other_bytes_are_not() {
    let (disk, folders) = three_segments();
    let path = folders.segment(3);
    let sound = disk.content(&path);
    let with = |tail: &[u8]| {
        disk.set_content(&path, [sound.as_slice(), tail].concat());
        open(&disk, Start::Newest)
    };
    let (_, recovered) = with(&[0; 700]).unwrap();
    assert_eq!(recovered.warnings.len(), 1);
    assert_eq!(numbers(&recovered), [6, 7, 8]);
    let mut other = [0; 700];
    other[699] = 1;
    assert!(with(&other).is_err());
    // A record of which the last sectors did not reach the disk, and then the same with a changed byte before them.
    let mut half = sound.clone();
    let sector = (sound.len() - 20) / 512 * 512;
    half[sector..].fill(0);
    disk.set_content(&path, half.clone());
    assert_eq!(numbers(&open(&disk, Start::Newest).unwrap().1), [6, 7]);
    half[sector - 600] ^= 1;
    disk.set_content(&path, half);
    assert!(open(&disk, Start::Newest).is_err());
}

#[test]
fn a_flipped_byte_names_file_record_and_byte() {
    let (disk, folders) = three_segments();
    flip(&disk, &folders.segment(3), disk.content(&folders.segment(3)).len() - 1);
    insta::assert_snapshot!(refusal(open(&disk, Start::Newest)));
}

#[test]
fn a_segment_that_is_not_the_last_may_not_be_torn() {
    let (disk, folders) = three_segments();
    let path = folders.segment(2);
    let mut bytes = disk.content(&path);
    bytes.pop();
    disk.set_content(&path, bytes);
    // A start from the newest snapshot does not need it; one from the beginning does.
    assert_eq!(numbers(&open(&disk, Start::Newest).unwrap().1), [6, 7, 8]);
    insta::assert_snapshot!(refusal(open(&disk, Start::Snapshot(1))));
}

#[test]
fn a_damaged_snapshot_is_refused_and_the_one_before_it_does_when_asked_for() {
    let (disk, folders) = three_segments();
    flip(&disk, &folders.snapshot(3), 25);
    insta::assert_snapshot!(refusal(open(&disk, Start::Newest)));
    let (mut store, recovered) = open(&disk, Start::Snapshot(2)).unwrap();
    assert_eq!(recovered.snapshot, Some(snapshot(3)));
    assert_eq!(history(&disk, state(), &recovered), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(recovered.end(), Some(store.position()));
    // The next snapshot is again the newest, and a plain start works.
    assert_eq!(store.rotate(&snapshot(9), &header("fifo")).unwrap(), 4);
    drop(store);
    assert_eq!(open(&disk, Start::Newest).unwrap().1.snapshot, Some(snapshot(9)));
}

#[test]
fn the_hint_of_a_damaged_snapshot_never_names_what_would_not_do() {
    let (disk, folders) = three_segments();
    flip(&disk, &folders.snapshot(3), 25);
    flip(&disk, &folders.snapshot(2), 25);
    let sound = |disk: &SimDisk| match open(disk, Start::Newest).err().unwrap() {
        StoreError::SnapshotDamaged { sound, .. } => sound,
        error => panic!("{error}"),
    };
    assert_eq!(sound(&disk), Some(1));
    flip(&disk, &folders.segment(2), 200);
    assert_eq!(sound(&disk), None);
}

#[test]
fn a_missing_segment_and_an_unknown_snapshot_are_refused() {
    let (disk, folders) = three_segments();
    insta::assert_snapshot!(refusal(open(&disk, Start::Snapshot(7))));
    executor::store::Disk::remove(&disk, &folders.segment(3)).unwrap();
    insta::assert_snapshot!(refusal(open(&disk, Start::Newest)));
}

#[test]
fn each_segment_can_be_read_alone_with_the_snapshot_that_it_begins_from() {
    let (disk, folders) = three_segments();
    for (number, before, entries) in [(1, None, [0, 1, 2]), (2, Some(3), [3, 4, 5]), (3, Some(6), [6, 7, 8])] {
        let one = read_one(&disk, &folders, number).unwrap();
        assert_eq!((one.snapshot.clone(), numbers(&one)), (before.map(snapshot), entries.to_vec()));
    }
    assert!(matches!(read_one(&disk, &folders, 4), Err(StoreError::SegmentMissing { .. })));
    let mut bytes = disk.content(&folders.segment(2));
    bytes.pop();
    disk.set_content(&folders.segment(2), bytes);
    assert!(matches!(read_one(&disk, &folders, 2), Err(StoreError::ArchiveDamaged { .. })));
}

#[test]
fn another_policy_must_begin_a_segment_of_its_own() {
    let (disk, _) = three_segments();
    let (mut store, _) = Store::open_on(disk.clone(), state(), &header("srtf"), Start::Newest).unwrap();
    assert_eq!(store.changed(), ["policy"]);
    let error = acknowledge(&mut store, 9).unwrap_err();
    assert_eq!(error.to_string(), "the journal was written with another policy: begin a new segment first");
    store.rotate(&snapshot(9), &header("srtf")).unwrap();
    acknowledge(&mut store, 9).unwrap();
    drop(store);
    let (store, recovered) = Store::open_on(disk, state(), &header("srtf"), Start::Newest).unwrap();
    assert_eq!(store.changed(), [""; 0]);
    assert_eq!(recovered.segments[0].header.policy, "srtf");
}
