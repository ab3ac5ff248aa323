//! The trampoline: waits until its start is on disk, then becomes the program.

use std::ffi::CString;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{User, geteuid, getppid, initgroups, setgid, setuid};

use super::here;
use crate::runs::record::Spec;
use crate::runs::{name, read_json};

/// Search path of a program whose job names none.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Exit code of a trampoline that did not become a program. The reason goes through the link.
const NOT_EXECUTED: u8 = 127;

/// Waits for a byte on stdin, then becomes the program. Returns only if it could not.
pub(super) fn main(saved_fd: i32, shim: i32) -> ExitCode {
    let Ok(link) = io::stdin().as_fd().try_clone_to_owned() else { return ExitCode::from(NOT_EXECUTED) };
    let mut link = UnixStream::from(link);
    if link.read_exact(&mut [0]).is_err() {
        // The shim is gone, or thought better of it.
        return ExitCode::from(NOT_EXECUTED);
    }
    let refusal = become_program(saved_fd, shim);
    let _ = link.write_all(refusal.as_bytes());
    ExitCode::from(NOT_EXECUTED)
}

/// Returns the reason why it did not.
fn become_program(saved_fd: i32, shim: i32) -> String {
    let spec = match read_json::<Spec>(here(), name::SPEC) {
        Ok(Some(spec)) => spec,
        Ok(None) => return "its spec.json is gone".to_owned(),
        Err(error) => return error.to_string(),
    };
    let Some((program, arguments)) = spec.command.split_first() else { return "the command is empty".to_owned() };
    let user = match settle(&spec, shim) {
        Ok(user) => user,
        Err(refusal) => return refusal,
    };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(of_user(user.as_ref())).envs(&spec.env).stdin(Stdio::null());
    command.env("TRAINYARD_SAVED_FD", saved_fd.to_string());
    if let Err(errno) = SigSet::empty().thread_set_mask() {
        return format!("cannot unblock signals: {errno}");
    }
    let error = command.exec();
    format!("cannot execute `{program}`: {error}")
}

/// User, limits and folder of the program. All that needs privileges comes before they are dropped.
fn settle(spec: &Spec, shim: i32) -> Result<Option<User>, String> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(|errno| format!("cannot forbid core dumps: {errno}"))?;
    umask(Mode::from_bits_truncate(0o022));
    let user = match &spec.user {
        Some(name) => Some(switch(name)?),
        None => User::from_uid(geteuid()).ok().flatten(),
    };
    // Only now: a change of user clears it. And the shim may have died before.
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(|errno| format!("cannot be tied to the shim: {errno}"))?;
    if getppid().as_raw() != shim {
        return Err("the shim is gone".to_owned());
    }
    let home = user.as_ref().map(|user| user.dir.clone()).filter(|home| home.is_dir());
    let folder = spec.workdir.clone().or(home).unwrap_or_else(|| PathBuf::from("/"));
    std::env::set_current_dir(&folder).map_err(|error| format!("cannot enter `{}`: {error}", folder.display()))?;
    Ok(user)
}

/// Becomes another user, with all groups of that user and no way back.
fn switch(name: &str) -> Result<User, String> {
    let user = User::from_name(name).map_err(|errno| format!("cannot look up user `{name}`: {errno}"))?;
    let user = user.ok_or_else(|| format!("there is no user `{name}` on this machine"))?;
    if user.uid == geteuid() && !geteuid().is_root() {
        return Ok(user);
    }
    let cannot = |errno| format!("cannot become user `{name}`: {errno}");
    let c_name = CString::new(name).map_err(|_| format!("`{name}` is no name of a user"))?;
    initgroups(&c_name, user.gid).map_err(cannot)?;
    setgid(user.gid).map_err(cannot)?;
    setuid(user.uid).map_err(cannot)?;
    Ok(user)
}

/// What a login would set; a job may replace it.
fn of_user(user: Option<&User>) -> Vec<(&'static str, String)> {
    let mut env = vec![("PATH", PATH.to_owned())];
    if let Some(user) = user {
        env.push(("HOME", user.dir.display().to_string()));
        env.push(("SHELL", user.shell.display().to_string()));
        env.push(("USER", user.name.clone()));
        env.push(("LOGNAME", user.name.clone()));
    }
    env
}
