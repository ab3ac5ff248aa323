//! Numbers for names, which SWF has instead of names.

use std::collections::{BTreeMap, BTreeSet};

/// Numbers of one kind of names.
pub(super) struct Numbers<'a> {
    numbers: BTreeMap<&'a str, u64>,
    kept: bool,
}

impl<'a> Numbers<'a> {
    /// The number in each name, where all names are `prefix` and a number of their own, as a reader of SWF makes
    /// them; else 1, 2 and so on as they come.
    pub(super) fn of(names: impl Iterator<Item = &'a str>, prefix: &str) -> Self {
        let mut seen = BTreeSet::new();
        let names: Vec<&str> = names.filter(|name| seen.insert(*name)).collect();
        let own: BTreeMap<&str, u64> =
            names.iter().filter_map(|name| Some((*name, number_behind(prefix, name)?))).collect();
        let kept = own.len() == names.len();
        let numbers = if kept { own } else { names.iter().zip(1..).map(|(name, number)| (*name, number)).collect() };
        Self { numbers, kept }
    }

    /// Whether the numbers are those in the names.
    pub(super) fn kept(&self) -> bool {
        self.kept
    }

    pub(super) fn of_name(&self, name: &str) -> Option<u64> {
        self.numbers.get(name).copied()
    }

    /// Number and name, where the name says more than the number.
    pub(super) fn named(&self) -> Vec<(u64, &'a str)> {
        let mut named: Vec<(u64, &str)> = self.numbers.iter().map(|(name, number)| (*number, *name)).collect();
        named.sort_unstable();
        if self.kept { Vec::new() } else { named }
    }
}

/// The number behind `prefix`, without leading zeros; at most 32 bits, as in the fields.
fn number_behind(prefix: &str, name: &str) -> Option<u64> {
    let digits = name.strip_prefix(prefix)?;
    let number: u32 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(u64::from(number))
}

/// Numbers of groups and users.
pub(super) struct Tenants<'a> {
    numbers: BTreeMap<&'a str, (Option<u64>, Option<u64>)>,
    kept: bool,
}

impl<'a> Tenants<'a> {
    /// The numbers in `groupG/userU`, `groupG` and `userU`, where all paths are such; else the first part of a path is
    /// the group, and the whole path the user.
    pub(super) fn of(paths: impl Iterator<Item = &'a str> + Clone) -> Self {
        let own: Option<BTreeMap<_, _>> = paths.clone().map(|path| Some((path, own_numbers(path)?))).collect();
        if let Some(numbers) = own {
            return Self { numbers, kept: true };
        }
        let groups = Numbers::of(paths.clone().filter_map(group).chain(["?"]), "");
        let users = Numbers::of(paths.clone().chain(["?"]), "");
        let of_path =
            |path: &'a str| (path, (group(path).and_then(|group| groups.of_name(group)), users.of_name(path)));
        Self { numbers: paths.map(of_path).collect(), kept: false }
    }

    pub(super) fn kept(&self) -> bool {
        self.kept
    }

    /// Group and user of a path.
    pub(super) fn of_path(&self, path: &str) -> (Option<u64>, Option<u64>) {
        self.numbers.get(path).copied().unwrap_or_default()
    }
}

fn group(path: &str) -> Option<&str> {
    path.split_once('/').map(|(group, _)| group)
}

fn own_numbers(path: &str) -> Option<(Option<u64>, Option<u64>)> {
    if let Some((group, user)) = path.split_once('/') {
        return Some((Some(number_behind("group", group)?), Some(number_behind("user", user)?)));
    }
    let (group, user) = (number_behind("group", path), number_behind("user", path));
    (group.is_some() || user.is_some()).then_some((group, user))
}
