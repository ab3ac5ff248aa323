//! From the bytes of a file to its text: gzip, byte order mark, UTF-8.

use std::borrow::Cow;
use std::io::{ErrorKind, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::error::TraceError;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Reads a whole file.
pub(crate) fn read_file(path: &str) -> Result<Vec<u8>, TraceError> {
    std::fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => TraceError::new(path, "no such file").with_hint(missing_hint(path)),
        ErrorKind::PermissionDenied => {
            TraceError::new(path, "permission denied").with_hint("make the file readable for your user")
        }
        _ if Path::new(path).is_dir() => TraceError::new(path, "this is a directory").with_hint("name one file in it"),
        _ => TraceError::new(path, format!("not readable: {error}")).with_hint("check the disk and the path"),
    })
}

/// The text of a file, packed with gzip or not.
pub fn read_text(path: &str) -> Result<String, TraceError> {
    let bytes = read_unpacked(path)?;
    text(path, &bytes).map(str::to_owned)
}

/// Reads a whole file and undoes gzip.
pub(crate) fn read_unpacked(path: &str) -> Result<Vec<u8>, TraceError> {
    let packed = read_file(path)?;
    let out = match unpacked(path, &packed)? {
        Cow::Owned(out) => Some(out),
        Cow::Borrowed(_) => None,
    };
    Ok(out.unwrap_or(packed))
}

fn missing_hint(path: &str) -> String {
    let parent = Path::new(path).parent().filter(|parent| !parent.as_os_str().is_empty());
    match parent {
        Some(parent) if !parent.exists() => format!("the directory `{}` does not exist either", parent.display()),
        _ => "check the spelling and the directory you are in".to_owned(),
    }
}

/// Undoes gzip where the bytes are gzip. A file that was cut off is an error, never short data.
pub(crate) fn unpacked<'a>(file: &str, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, TraceError> {
    if !bytes.starts_with(&GZIP_MAGIC) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut out = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut out).map_err(|error| {
        let message = match error.kind() {
            ErrorKind::UnexpectedEof => "the gzip file is cut off".to_owned(),
            _ => format!("the gzip file is damaged: {error}"),
        };
        TraceError::new(file, message).with_hint("copy or download it again, and test it with `gzip -t`")
    })?;
    Ok(Cow::Owned(out))
}

/// The text of a file, without the byte order mark.
pub(crate) fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, TraceError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(TraceError::new(file, "the text is UTF-16, not UTF-8").with_hint("save the file as UTF-8"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or(&[]);
        let line = before.split(|&byte| byte == b'\n').count() as u64;
        TraceError::new(file, "the text is not UTF-8")
            .at_line(line)
            .with_hint("save the file as UTF-8; binary files are read only as Parquet or gzip")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(TraceError::new(file, "the file is empty").with_hint("it needs a header line and rows below it"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_is_undone_and_members_are_joined() {
        let both = [gzip(b"a,b\n"), gzip(b"1,2\n")].concat();
        assert_eq!(unpacked("f", &both).unwrap().as_ref(), b"a,b\n1,2\n");
        assert_eq!(unpacked("f", b"plain").unwrap().as_ref(), b"plain");
    }

    #[test]
    fn every_cut_gzip_is_an_error() {
        let whole = gzip(b"job_id,submit_s,gpus,duration_s\na,0,1,1\n");
        for length in 2..whole.len() {
            let error = unpacked("f.gz", &whole[..length]).unwrap_err();
            assert_eq!(error.to_string(), "f.gz: the gzip file is cut off", "{length}");
            assert_eq!(error.hint(), Some("copy or download it again, and test it with `gzip -t`"));
        }
    }

    #[test]
    fn a_damaged_gzip_is_an_error() {
        let mut bytes = gzip(b"job_id,submit_s,gpus,duration_s\na,0,1,1\n");
        let checksum = bytes.len() - 8;
        bytes[checksum] ^= 1;
        let error = unpacked("f.gz", &bytes).unwrap_err().to_string();
        assert!(error.starts_with("f.gz: the gzip file is damaged: "), "{error}");
    }

    #[test]
    fn text_must_be_utf8() {
        assert_eq!(text("f", b"\xef\xbb\xbfa").unwrap(), "a");
        assert_eq!(text("f", b"a\n\xff").unwrap_err().to_string(), "f:2: the text is not UTF-8");
        assert_eq!(text("f", b"\xff\xfea\0").unwrap_err().to_string(), "f: the text is UTF-16, not UTF-8");
        for empty in [b"".as_slice(), b"\n \r\n", b"\xef\xbb\xbf"] {
            assert_eq!(text("f", empty).unwrap_err().to_string(), "f: the file is empty");
        }
    }

    #[test]
    fn files_that_cannot_be_read() {
        let error = read_file("no/such/file.csv").unwrap_err();
        assert_eq!(error.to_string(), "no/such/file.csv: no such file");
        assert_eq!(error.hint(), Some("the directory `no/such` does not exist either"));
        assert_eq!(read_file("no.csv").unwrap_err().hint(), Some("check the spelling and the directory you are in"));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_str().unwrap();
        assert_eq!(read_file(path).unwrap_err().to_string(), format!("{path}: this is a directory"));
    }
}
