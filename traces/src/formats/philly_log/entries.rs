//! The entries of the log, one at a time, each with the line on which it begins.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, IgnoredAny};

use crate::error::TraceError;

/// One job. Texts that may be `null` are optional, but their keys must be there.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Entry {
    pub(super) status: String,
    #[serde(deserialize_with = "present")]
    pub(super) vc: Option<String>,
    pub(super) jobid: String,
    #[serde(deserialize_with = "present")]
    pub(super) attempts: Option<Vec<Attempt>>,
    #[serde(deserialize_with = "present")]
    pub(super) submitted_time: Option<String>,
    #[serde(deserialize_with = "present")]
    pub(super) user: Option<String>,
    /// Keys that are not of the format.
    #[serde(flatten)]
    pub(super) rest: BTreeMap<String, serde_json::Value>,
}

/// One time that the job was scheduled.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Attempt {
    #[serde(deserialize_with = "present")]
    pub(super) start_time: Option<String>,
    #[serde(deserialize_with = "present")]
    pub(super) end_time: Option<String>,
    #[serde(deserialize_with = "present")]
    pub(super) detail: Option<Vec<Server>>,
    #[serde(flatten)]
    pub(super) rest: BTreeMap<String, serde_json::Value>,
}

/// The GPUs of an attempt on one server. Their names do not matter here, only how many there are.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Server {
    #[serde(rename = "ip")]
    _ip: IgnoredAny,
    #[serde(deserialize_with = "present")]
    pub(super) gpus: Option<Vec<IgnoredAny>>,
}

/// A value that may be `null`, of a key that must be there.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

/// Walks over a JSON list without holding more than one entry.
pub(super) struct Entries<'a> {
    file: &'a str,
    text: &'a str,
    at: usize,
    /// Line of `at`, from 1.
    line: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Before,
    Inside,
    Behind,
}

impl<'a> Entries<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, at: 0, line: 1, state: State::Before }
    }

    /// The next entry, and its line.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Entry)>, TraceError> {
        if !self.step()? {
            return Ok(None);
        }
        let mut stream = serde_json::Deserializer::from_str(&self.text[self.at..]).into_iter::<Entry>();
        let (line, entry) = (self.line, stream.next());
        match entry {
            Some(Ok(entry)) => {
                let end = self.at + stream.byte_offset();
                self.move_to(end);
                Ok(Some((line, entry)))
            }
            Some(Err(error)) => Err(self.flaw(&error)),
            None => Err(self.cut_off()),
        }
    }

    /// Goes to the beginning of the next entry; `false` at the end of the list.
    fn step(&mut self) -> Result<bool, TraceError> {
        match (self.state, self.peek()) {
            (State::Behind, _) => return Ok(false),
            (State::Before, Some(b'[')) => {
                self.state = State::Inside;
                self.move_to(self.at + 1);
                if self.peek() == Some(b']') {
                    return self.close();
                }
            }
            (State::Inside, Some(b',')) => self.move_to(self.at + 1),
            (State::Inside, Some(b']')) => return self.close(),
            (_, None) => return Err(self.cut_off()),
            (State::Before, Some(_)) => return Err(self.error("the file is not a JSON list")),
            (State::Inside, Some(_)) => return Err(self.error("a comma or the end of the list is missing here")),
        }
        Ok(self.peek().is_some() || Err(self.cut_off())?)
    }

    fn close(&mut self) -> Result<bool, TraceError> {
        self.state = State::Behind;
        self.move_to(self.at + 1);
        match self.peek() {
            None => Ok(false),
            Some(_) => Err(self.error("text stands behind the end of the list")),
        }
    }

    /// The next byte that is no blank, after going there.
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let blanks = rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len());
        self.move_to(self.at + blanks);
        self.text.as_bytes().get(self.at).copied()
    }

    fn move_to(&mut self, at: usize) {
        self.line += self.text[self.at..at].matches('\n').count() as u64;
        self.at = at;
    }

    fn error(&self, message: &str) -> TraceError {
        let hint = "the log is a list of jobs: [{\"status\": ..., \"attempts\": [...]}, ...]";
        TraceError::new(self.file, message).at_line(self.line).with_hint(hint)
    }

    fn cut_off(&self) -> TraceError {
        let error = TraceError::new(self.file, "the JSON ends in the middle").at_line(self.line);
        error.with_hint("the file is cut off; copy or download it again")
    }

    /// An error of the JSON parser, whose lines begin at this entry.
    fn flaw(&self, error: &serde_json::Error) -> TraceError {
        if error.is_eof() {
            return self.cut_off();
        }
        let text = error.to_string();
        let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
        let line = self.line + (error.line() as u64).saturating_sub(1);
        let error = TraceError::new(self.file, format!("the entry is not as it should be: {message}")).at_line(line);
        error.with_hint("an entry has the keys status, vc, jobid, attempts, submitted_time, user")
    }
}
