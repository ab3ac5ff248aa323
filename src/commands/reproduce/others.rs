//! Results in the folder of cases that no policy of today gives: listed, so that nothing is hidden.

use std::path::Path;

use super::case::Case;
use super::rows;

/// Folder, how the name of a result ends, whose it is, why it is not covered.
const FOLDERS: [(&str, &str, &str, &str); 3] = [
    (
        "fgd",
        "_steps.csv",
        "FGD on openb",
        "a test of the policies checks its 2,237 decisions one by one, and F after each",
    ),
    ("pollux", "tiresias.csv", "Pollux' simulator", "jobs progress by a model of goodput, which is not built yet"),
    (
        "shockwave",
        ".csv",
        "Shockwave's simulator",
        "its allocation comes from a linear program, which is not built yet",
    ),
];

/// The cases in `data`.
pub(crate) fn cases(data: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    for (folder, ending, peer, reason) in FOLDERS {
        for (stem, path) in rows::files(&data.join("cases").join(folder), ending) {
            let stem = if stem.is_empty() { path.with_extension("") } else { stem.into() };
            let name = stem.file_name().unwrap_or_default().to_string_lossy().into_owned();
            cases.push(Case { id: format!("{folder}/{name}"), peer, recipe: Err(reason.to_owned()) });
        }
    }
    cases
}
