//! Lucid: what its simulator reads of a Helios log.
//!
//! The slice of dates that it takes next is `window=FROM..TO`.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::civil::{DateTime, date};

use super::{Filter, TraceError, Work, virtual_cluster};
use crate::bytes;
use crate::civil::since;

/// `start` in `trace_process()`.
fn first_day() -> DateTime {
    date(2020, 4, 1).at(0, 0, 0, 0)
}

pub(super) static LUCID: Filter = Filter {
    name: "lucid",
    citation: "Hu et al., Lucid, ASPLOS'23; S-Lab-System-Group/Lucid, simulation/utils.py, trace_process()",
    rule: "keeps jobs with GPUs, of the virtual clusters of the argument (of all where there is none), submitted from \
           2020-04-01 on (where the trace has a clock)",
    argument: "names of virtual clusters joined by |, or the path of a vc_config.csv",
    make,
};

fn make(work: &mut Work<'_>, argument: Option<&str>) -> Result<(), TraceError> {
    work.keep("no GPUs", |job| job.gpu_milli > 0);
    if let Some(text) = argument {
        let names = names(text)?;
        let trace = &*work.trace;
        let kept: Vec<bool> = trace.jobs.iter().map(|job| names.contains(virtual_cluster(trace, job))).collect();
        let mut at = 0;
        work.keep("of a virtual cluster that the configuration does not have", |_| {
            at += 1;
            kept[at - 1]
        });
    }
    let origin: Option<DateTime> = work.trace.origin.as_deref().and_then(|text| text.parse().ok());
    if let Some(first) = origin.and_then(|origin| since(origin, first_day())) {
        work.keep("submitted before 2020-04-01", |job| job.submit >= first);
    }
    Ok(())
}

/// The names, or the first column of the file behind its header.
fn names(text: &str) -> Result<BTreeSet<String>, TraceError> {
    if !Path::new(text).is_file() {
        return Ok(text.split('|').map(|name| name.trim().to_owned()).collect());
    }
    let unpacked = bytes::read_unpacked(text)?;
    let lines = bytes::text(text, &unpacked)?.lines().skip(1);
    Ok(lines.filter_map(|line| line.split(',').next()).map(|name| name.trim().trim_matches('"').to_owned()).collect())
}
