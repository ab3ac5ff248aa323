//! Job files: YAML, TOML or JSON, by their names. What is wrong is named with its line and field.

use std::path::Path;

use executor::job_file::JobFile;

use crate::error::Error;

/// What a message is about, without the place where it was found.
struct Wrong {
    /// From 1.
    line: Option<usize>,
    message: String,
}

/// A job file and its text, to find fields in it.
pub(super) fn read(path: &Path) -> Result<(JobFile, String), Error> {
    let shown = path.display();
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
    let parse = match extension.as_str() {
        "yaml" | "yml" => yaml,
        "toml" => toml,
        "json" => json,
        _ => {
            let hint = "name it .yaml, .toml or .json; a command stands behind `--`, as in `trainyard submit -- ./run`";
            return Err(Error::input(format!("{shown}: nobody knows what kind of job file this is"), hint));
        }
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::input(format!("{shown}: cannot be read: {error}"), "check the path"))?;
    match parse(&text) {
        Ok(file) => Ok((file, text)),
        Err(wrong) => Err(error(path, &text, &wrong)),
    }
}

fn error(path: &Path, text: &str, wrong: &Wrong) -> Error {
    let line = wrong.line.map(|line| format!(":{line}")).unwrap_or_default();
    let key = wrong.line.and_then(|line| text.lines().nth(line.saturating_sub(1))).and_then(key);
    let field = key.filter(|key| !wrong.message.contains(&format!("`{key}`")));
    let field = field.map(|key| format!("field `{key}`: ")).unwrap_or_default();
    let hint = "`trainyard submit --help` says what a job file holds; `command` is the one field that it must have";
    Error::input(format!("{}{line}: {field}{}", path.display(), wrong.message), hint)
}

/// The key that a line of any of the three formats begins with.
fn key(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || "{,\"'".contains(c));
    let length = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(line.len());
    let (key, rest) = line.split_at(length);
    let rest = rest.trim_start_matches(['"', '\'']).trim_start();
    (!key.is_empty() && rest.starts_with([':', '='])).then_some(key)
}

/// The line of a field, from 1.
pub(super) fn line_of(text: &str, field: &str) -> Option<usize> {
    text.lines().position(|line| key(line) == Some(field)).map(|index| index + 1)
}

/// What is missing stands in no line.
fn is_absence(message: &str) -> bool {
    message.starts_with("missing field")
}

fn yaml(text: &str) -> Result<JobFile, Wrong> {
    serde_saphyr::from_str(text).map_err(|error| {
        let error = error.without_snippet();
        let line = error.location().map(|location| location.line() as usize).filter(|line| *line > 0);
        let message = error.to_string().lines().next().unwrap_or_default().to_owned();
        let place = error.location().map(|at| format!(" at line {}, column {}", at.line(), at.column()));
        let message = place.and_then(|place| message.strip_suffix(&place).map(str::to_owned)).unwrap_or(message);
        Wrong { line: line.filter(|_| !is_absence(&message)), message }
    })
}

fn toml(text: &str) -> Result<JobFile, Wrong> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map(|before| before.matches('\n').count() + 1);
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        Wrong { line: line.filter(|_| !is_absence(&message)), message }
    })
}

fn json(text: &str) -> Result<JobFile, Wrong> {
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let message = message.strip_suffix(&place).unwrap_or(&message).to_owned();
        Wrong { line: Some(error.line()).filter(|line| *line > 0 && !is_absence(&message)), message }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_all_formats() {
        let lines = [
            ("gpus: 4", "gpus"),
            ("  \"gpus\" : 4,", "gpus"),
            ("{\"gpus\": 4}", "gpus"),
            ("time_limit = '1h'", "time_limit"),
        ];
        for (line, expected) in lines {
            assert_eq!(key(line), Some(expected), "{line}");
        }
        for line in ["", "- gpus", "# gpus", "[retry]"] {
            assert_eq!(key(line), None, "{line}");
        }
        assert_eq!(line_of("command: [x]\n\ngpus: 9\n", "gpus"), Some(3));
    }

    #[test]
    fn the_three_formats_say_the_same() {
        let from_yaml =
            yaml("command: [python, train.py]\ngpus: 0.5\ntime_limit: 2h\nenv: {A: b}\nretry:\n  failures: 2\n");
        let from_toml = toml(
            "command = ['python', 'train.py']\ngpus = 0.5\ntime_limit = '2h'\nenv.A = 'b'\n[retry]\nfailures = 2\n",
        );
        let from_json = json(
            r#"{"command":["python","train.py"],"gpus":0.5,"time_limit":7200,"env":{"A":"b"},"retry":{"failures":2}}"#,
        );
        let [one, two, three] =
            [from_yaml, from_toml, from_json].map(|file| file.unwrap_or_else(|wrong| panic!("{}", wrong.message)));
        assert_eq!(one, two);
        assert_eq!(one, three);
    }
}
