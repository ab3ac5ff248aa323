//! A client that costs little: HTTP/1.1 over a unix socket, one request at a time.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// A connection.
pub(crate) struct Client(BufReader<UnixStream>);

impl Client {
    pub(crate) fn connect(socket: &Path) -> Self {
        Self(BufReader::new(UnixStream::connect(socket).unwrap()))
    }

    /// Asks, and gives status and body.
    pub(crate) fn call(&mut self, method: &str, target: &str, body: &str) -> (u16, Vec<u8>) {
        let length = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().unwrap();
            } else if let Some(rest) = line.strip_prefix("content-length: ") {
                length = rest.parse().unwrap();
            }
        }
        let mut answer = vec![0; length];
        self.0.read_exact(&mut answer).unwrap();
        (status, answer)
    }

    pub(crate) fn submit(&mut self, job: &str) {
        let (status, answer) = self.call("POST", "/v1/jobs", job);
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&answer));
    }

    /// Jobs that have not ended, of one page.
    pub(crate) fn open(&mut self, filter: &str) -> usize {
        let (status, answer) = self.call("GET", &format!("/v1/jobs{filter}"), "");
        assert_eq!(status, 200);
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        answer["jobs"].as_array().unwrap().len()
    }
}

/// A job file: so many GPUs, this command, one of a hundred tenants.
pub(crate) fn job(number: u32, gpus: u32, command: &str) -> String {
    let (tenant, words) = (number % 100, command.replace(' ', "\",\""));
    format!("{{\"command\":[\"{words}\"],\"gpus\":{gpus},\"tenant\":\"org/t{tenant}\",\"estimate\":\"90m\"}}")
}
