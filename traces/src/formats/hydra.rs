//! Job lists of Hydra (deadline-aware scheduling on several GPU models), made from names of Alibaba's PAI trace 2020.
//!
//! Upstream: the `cases/` of <https://github.com/illuminatryX/gpu_scheduling>; no licence file.
//!
//! Columns: an index without a name; `job_name` (unique); `norm_job_submit_time` (seconds; 0 in every row of the
//! published lists); `ddl` (deadline in seconds on the same clock, or `inf` for none); and one column a GPU model with
//! the seconds that the job takes on it, such as `A100`, `V100`, `GTX2080Ti`, in any order: they are found by name. No
//! method is given for these times. Jobs take one GPU. No date, no zone, no users.
//!
//! A trace has one run time a job: that on the model of the option `on`, and on the first model of the file without it.
//! Lists exist in which the columns `V100` and `GTX2080Ti` seem to have each other's label: V100 is the slower one in
//! every row. They are read by name all the same, and every row is counted.

use engine::{Span, Time};

use super::amounts::micros;
use super::{Signs, Spec};
use crate::build::{Builder, Twins};
use crate::details::{Details, Wishes};
use crate::error::{TraceError, shown};
use crate::header::Header;
use crate::input::Input;
use crate::table::{Cells, Table};
use crate::trace::{Trace, TraceJob};

/// Columns that every list has.
const NEEDED: [&str; 3] = ["job_name", "norm_job_submit_time", "ddl"];

pub(super) static SPEC: Spec = Spec {
    name: "hydra",
    aliases: &[],
    about: "Hydra job lists with deadlines and a run time for each GPU model",
    options: &[("on", "the GPU model whose run times are taken; the first of the file without it")],
    signs: Signs::Columns(&NEEDED),
    read,
};

fn read(input: &Input<'_>) -> Result<Trace, TraceError> {
    let mut table = Table::open(input.file, input.text)?;
    table.header().check_needed("hydra", &NEEDED, &NEEDED)?;
    let columns = Columns::find(input, table.header())?;
    let mut builder = Builder::new(input.file, "hydra");
    builder.measured_on(&columns.model);
    builder.ledger.ignored_columns = table.header().ignored(&[&NEEDED[..], &[columns.model.as_str(), ""]].concat());
    builder.ledger.ignored_columns.retain(|name| !name.ends_with("(no name)"));
    let mut swapped = 0;
    while let Some(cells) = table.next()? {
        builder.row();
        builder.ledger.change_row("the list has no GPUs: one each");
        swapped += u64::from(columns.is_swapped(&cells)?);
        let job = columns.job(&cells, &mut builder)?;
        builder.push(job, cells.place);
    }
    if swapped > 0 && swapped == builder.ledger.rows {
        let cause = "V100 is slower than GTX2080Ti, as in every row: the labels look swapped; read as they stand";
        builder.ledger.changed.insert(cause.to_owned(), swapped);
    }
    builder.finish(Twins::Refused, None)
}

struct Columns {
    needed: [Option<usize>; NEEDED.len()],
    /// The model whose run times are taken, and its column.
    model: String,
    seconds: Option<usize>,
    v100: Option<usize>,
    gtx2080ti: Option<usize>,
}

impl Columns {
    fn find(input: &Input<'_>, header: &Header) -> Result<Self, TraceError> {
        let models: Vec<&String> =
            header.names.iter().filter(|name| !name.is_empty() && !NEEDED.contains(&name.as_str())).collect();
        let Some(first) = models.first() else {
            let error = header.error("the list has no column with run times");
            return Err(error.with_hint("add a column named after a GPU model, such as V100, with seconds"));
        };
        let model = input.options.get("on").unwrap_or(first);
        if !models.iter().any(|known| *known == model) {
            let names = models.iter().take(20).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
            return Err(input.bad_option("on", &format!("one of {names}")));
        }
        let (seconds, model) = (header.find(model), model.to_owned());
        let (v100, gtx2080ti) = (header.find("V100"), header.find("GTX2080Ti"));
        Ok(Self { needed: NEEDED.map(|name| header.find(name)), model, seconds, v100, gtx2080ti })
    }

    fn is_swapped(&self, cells: &Cells<'_>) -> Result<bool, TraceError> {
        if self.v100.is_none() || self.gtx2080ti.is_none() {
            return Ok(false);
        }
        let (v100, gtx2080ti) = (cells.scaled(self.v100, "V100", 6)?, cells.scaled(self.gtx2080ti, "GTX2080Ti", 6)?);
        Ok(v100.value > gtx2080ti.value)
    }

