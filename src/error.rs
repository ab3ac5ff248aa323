//! What is wrong, what to do about it, and the exit code that says so.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::error::ErrorKind;
use policies::PolicyError;
use simulator::experiment::ExperimentError;
use simulator::output::OutputError;
use simulator::physics::SettingError;
use simulator::run::RunError;
use traces::TraceError;

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub(crate) enum Error {
    /// Bad usage or bad input: exit code 2.
    Input(Text),
    /// It failed: exit code 1.
    Failed(Text),
    /// Who read stdout has gone away, which is no error.
    NobodyReads,
}

/// A message and advice.
#[derive(Debug)]
pub(crate) struct Text {
    message: String,
    hint: Option<String>,
}

const OUR_FAULT: &str = "this is a fault of trainyard: please report it with the command that you ran";

impl Error {
    /// Bad usage or bad input.
    pub(crate) fn input(message: impl Display, hint: impl Into<String>) -> Self {
        Self::Input(Text { message: message.to_string(), hint: Some(hint.into()) })
    }

    /// A failure.
    pub(crate) fn failed(message: impl Display, hint: impl Into<String>) -> Self {
        Self::Failed(Text { message: message.to_string(), hint: Some(hint.into()) })
    }

    /// A file or folder that cannot be written.
    pub(crate) fn unwritable(path: &std::path::Path, option: &str, source: &io::Error) -> Self {
        let hint = match source.kind() {
            io::ErrorKind::NotFound => "make the folder first".to_owned(),
            io::ErrorKind::PermissionDenied => format!("choose another place with {option}, one that you may write to"),
            _ => format!("check the path, or choose another place with {option}"),
        };
        Self::failed(format!("cannot write {}: {source}", path.display()), hint)
    }

    /// Says what is wrong on stderr, and gives the exit code.
    pub(crate) fn end(self) -> ExitCode {
        let (code, text) = match self {
            Self::Input(text) => (2, text),
            Self::Failed(text) => (1, text),
            Self::NobodyReads => return ExitCode::SUCCESS,
        };
        let hint = text.hint.map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
        // Where even stderr is closed there is nobody left to tell.
        let _ = write!(io::stderr().lock(), "error: {}\n{hint}", text.message);
        ExitCode::from(code)
    }
}

/// Shows a help text on stdout, or what is wrong with the arguments on stderr.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let mut text = error.to_string();
    if error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        text = text.replace("For more information, try '--help'.", "hint: '--help' explains the arguments");
        text = text.replace("  tip: ", "hint: ").replace("\n\n", "\n");
    }
    let _ = write!(io::stderr().lock(), "{text}");
    ExitCode::from(2)
}

impl From<TraceError> for Error {
    fn from(error: TraceError) -> Self {
        Self::Input(Text { message: error.to_string(), hint: error.hint().map(str::to_owned) })
    }
}

impl From<PolicyError> for Error {
    fn from(error: PolicyError) -> Self {
        Self::Input(Text { message: error.to_string(), hint: error.hint })
    }
}

impl From<SettingError> for Error {
    fn from(error: SettingError) -> Self {
        Self::input(&error, error.hint.clone())
    }
}

impl From<OutputError> for Error {
    fn from(error: OutputError) -> Self {
        Self::failed(&error, error.hint())
    }
}

impl From<RunError> for Error {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Policy(error) => error.into(),
            RunError::Throughput(error) => error.into(),
            RunError::Journal(_) => Self::failed(error, "check the space left, or choose another place with --journal"),
            RunError::Restless { .. } => {
                Self::failed(error, "the policy undoes its own orders: report it, or choose another")
            }
            RunError::Fault(_) => Self::failed(error, OUR_FAULT),
        }
    }
}

impl From<ExperimentError> for Error {
    fn from(error: ExperimentError) -> Self {
        match error {
            ExperimentError::Trace(error) => error.into(),
            ExperimentError::Run(error) => error.into(),
            ExperimentError::Threads { .. } => Self::failed(error, "ask for fewer with --threads"),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::failed(format!("cannot write JSON: {error}"), OUR_FAULT)
    }
}
