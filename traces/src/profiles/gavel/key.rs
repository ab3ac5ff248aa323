//! The names of jobs in Gavel's files: `('ResNet-18 (batch size 32)', 2)` and `ResNet-18 (batch size 32)`.
//!
//! ```text
//! job    = tuple | name
//! tuple  = "(" string "," digits ")"
//! string = "'" text "'" | '"' text '"'        with \ before a quote or a \ of the text, as Python's repr writes it
//! name   = text [ " (batch size " digits ")" ]
//! ```

use crate::profiles::columns::MOST_GPUS;
use crate::trace::JobType;

const BATCH_SIZE: &str = " (batch size ";

/// Name and GPUs of a job; a name alone stands for one GPU. `None`: a tuple that is none.
pub(super) fn job(text: &str) -> Option<(String, u32)> {
    if !text.trim_start().starts_with('(') {
        let name = text.trim();
        return (!name.is_empty()).then(|| (name.to_owned(), 1));
    }
    let rest = text.trim().strip_prefix('(')?.trim_start();
    let (name, rest) = string(rest)?;
    let digits = rest.trim_start().strip_prefix(',')?.strip_suffix(')')?.trim();
    let gpus = number(digits).filter(|gpus| (1..=MOST_GPUS).contains(gpus))?;
    (!name.trim().is_empty()).then_some((name, gpus))
}

fn number(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// A quoted text and what stands behind it.
fn string(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|first| ['\'', '"'].contains(first))?;
    let (mut name, mut escaped) = (String::new(), false);
    for (at, next) in text.char_indices().skip(1) {
        match next {
            _ if escaped => {
                name.push(next);
                escaped = false;
            }
            '\\' => escaped = true,
            _ if next == quote => return Some((name, &text[at + 1..])),
            _ => name.push(next),
        }
    }
    None
}

/// The kind of job that a name says: model, and batch size where it has one.
pub(crate) fn job_type(name: &str) -> JobType {
    let name = name.trim();
    let parts = name.strip_suffix(')').and_then(|name| name.rsplit_once(BATCH_SIZE));
    let (model, batch_size) = match parts.and_then(|(model, size)| Some((model, number(size)?))) {
        Some((model, size)) if !model.trim().is_empty() => (model.trim(), Some(size)),
        _ => (name, None),
    };
    JobType { name: model.to_owned(), batch_size, batch_mode: None }
}

/// The name that Gavel's files have for a kind of job.
pub(crate) fn name(kind: &JobType) -> String {
    match kind.batch_size {
        Some(size) => format!("{}{BATCH_SIZE}{size})", kind.name),
        None => kind.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuples() {
        let found = |text: &str| job(text).map(|(name, gpus)| format!("{name}|{gpus}"));
        assert_eq!(found("('ResNet-18 (batch size 32)', 2)").as_deref(), Some("ResNet-18 (batch size 32)|2"));
        assert_eq!(found(" ( 'A3C' ,1 ) ").as_deref(), Some("A3C|1"));
        assert_eq!(found("(\"it's\", 8)").as_deref(), Some("it's|8"));
        assert_eq!(found(r"('a\'b\\', 8)").as_deref(), Some(r"a'b\|8"));
        assert_eq!(found("ResNet-50 (batch size 64)").as_deref(), Some("ResNet-50 (batch size 64)|1"));
        for text in
            ["", "(", "()", "('A3C')", "('A3C', )", "('A3C', 0)", "('A3C', -1)", "('A3C', 1", "('A3C, 1)", "('', 1)"]
        {
            assert_eq!(found(text), None, "{text}");
        }
        for text in ["('A3C', 99999999999)", "('A3C', 1) x", "('A3C' 1)", "(A3C, 1)", "('A3C\\"] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn models_have_no_blanks_around_them() {
        let kind = job_type(" LM   (batch size 5) ");
        assert_eq!((kind.name.as_str(), kind.batch_size), ("LM", Some(5)));
        assert_eq!(job_type("\u{a0} (batch size 5)").batch_size, None);
    }

    #[test]
    fn kinds_and_names_are_inverse() {
        for (text, model, size) in [
            ("ResNet-18 (batch size 32)", "ResNet-18", Some(32)),
            ("A3C", "A3C", None),
            ("LM (batch size x)", "LM (batch size x)", None),
            ("LM (batch size )", "LM (batch size )", None),
            (" (batch size 1)", "(batch size 1)", None),
        ] {
            let kind = job_type(text);
            assert_eq!((kind.name.as_str(), kind.batch_size), (model, size), "{text}");
            assert_eq!(name(&kind), text.trim());
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[('\"\\\\, 0-9a)é]{0,20}") {
            let _ = job(&text);
            let _ = job_type(&text);
        }
    }
}
