//! Scaling curves of `ElasticFlow` (Gu et al., ASPLOS 2023).
//!
//! `throughputs_<MODEL>/<app>.csv`: the first column is `global_batch_size` (samples a step on all GPUs), the others are
//! called by a number of GPUs, 1, 2, 4 and so on, and hold training iterations a second of the whole gang (its
//! simulator multiplies them by seconds to get iterations). The kind of job is the name of the file, the GPU model comes
//! from the folder. The source does not say on how many nodes a gang ran; testbed and simulator pack gangs.
//!
//! An empty cell, 0 or `nan` means that the setting was not measured: counted, and left out.
//!
//! Upstream: <https://github.com/pkusys/ElasticFlow> (`ElasticFlow/scheduler/throughputs_A100` and `_T4`), Apache-2.0.

use super::ThroughputTable;
use super::columns::{MOST_GPUS, at_least_one, number};
use super::entries::{Key, Spread};
use super::files::stem_and_folder;
use crate::error::{TraceError, shown};
use crate::header::Header;
use crate::table::Table;
use crate::trace::JobType;

const BATCH_SIZE: &str = "global_batch_size";
const FOLDER: &str = "throughputs_";

/// Whether a text is such a curve.
pub(super) fn fits(text: &str) -> bool {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let mut columns = header.split(',').map(str::trim);
    columns.next() == Some(BATCH_SIZE) && columns.next().is_some_and(|name| name.parse::<u32>().is_ok())
}

/// Reads a curve for each batch size.
pub(super) fn read(table: &mut ThroughputTable, file: &str, text: &str) -> Result<(), TraceError> {
    let (app, folder) = stem_and_folder(file);
    let Some(model) = folder.as_deref().and_then(|name| name.strip_prefix(FOLDER)).filter(|name| !name.is_empty())
    else {
        let error = TraceError::new(file, "the folder of the file does not say which GPU model it measures");
        return Err(error.with_hint(format!("put it in a folder called {FOLDER}MODEL, such as {FOLDER}A100/{app}.csv")));
    };
    let mut rows = Table::open(file, text)?;
    let gpu_counts = gpu_counts(rows.header())?;
    let model = table.add_model(model).0;
    while let Some(cells) = rows.next()? {
        let batch_size = Some(at_least_one(&cells, Some(0), BATCH_SIZE)?);
        let job_type = table.add_job_type(JobType { name: app.clone(), batch_size, batch_mode: None }).0;
        for (at, gpus) in &gpu_counts {
            table.ledger.rows += 1;
            let text = cells.text(Some(*at)).trim();
            let none = text.is_empty() || text.eq_ignore_ascii_case("nan");
            let rate = if none { 0.0 } else { number(&cells, Some(*at), &gpus.to_string())? };
            if rate > 0.0 {
                table.add(Key { job_type, model, gpus: *gpus, spread: Spread::Unsaid, beside: 0 }, rate);
            } else {
                table.ledger.drop_row(cause(text));
            }
        }
    }
    Ok(())
}

/// Why a cell holds no rate.
fn cause(text: &str) -> &'static str {
    if text.is_empty() {
        "not available: the cell is empty"
    } else if text.eq_ignore_ascii_case("nan") {
        "not available: the cell says nan"
    } else {
        "not available: the cell says 0"
    }
}

/// The columns behind the first, with the GPUs that their names say.
fn gpu_counts(header: &Header) -> Result<Vec<(usize, u32)>, TraceError> {
    let count = |(at, name): (usize, &String)| {
        if let Some(gpus) = name.parse().ok().filter(|gpus| (1..=MOST_GPUS).contains(gpus)) {
            return Ok((at, gpus));
        }
        let error = header.error(format!("column `{}` is not a number of GPUs", shown(name)));
        Err(error.with_hint(format!("the columns are {BATCH_SIZE},1,2,4,8 and so on")))
    };
    header.names.iter().enumerate().skip(1).map(count).collect()
}