    fn job(&self, cells: &Cells<'_>, builder: &mut Builder) -> Result<TraceJob, TraceError> {
        let [name, submit, ddl] = self.needed;
        let id = cells.word(name, NEEDED[0])?;
        let submit = Time(micros(cells, submit, NEEDED[1], builder)?);
        let duration = Span(micros(cells, self.seconds, &self.model, builder)?);
        let deadline = match cells.word(ddl, NEEDED[2])? {
            "inf" | "Inf" | "+Inf" => None,
            _ => Some(Time(micros(cells, ddl, NEEDED[2], builder)?)),
        };
        if deadline.is_some_and(|deadline| deadline < submit) {
            let message = format!("the deadline `{}` is before the submission", shown(cells.text(ddl)));
            return Err(cells.error(NEEDED[2], message).with_hint("ddl counts on the clock of norm_job_submit_time"));
        }
        let tenant = builder.tenant("");
        Ok(TraceJob {
            tenant,
            details: Details { wishes: Wishes { deadline, ..Wishes::NONE }.into(), ..Details::NONE }.into(),
            ..TraceJob::plain(id, submit, duration, 1000)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::detect;
    use crate::input::Options;

    fn read_on(text: &str, on: Option<&str>) -> Result<Trace, TraceError> {
        let options = Options::new(on.map(|on| ("on".to_owned(), on.to_owned())).into_iter().collect());
        read(&Input { file: "h.csv", text, options: &options })
    }

    fn error(text: &str, on: Option<&str>) -> String {
        let error = read_on(text, on).unwrap_err();
        format!("{error} | {}", error.hint().unwrap_or_default())
    }

    const TEXT: &str = ",job_name,norm_job_submit_time,ddl,A100,V100,GTX2080Ti\n0,a,0,inf,1020.0,1540.0,2595.0\n\
                        1,b,5,1335.5,900,1300,1200\n";

    #[test]
    fn golden() {
        assert_eq!(detect("h.csv", TEXT).unwrap().name(), "hydra");
        let trace = read_on(TEXT, None).unwrap();
        let jobs: Vec<_> =
            trace.jobs.iter().map(|j| (&*j.id, j.submit.0, j.duration.0, j.deadline, j.gpu_milli)).collect();
        let ddl = Some(Time(1_335_500_000));
        assert_eq!(jobs, [("a", 0, 1_020_000_000, None, 1000), ("b", 5_000_000, 900_000_000, ddl, 1000)]);
        assert_eq!(trace.measured_on.as_deref(), Some("A100"));
        assert_eq!(trace.ledger.ignored_columns, ["V100", "GTX2080Ti"]);
        assert_eq!(trace.ledger.changed.len(), 1, "V100 is slower in one row only");
        let trace = read_on(TEXT, Some("GTX2080Ti")).unwrap();
        assert_eq!((trace.jobs[0].duration, trace.measured_on.as_deref()), (Span(2_595_000_000), Some("GTX2080Ti")));
    }

    #[test]
    fn swapped_labels_are_counted() {
        let text = "job_name,norm_job_submit_time,ddl,A100,GTX2080Ti,V100\na,0,inf,1,2,3\nb,0,9,1,5,6\n";
        let trace = read_on(text, Some("V100")).unwrap();
        assert_eq!(trace.jobs[0].duration, Span(3_000_000), "by name");
        let cause = "V100 is slower than GTX2080Ti, as in every row: the labels look swapped; read as they stand";
        assert_eq!(trace.ledger.changed[cause], 2);
    }

    #[test]
    fn errors() {
        assert_eq!(
            error(TEXT, Some("K80")),
            "h.csv: field `on`: `K80` is not one of A100, V100, GTX2080Ti | write on=VALUE with one of A100, V100, GTX2080Ti"
        );
        assert_eq!(
            error("job_name,norm_job_submit_time,ddl\na,0,inf\n", None),
            "h.csv:1: the list has no column with run times | add a column named after a GPU model, such as V100, with seconds"
        );
        assert_eq!(
            error("job_name,norm_job_submit_time,ddl,A100\na,9,5,1\n", None),
            "h.csv:2: field `ddl`: the deadline `5` is before the submission | ddl counts on the clock of norm_job_submit_time"
        );
        assert_eq!(
            error("job_name,norm_job_submit_time,ddl,A100\na,0,inf,inf\n", None),
            "h.csv:2: field `A100`: `inf` is not finite | write a finite number, or leave the row out"
        );
    }
}
