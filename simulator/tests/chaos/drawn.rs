//! Which policy a random case runs, and what it may do.

use policies::registry;

use super::Chance;

/// Whether it may stop all runs every second, as some simulators do: nobody gets anywhere where a stop costs anything.
pub(super) fn stops_for_nothing(policy: &str) -> bool {
    policy.contains("wake=")
}

/// The most that the policy may stop any job, where it has a bound of its own.
pub(super) fn bound(policy: &str) -> Option<u32> {
    if stops_for_nothing(policy) {
        return Some(u32::MAX);
    }
    let (_, knob) = policy.split_once("max-preemptions=")?;
    knob.split([',', ']']).next()?.parse().ok()
}

/// Whether somebody else moves the runs of a policy about: in one of four cases, or `TRAINYARD_SWARM_MOVES` in a hundred.
/// Not with policies that plan with places of their own, and remember where runs stand: who moves runs must be the one who
/// remembers.
pub(super) fn moves(policy: &str, chance: &mut Chance) -> bool {
    if ["conservative", "hived"].iter().any(|name| policy.starts_with(name)) {
        return false;
    }
    let percent = std::env::var("TRAINYARD_SWARM_MOVES").ok().map_or(25, |text| text.parse().expect("a number"));
    chance.within(1, 100) <= percent
}

/// One line a policy with knobs; `PLACE` and `SKIP` stand for any placer, for true or false. Every policy of the registry
/// has a line.
const POLICIES: &str = include_str!("policies.txt");

pub(super) fn policy(chance: &mut Chance) -> String {
    let places = [
        "best-fit",
        "worst-fit",
        "first-fit",
        "pack",
        "consolidate",
        "spread",
        "random",
        "random[seed=9]",
        "pal",
        "pal[l-across=3]",
        "pm-first",
        "fgd[window=9]",
        "milp[window=9]",
        "gpu-clustering[seed=4]",
    ];
    let place = chance.pick(&places);
    let skip = chance.pick(&["true", "false"]);
    let names: Vec<&str> = registry::all().iter().map(|entry| entry.name).collect();
    let drawn = chance.pick(&names);
    let only = std::env::var("TRAINYARD_SWARM_POLICY").ok();
    let name = only.as_deref().unwrap_or(drawn);
    let of_name = |line: &&str| line.split('[').next() == Some(name);
    let lines: Vec<&str> = POLICIES.lines().filter(of_name).collect();
    assert!(!lines.is_empty(), "simulator/tests/chaos/policies.txt has no line for `{name}`");
    chance.pick(&lines).replace("PLACE", place).replace("SKIP", skip)
}
