//! `STATE/tokens.json`: read again whenever it changes, so that `trainyard token` works beside a running server. A file that
//! cannot be trusted is an error, never an empty one.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::unistd::{Gid, Uid, User, fchown, geteuid};

use super::scope::sound_tenant;
use super::token::Tokens;
use crate::runs;

/// Name of the file in the state folder.
pub const FILE: &str = "tokens.json";
/// Version of the file.
const SCHEMA: u32 = 1;
/// No file is larger.
const BYTES_MAX: u64 = 16 << 20;
/// Longest wait for another change, in pauses of 10 ms.
const TRIES_MAX: u32 = 500;

/// Why the tokens cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", path.display())]
pub struct TokensError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: &'static str,
}

/// Who owns the file, for the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(pub String);

/// What tells one content of the file from another: a change renames a new file over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    inode: u64,
    size: u64,
    changed_ns: (i64, i64),
    modified_ns: (i64, i64),
}

impl Seen {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.size(),
            changed_ns: (metadata.ctime(), metadata.ctime_nsec()),
            modified_ns: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

type Content = Result<(Arc<Tokens>, Option<Owner>), TokensError>;

/// The file, as it was read last.
#[derive(Debug)]
pub struct TokenFile {
    path: PathBuf,
    last: Mutex<Option<(Option<Seen>, Content)>>,
}

impl TokenFile {
    /// The one in the state folder.
    pub fn of(state: &Path) -> Self {
        Self { path: state.join(FILE), last: Mutex::new(None) }
    }

    /// The tokens as they are now, and who owns the file; no owner: there is no file, and so there are no tokens.
    pub fn current(&self) -> Content {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = fs::symlink_metadata(&self.path).ok().as_ref().map(Seen::of);
        if let Some((then, content)) = &*last
            && *then == seen
        {
            return content.clone();
        }
        let content = read(&self.path);
        *last = Some((seen, content.clone()));
        content
    }
}

/// Changes the tokens of a state folder: reads them, lets `alter` change them, and writes them back, whole or not at all.
pub fn change<T, E: From<TokensError>>(state: &Path, alter: impl FnOnce(&mut Tokens) -> Result<T, E>) -> Result<T, E> {
    let path = state.join(FILE);
    let hint = "name the state folder of the server, and be the user that runs it, or root";
    let failed =
        |source: io::Error| TokensError { path: path.clone(), message: format!("cannot be written: {source}"), hint };
    let _lock = lock(state).map_err(failed)?;
    let (tokens, _) = read(&path)?;
    let mut tokens = Tokens { schema: SCHEMA, tokens: tokens.tokens.clone() };
    let done = alter(&mut tokens)?;
    write(state, &tokens).map_err(failed)?;
    Ok(done)
}

/// Seconds since 1970.
pub fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Locks the folder itself: a file for it would belong to whoever came first.
fn lock(state: &Path) -> io::Result<Flock<File>> {
    let mut folder = File::open(state)?;
    for _ in 0..TRIES_MAX {
        match Flock::lock(folder, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((unlocked, Errno::EWOULDBLOCK)) => folder = unlocked,
            Err((_, errno)) => return Err(errno.into()),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(io::Error::new(io::ErrorKind::WouldBlock, "another process is changing it"))
}

fn read(path: &Path) -> Content {
    let wrong = |message: String, hint| TokensError { path: path.to_owned(), message, hint };
    let replace = "restore it from a copy, or remove it and create the tokens again: the old ones are void then";
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((Arc::new(Tokens { schema: SCHEMA, tokens: Vec::new() }), None));
        }
        Err(error) => {
            return Err(wrong(format!("cannot be read: {error}"), "be the user that runs the server, or root"));
        }
    };
    let metadata = file.metadata().map_err(|error| wrong(format!("cannot be read: {error}"), replace))?;
    trusted(path, &metadata)
        .map_err(|message| wrong(message, "make it a plain file of the server's user, with mode 0600"))?;
    let mut text = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut text).map_err(|error| wrong(format!("cannot be read: {error}"), replace))?;
    let tokens: Tokens =
        serde_json::from_slice(&text).map_err(|error| wrong(format!("is damaged: {error}"), replace))?;
    check(&tokens).map_err(|message| wrong(format!("is damaged: {message}"), replace))?;
    let uid = metadata.uid();
    let name = User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name);
    Ok((Arc::new(tokens), Some(Owner(name.unwrap_or_else(|| format!("uid-{uid}"))))))
}

/// Whoever else could write the file could make himself an admin. Root also looks into the folders of others.
fn trusted(path: &Path, metadata: &Metadata) -> Result<(), String> {
    if !metadata.is_file() {
        return Err("is not a plain file".to_owned());
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(format!("others may read or change it: its mode is {:03o}", metadata.mode() & 0o777));
    }
    let own = geteuid();
    let folder = path.parent().and_then(|folder| fs::metadata(folder).ok()).map(|folder| folder.uid());
    if metadata.uid() != own.as_raw() && !(own.is_root() && folder == Some(metadata.uid())) {
        return Err(format!("belongs to user {}, not to {own}", metadata.uid()));
    }
    Ok(())
}

