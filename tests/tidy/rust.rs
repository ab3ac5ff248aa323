//! Rust source, read just well enough: comments and literals blanked, tests cut out, functions found.

use std::iter::Peekable;
use std::ops::Range;
use std::vec::IntoIter;

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: String,
    /// Line of the word `fn`, from 1.
    pub(crate) line: usize,
    /// Lines from the word `fn` to the closing brace, both included.
    pub(crate) lines: usize,
}

/// `text` with every comment and every content of a literal replaced by blanks. Lines and columns stay.
pub(crate) fn bare(text: &str) -> String {
    let mut chars = text.chars().collect::<Vec<_>>().into_iter().peekable();
    let mut out = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        match c {
            '/' if chars.peek() == Some(&'/') => blank_line_comment(&mut chars, &mut out),
            '/' if chars.peek() == Some(&'*') => blank_block_comment(&mut chars, &mut out),
            '"' => blank_string(&mut chars, &mut out),
            '\'' => blank_char(&mut chars, &mut out),
            c if is_word(c) => copy_word(c, &mut chars, &mut out),
            c => out.push(c),
        }
    }
    out
}

type Chars = Peekable<IntoIter<char>>;

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn blank(c: char) -> char {
    if c == '\n' { '\n' } else { ' ' }
}

fn blank_line_comment(chars: &mut Chars, out: &mut String) {
    out.push(' ');
    while let Some(c) = chars.next_if(|c| *c != '\n') {
        out.push(blank(c));
    }
}

/// Block comments nest. The first `/` is already taken.
fn blank_block_comment(chars: &mut Chars, out: &mut String) {
    out.push(' ');
    let (mut depth, mut previous) = (0, '/');
    for c in chars.by_ref() {
        out.push(blank(c));
        let pair = (previous, c);
        previous = c;
        match pair {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return;
        }
        previous = ' '; // `/*/` opens and does not close
    }
}

/// The opening quote is already taken.
fn blank_string(chars: &mut Chars, out: &mut String) {
    out.push('"');
    while let Some(c) = chars.next() {
        match c {
            '"' => return out.push('"'),
            '\\' => {
                out.push(' ');
                out.extend(chars.next().map(blank));
            }
            c => out.push(blank(c)),
        }
    }
}

/// A character, or the quote of a lifetime or label. The quote is already taken.
fn blank_char(chars: &mut Chars, out: &mut String) {
    out.push('\'');
    let mut ahead = chars.clone();
    let (first, second) = (ahead.next(), ahead.next());
    if first != Some('\\') && second != Some('\'') {
        return;
    }
    if let Some(c) = chars.next() {
        out.push(blank(c));
        if c == '\\' {
            out.extend(chars.next().map(blank));
        }
    }
    for c in chars.by_ref() {
        if c == '\'' {
            return out.push('\'');
        }
        out.push(blank(c));
    }
}

/// Copies a word; blanks what follows if it is the prefix of a raw string.
fn copy_word(first: char, chars: &mut Chars, out: &mut String) {
    let mut word = String::from(first);
    while let Some(c) = chars.next_if(|c| is_word(*c)) {
        word.push(c);
    }
    out.push_str(&word);
    if !matches!(word.as_str(), "r" | "br" | "cr") {
        return;
    }
    let hashes = chars.clone().take_while(|c| *c == '#').count();
    if chars.clone().nth(hashes) == Some('"') {
        blank_raw_string(hashes, chars, out);
    }
}

fn blank_raw_string(hashes: usize, chars: &mut Chars, out: &mut String) {
    for c in chars.by_ref().take(hashes + 1) {
        out.push(c);
    }
    while let Some(c) = chars.next() {
        if c != '"' || chars.clone().take_while(|c| *c == '#').count() < hashes {
            out.push(blank(c));
            continue;
        }
        out.push('"');
        out.extend(chars.by_ref().take(hashes));
        return;
    }
}

/// Line, from 1, of the byte `at`.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).map(|byte| usize::from(byte == b'\n')).sum::<usize>() + 1
}

/// Places of `word` in `code` where it stands alone, not inside a longer name.
pub(crate) fn places_of<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = code[..*at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        let starts = !word.starts_with(is_word) || !before.is_some_and(is_word);
        let ends = !word.ends_with(is_word) || !after.is_some_and(is_word);
        starts && ends
    })
}

/// All functions of bare code that have a body, nested ones too.
pub(crate) fn functions(code: &str) -> Vec<Function> {
    places_of(code, "fn").filter_map(|at| function_at(code, at)).collect()
}

fn function_at(code: &str, at: usize) -> Option<Function> {
    let head = code[at + 2..].trim_start();
    let name: String = head.chars().take_while(|c| is_word(*c) || *c == '#').collect();
    if name.is_empty() {
        return None; // a pointer type such as `fn(u8)`
    }
    let signature = code.len() - head.len() + name.len();
    let body = body_after(code, signature)?;
    let line = line_of(code, at);
    Some(Function { name, line, lines: line_of(code, body.end - 1) - line + 1 })
}

/// The block, with its braces, that follows a signature from `from` on; `None` where a `;` ends it.
fn body_after(code: &str, from: usize) -> Option<Range<usize>> {
    let bytes = code.as_bytes();
    let (mut round, mut angle, mut at) = (0i32, 0i32, from);
    while at < bytes.len() {
        match bytes[at] {
            b'-' if bytes.get(at + 1) == Some(&b'>') => at += 1,
            b'(' | b'[' => round += 1,
            b')' | b']' => round -= 1,
            b'<' => angle += 1,
            b'>' => angle -= 1,
            b'{' if round > 0 || angle > 0 => at = block_end(code, at)? - 1, // a constant in a type
            b'{' => return Some(at..block_end(code, at)?),
            b';' if round == 0 => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// The byte after the brace that closes the one at `open`.
fn block_end(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

const TEST_ONLY: &str = "#[cfg(test)]";

/// Bare code with everything under `#[cfg(test)]` blanked.
pub(crate) fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    let places: Vec<usize> = code.match_indices(TEST_ONLY).map(|(at, _)| at).collect();
    for at in places {
        let from = at + TEST_ONLY.len();
        let end = match code[from..].find(['{', ';']).map(|offset| from + offset) {
            Some(open) if code.as_bytes()[open] == b'{' => block_end(code, open).unwrap_or(code.len()),
            Some(semicolon) => semicolon + 1,
            None => code.len(),
        };
        let blanked: String = code[at..end].bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect();
        out.replace_range(at..end, &blanked);
    }
    out
}

/// Names of the modules that are declared `#[cfg(test)] mod name;`: their files hold tests only.
pub(crate) fn test_modules(code: &str) -> Vec<String> {
    let items = code.match_indices(TEST_ONLY).map(|(at, _)| code[at + TEST_ONLY.len()..].trim_start());
    let names = items.filter_map(|item| item.strip_prefix("mod ")?.split_once(['{', ';']));
    names.map(|(name, _)| name.trim().to_owned()).collect()
}

#[cfg(test)]
#[path = "rust_tests.rs"]
mod tests;
