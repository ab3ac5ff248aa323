//! The socket on which shims say that there is something to see.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use super::keeper::Order;
use crate::runs::{Runs, name};

/// Longest path that a hint may hold.
const PATH_BYTES_MAX: usize = 8192;

/// A thread that hands on hints until this is dropped.
pub(super) struct Hints {
    quit: Arc<AtomicBool>,
    /// Keeps [`Self::socket`] valid.
    _state: File,
    socket: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Hints {
    /// Listens in the state directory. The socket is bound through a descriptor: the path of a socket has at most 107 bytes.
    pub(super) fn listen(state: &Path, orders: Sender<Order>) -> io::Result<Self> {
        let folder = File::open(state)?;
        let socket = PathBuf::from(format!("/proc/self/fd/{}/{}", folder.as_raw_fd(), name::SOCKET));
        match fs::remove_file(&socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixDatagram::bind(&socket)?;
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o600))?;
        let quit = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&quit);
        let thread =
            std::thread::Builder::new().name("hints".to_owned()).spawn(move || receive(&listener, &orders, &flag))?;
        Ok(Self { quit, _state: folder, socket, thread: Some(thread) })
    }
}

fn receive(listener: &UnixDatagram, orders: &Sender<Order>, quit: &AtomicBool) {
    let mut buffer = vec![0; PATH_BYTES_MAX];
    while let Ok(length) = listener.recv(&mut buffer) {
        if quit.load(Ordering::Acquire) {
            return;
        }
        let task = std::str::from_utf8(&buffer[..length]).ok().and_then(Runs::task_of);
        if task.is_some_and(|task| orders.send(Order::Look(task)).is_err()) {
            return;
        }
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        self.quit.store(true, Ordering::Release);
        let woken = UnixDatagram::unbound().and_then(|own| own.send_to(b"", &self.socket));
        if let Some(thread) = self.thread.take()
            && woken.is_ok()
        {
            let _ = thread.join();
        }
    }
}