fn check(tokens: &Tokens) -> Result<(), String> {
    if tokens.schema != SCHEMA {
        return Err(format!("its version is {}, this program knows {SCHEMA}", tokens.schema));
    }
    for (at, token) in tokens.tokens.iter().enumerate() {
        if !token.digest.is_sound() {
            return Err(format!("token {}: the digest is none", at + 1));
        }
        if token.id.is_empty() || !sound_tenant(&token.tenant) {
            return Err(format!("token {}: it has no id, or `{}` is no path of tenants", at + 1, token.tenant));
        }
        let twice = |other: &super::Token| other.id == token.id || other.digest == token.digest;
        if tokens.tokens[..at].iter().any(twice) {
            return Err(format!("token {}: an earlier one has its id or its digest", at + 1));
        }
    }
    Ok(())
}

/// Under a temporary name, synced, owned by whom the folder belongs to, and only then in place.
fn write(state: &Path, tokens: &Tokens) -> io::Result<()> {
    let temporary = state.join(format!(".{FILE}.{}", std::process::id()));
    let written = write_new(&temporary, state, tokens).and_then(|()| fs::rename(&temporary, state.join(FILE)));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    runs::sync_folder(state)
}

fn write_new(temporary: &Path, state: &Path, tokens: &Tokens) -> io::Result<()> {
    // What a killed process of our number left.
    match fs::remove_file(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut text = serde_json::to_vec_pretty(tokens)?;
    text.push(b'\n');
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(temporary)?;
    file.write_all(&text)?;
    let folder = fs::metadata(state)?;
    if geteuid().is_root() && !Uid::from_raw(folder.uid()).is_root() {
        fchown(file.as_fd(), Some(Uid::from_raw(folder.uid())), Some(Gid::from_raw(folder.gid())))?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::access::{Role, Secret, Token};

    fn add(state: &Path, id: &str) -> Secret {
        let secret = Secret::random().unwrap();
        let token = Token {
            id: id.to_owned(),
            name: "ada".to_owned(),
            tenant: "a".to_owned(),
            role: Role::Viewer,
            digest: secret.digest(),
            created_s: 1,
            expires_s: None,
            revoked_s: None,
        };
        change::<_, TokensError>(state, |tokens| {
            tokens.tokens.push(token);
            Ok(())
        })
        .unwrap();
        secret
    }

    #[test]
    fn changes_are_seen_at_once_and_only_the_owner_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::of(folder.path());
        assert_eq!(file.current().unwrap(), (Arc::new(Tokens { schema: 1, tokens: Vec::new() }), None));
        for count in 1..20 {
            let secret = add(folder.path(), &count.to_string());
            let (tokens, owner) = file.current().unwrap();
            assert_eq!((tokens.tokens.len(), owner.is_some()), (count, true));
            assert!(tokens.find(&secret, 2).is_ok());
        }
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn what_cannot_be_trusted_is_refused_and_not_taken_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        add(folder.path(), "x");
        let sound = fs::read_to_string(&path).unwrap();
        let file = TokenFile::of(folder.path());
        let changes: [(&str, String); 6] = [
            ("damaged", String::new()),
            ("damaged", sound[..sound.len() / 2].to_owned()),
            ("digest", sound.replace("\"digest\": \"", "\"digest\": \"zz")),
            ("unknown field `rolle`", sound.replace("\"role\"", "\"rolle\"")),
            ("version", sound.replace("\"schema\": 1", "\"schema\": 2")),
            ("no path of tenants", sound.replace("\"a\"", "\"a//b\"")),
        ];
        for (word, text) in changes {
            fs::write(&path, text).unwrap();
            let error = file.current().unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
            // Nothing is written over it.
            assert!(change::<_, TokensError>(folder.path(), |_| Ok(())).is_err());
        }
        fs::write(&path, &sound).unwrap();
        assert!(file.current().is_ok());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(file.current().unwrap_err().to_string().contains("its mode is 640"));
        fs::rename(&path, folder.path().join("elsewhere")).unwrap();
        symlink(folder.path().join("elsewhere"), &path).unwrap();
        assert!(file.current().is_err());
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(file.current().unwrap_err().to_string().contains("not a plain file"));
    }

    #[test]
    fn changes_at_the_same_time_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for at in 0..8 {
                let folder = folder.path();
                // The temporary name has the number of the process: the lock keeps threads apart, too.
                scope.spawn(move || add(folder, &format!("t{at}")));
            }
        });
        assert_eq!(TokenFile::of(folder.path()).current().unwrap().0.tokens.len(), 8);
    }
}
