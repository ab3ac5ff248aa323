//! Policies that are about where jobs go.

use engine::Level;

use super::knobs::PLACE;
use super::{Entry, Knob, Preset};
use crate::hived::{Hived, Inside, Opportunistic, Rules, Top};

pub(super) static HIVED: Entry = Entry {
    name: "hived",
    summary: "quotas as cells of the cluster, so that sharing costs nobody anything; the rest scavenges",
    objective: "no job waits longer than it would if its tenant had a cluster of its own",
    knows: "tenants and their quotas",
    source: "HiveD, OSDI 2020",
    knobs: &[
        Knob::new("top", "rack", "node, nvlink-domain, rack, zone", "the largest cells"),
        Knob::new(
            "opportunistic",
            "negative",
            "negative, beyond",
            "who may use idle cells of others: jobs of priority below 0, or also those for which their own have no room",
        ),
        Knob::new("skip", "false", "true, false", "whether jobs pass one for which their cells have no room"),
        PLACE,
    ],
    presets: &[Preset { name: "osdi20", source: "HiveD, OSDI 2020, sections 3 and 5", knobs: &[] }],
    build: |knobs| {
        let tops = [
            ("node", Top::Node),
            ("nvlink-domain", Top::Domain(Level::NvlinkDomain)),
            ("rack", Top::Domain(Level::Rack)),
            ("zone", Top::Domain(Level::Zone)),
        ];
        let who = [("negative", Opportunistic::Negative), ("beyond", Opportunistic::Beyond)];
        let rules = Rules {
            top: knobs.one_of("top", &tops)?,
            opportunistic: knobs.one_of("opportunistic", &who)?,
            inside: if knobs.flag("skip")? { Inside::Skip } else { Inside::Fifo },
        };
        Ok(Box::new(Hived::new(rules, knobs.placer()?)))
    },
};
