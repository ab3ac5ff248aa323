//! One module a command.

pub(crate) mod client;
pub(crate) mod compare;
mod expected;
pub(crate) mod fidelity;
mod figures;
pub(crate) mod policies;
mod recorded;
pub(crate) mod reproduce;
pub(crate) mod saturate;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod token;
pub(crate) mod trace;
pub(crate) mod verify;
pub(crate) mod what_if;

/// The command line as it was given, ready to be given again.
pub(crate) fn command_line() -> String {
    let quoted = |word: String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
        if !word.is_empty() && word.chars().all(plain) { word } else { format!("'{}'", word.replace('\'', "'\\''")) }
    };
    let words = std::env::args_os().skip(1).map(|word| quoted(word.to_string_lossy().into_owned()));
    std::iter::once("trainyard".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}
