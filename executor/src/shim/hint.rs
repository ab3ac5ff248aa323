//! Hints to the server: "look at this task". What it finds is on disk; a lost hint costs only time.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

/// Where the socket is, seen from the folder of a task: a path that is short wherever the state directory is.
const SOCKET: &str = "../../../shims.sock";

/// Sends the path of the task. When nobody listens, or too many hints wait, it is dropped.
pub(super) fn send(folder: &Path) {
    let Ok(socket) = UnixDatagram::unbound() else { return };
    if socket.set_nonblocking(true).is_ok() {
        let _ = socket.send_to(folder.as_os_str().as_bytes(), SOCKET);
    }
}
