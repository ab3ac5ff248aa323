//! `reproduce`: numbers of other simulators and of publications beside ours.
//!
//! The cases are found in the folder that `TRAINYARD_DATA` names, one module a family. `mappings` says what a policy of a
//! peer is called here.

mod blox;
mod case;
mod filled;
mod gavel;
mod helios;
mod mappings;
mod muri;
mod openb;
mod others;
mod pai;
mod philly;
mod replayed;
mod rows;
mod show;
mod tiresias;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::cli::{ReproduceArgs, ReproduceFormat};
use crate::error::Error;
use crate::{progress, stdout};
use case::Case;
use replayed::{Reproduced, Verdict, reproduce};

/// Where the data lies.
const DATA: &str = "TRAINYARD_DATA";
const HINT: &str = "set TRAINYARD_DATA to the folder with the data; docs/reproduction.md says where it is from";

/// Runs the command.
pub(crate) fn run(args: &ReproduceArgs) -> Result<(), Error> {
    let cases = chosen(all(&data()?), &args.cases)?;
    let bar = progress::bar(cases.len());
    let one = |case: &Case| {
        bar.set_message(case.id.clone());
        let done = reproduce(case);
        bar.inc(1);
        done
    };
    let found: Result<Vec<Reproduced>, Error> = cases.par_iter().map(one).collect();
    bar.finish_and_clear();
    let found = found?;
    match args.format {
        ReproduceFormat::Table => stdout::show(&show::table(&found))?,
        ReproduceFormat::Markdown => stdout::show(&show::markdown(&found))?,
        ReproduceFormat::Json => stdout::show_json(&show::json(&found))?,
    }
    verdict(&found)
}

/// The folder of the data.
fn data() -> Result<PathBuf, Error> {
    let Some(data) = std::env::var_os(DATA).filter(|data| !data.is_empty()) else {
        return Err(Error::input(format!("{DATA} is not set"), HINT));
    };
    let data = PathBuf::from(data);
    if data.join("cases").is_dir() {
        return Ok(data);
    }
    Err(Error::input(format!("{}: there is no folder `cases` in it", data.display()), HINT))
}

/// All cases, by family and name.
fn all(data: &Path) -> Vec<Case> {
    let families = [
        tiresias::cases,
        muri::cases,
        helios::cases,
        gavel::cases,
        blox::cases,
        pai::cases,
        openb::cases,
        others::cases,
    ];
    families.iter().flat_map(|cases| cases(data)).collect()
}

/// The cases that were asked for: those called so, else those whose names begin so.
fn chosen(mut cases: Vec<Case>, asked: &[String]) -> Result<Vec<Case>, Error> {
    if asked.is_empty() {
        return Ok(cases);
    }
    let ids: Vec<String> = cases.iter().map(|case| case.id.clone()).collect();
    let mut keep = vec![false; ids.len()];
    for text in asked {
        let exact = ids.iter().any(|id| id == text);
        let fits = |id: &String| if exact { id == text } else { begins(id, text) };
        let mut any = false;
        for (keep, id) in keep.iter_mut().zip(&ids) {
            *keep |= fits(id);
            any |= fits(id);
        }
        if !any {
            return Err(unknown(text, &ids));
        }
    }
    let mut keep = keep.into_iter();
    cases.retain(|_| keep.next().unwrap_or(false));
    Ok(cases)
}

/// Whether `id` begins with the whole words of `text`.
fn begins(id: &str, text: &str) -> bool {
    id.strip_prefix(text).is_some_and(|rest| rest.starts_with(['/', '-', '_']))
}

fn unknown(text: &str, ids: &[String]) -> Error {
    let mut families: Vec<&str> = ids.iter().filter_map(|id| id.split('/').next()).collect();
    families.dedup();
    let hint = match traces::nearest(text, families.iter().copied().chain(ids.iter().map(String::as_str))) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("name a family or a case of it; the families are {}", families.join(", ")),
    };
    Error::input(format!("no case is called `{text}`"), hint)
}

/// An error where a case is beyond its limits.
fn verdict(found: &[Reproduced]) -> Result<(), Error> {
    let beyond: Vec<&str> =
        found.iter().filter(|one| one.verdict == Verdict::Beyond).map(|one| one.case.as_str()).collect();
    if beyond.is_empty() {
        return Ok(());
    }
    let are = if beyond.len() == 1 { "1 case is".to_owned() } else { format!("{} cases are", beyond.len()) };
    let hint = "docs/reproduction.md says what the limits are; `--format json` shows every figure";
    Err(Error::failed(format!("{are} beyond the limits: {}", beyond.join(", ")), hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(asked: &[&str]) -> Vec<String> {
        let ids = ["a/x-fifo", "a/x-fifo-2", "a/y", "ab/z"];
        let case = |id: &&str| Case { id: (*id).to_owned(), peer: "", recipe: Err(String::new()) };
        let asked: Vec<String> = asked.iter().map(|text| (*text).to_owned()).collect();
        let found = chosen(ids.iter().map(case).collect(), &asked);
        found.map_or_else(|_| Vec::new(), |cases| cases.into_iter().map(|case| case.id).collect())
    }

    #[test]
    fn cases_are_chosen_by_whole_words() {
        assert_eq!(ids(&[]).len(), 4);
        assert_eq!(ids(&["a"]), ["a/x-fifo", "a/x-fifo-2", "a/y"]);
        assert_eq!(ids(&["a/x-fifo"]), ["a/x-fifo"]);
        assert_eq!(ids(&["a/x", "ab"]), ["a/x-fifo", "a/x-fifo-2", "ab/z"]);
        assert!(ids(&["a/f"]).is_empty());
    }
}
