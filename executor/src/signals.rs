//! Signals that may tell a job to save and stop.

use nix::sys::signal::Signal;

/// The signal of a name such as `TERM` or `SIGUSR1`.
pub fn number(name: &str) -> Option<Signal> {
    Some(match name.strip_prefix("SIG").unwrap_or(name) {
        "TERM" => Signal::SIGTERM,
        "INT" => Signal::SIGINT,
        "USR1" => Signal::SIGUSR1,
        "USR2" => Signal::SIGUSR2,
        "HUP" => Signal::SIGHUP,
        "QUIT" => Signal::SIGQUIT,
        _ => return None,
    })
}
