//! What a job held: GPUs, CPUs, memory, nodes.

use super::amounts::{self, Amounts};
use super::columns::{Columns, GPUS};
use crate::build::Builder;
use crate::canonical::rows::divides;
use crate::canonical::words::below_unlimited;
use crate::decimal::Flaw;
use crate::error::{TraceError, shown};
use crate::table::Cells;

/// What one job held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) gpu_milli: u32,
    pub(super) cpu_milli: u32,
    pub(super) memory_mib: u32,
    pub(super) models: Option<u32>,
    pub(super) tasks: u32,
}

pub(super) fn of_row(cells: &Cells<'_>, columns: &Columns, builder: &mut Builder) -> Result<Request, TraceError> {
    let nodes = first_count(cells, columns, &["allocnodes", "nnodes", "reqnodes"])?;
    let (held, source) = held(cells, columns, nodes.unwrap_or(1), builder)?;
    let nodes = nodes.or(held.nodes).unwrap_or(0);
    let cpus = match held.cpus {
        Some(cpus) => cpus,
        None => first_count(cells, columns, &["alloccpus", "ncpus", "reqcpus"])?.unwrap_or(0),
    };
    if held.parts && held.gpus == 0 {
        builder.ledger.change_row("parts of a GPU (gres/shard, gres/mps): not used");
    }
    let memory_mib = match held.memory_mib {
        Some(memory_mib) => memory_mib,
        None => requested_memory(cells, columns, nodes, cpus)?,
    };
    let fit =
        |value: Option<u64>, name: &str| value.and_then(below_unlimited).ok_or_else(|| too_large(cells, columns, name));
    let gpu_milli = fit(held.gpus.checked_mul(1000), source)?;
    let tasks = fit(Some(nodes), "nnodes")?;
    let equal = tasks == 0 || divides(gpu_milli, tasks);
    if !equal {
        builder.ledger.change_row("GPUs are not divided equally among the nodes: a gang without tasks");
    }
    Ok(Request {
        gpu_milli,
        cpu_milli: fit(cpus.checked_mul(1000), "alloccpus")?,
        memory_mib: fit(Some(memory_mib), "reqmem")?,
        models: models(cells, columns, &held, source, builder)?,
        tasks: if equal { tasks } else { 0 },
    })
}

/// The resources by the best column that says any, and its name.
fn held(
    cells: &Cells<'_>,
    columns: &Columns,
    nodes: u64,
    builder: &mut Builder,
) -> Result<(Amounts, &'static str), TraceError> {
    let best = columns.first(&GPUS).map_or("", |(_, name)| name);
    let said = GPUS.into_iter().find(|name| !cells.is_blank(columns.at(name)));
    let Some(name) = said else { return Ok((Amounts::default(), best)) };
    if name != best && best == "alloctres" {
        builder.ledger.change_row("AllocTRES is empty: what was asked for is taken");
    }
    Ok((list(cells, columns, name, nodes)?, name))
}

/// The list in a column.
fn list(cells: &Cells<'_>, columns: &Columns, name: &str, nodes: u64) -> Result<Amounts, TraceError> {
    let text = cells.text(columns.at(name)).trim();
    let (list, hint) = if name.ends_with("tres") {
        (amounts::tres(text), "sacct writes lists such as cpu=8,mem=64G,node=1,gres/gpu=8")
    } else {
        (amounts::gres(text, nodes), "sacct writes lists such as gpu:a100:8")
    };
    list.map_err(|flaw| {
        let message = format!("`{}` is no list of resources", shown(text));
        let number = match flaw {
            Flaw::Garbage | Flaw::Empty => "",
            Flaw::Negative => ": a number in it is negative",
            Flaw::Fraction => ": a number in it is not whole",
            Flaw::NotFinite => ": a number in it is not finite",
            Flaw::TooLarge => ": a number in it is too large",
        };
        let error = cells.error(Columns::said(name), format!("{message}{number}"));
        error.with_hint(hint)
    })
}

/// The models that were asked for, or else those that were got.
fn models(
    cells: &Cells<'_>,
    columns: &Columns,
    held: &Amounts,
    source: &str,
    builder: &mut Builder,
) -> Result<Option<u32>, TraceError> {
    let asked = ["reqtres", "reqgres"].into_iter().find(|name| columns.at(name).is_some());
    let list = match asked {
        Some(name) if name != source => &list(cells, columns, name, 1)?,
        Some(_) => held,
        None if held.models.is_empty() => return Ok(None),
        None => {
            builder.ledger.change_row("GPU models are those it got: what it asked for is not in the file");
            held
        }
    };
    if held.gpus == 0 {
        return Ok(None);
    }
    if list.models.len() > 1 {
        builder.ledger.change_row("several GPU models in one job: any of them will do");
    }
    Ok(builder.models(list.models.keys().cloned().collect()))
}

fn requested_memory(cells: &Cells<'_>, columns: &Columns, nodes: u64, cpus: u64) -> Result<u64, TraceError> {
    let text = cells.text(columns.at("reqmem")).trim();
    if text.is_empty() || text == "?" {
        return Ok(0);
    }
    amounts::requested_mib(text, nodes.max(1), cpus).map_err(|flaw| {
        let error = cells.error("ReqMem", format!("`{}` is no amount of memory", shown(text)));
        if flaw == Flaw::TooLarge {
            cells.flaw("ReqMem", flaw, text)
        } else {
            error.with_hint("sacct writes 64G, 64Gn or 4000Mc")
        }
    })
}

/// The first of the columns that has a number.
fn first_count(cells: &Cells<'_>, columns: &Columns, names: &[&'static str]) -> Result<Option<u64>, TraceError> {
    let Some(name) = names.iter().find(|name| !cells.is_blank(columns.at(name))) else { return Ok(None) };
    let text = cells.text(columns.at(name));
    amounts::whole(text).map(Some).map_err(|flaw| cells.flaw(Columns::said(name), flaw, text))
}

fn too_large(cells: &Cells<'_>, columns: &Columns, name: &str) -> TraceError {
    cells.flaw(Columns::said(name), Flaw::TooLarge, cells.text(columns.at(name)))
}
