//! A disk in memory that fails on demand and forgets what was not synced.
//!
//! It is harsher than most: content, names and the order between them are promised only by the sync that is for them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use executor::store::Disk;

/// A handle; clones see the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimDisk(Arc<Mutex<Sim>>);

/// What happens at the chosen operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It fails with this error after doing a part of it; later ones work.
    Error(io::ErrorKind),
    /// The process dies in the middle of it.
    Death,
}

/// What survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    /// The process was killed: all that it wrote.
    Process,
    /// The power failed: what was synced, and any part of the rest.
    Power,
}

#[derive(Debug, Default)]
struct Sim {
    files: Vec<Content>,
    names: BTreeMap<PathBuf, usize>,
    folders: Vec<PathBuf>,
    synced_names: BTreeMap<PathBuf, usize>,
    /// Changes of names that are not synced: the folder, and all names in it afterwards.
    unsynced: Vec<(PathBuf, Vec<(PathBuf, usize)>)>,
    operations: usize,
    failure: Option<(usize, Failure)>,
    dead: bool,
    random: u64,
}

#[derive(Clone, Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    /// A sync failed: the pages count as clean and are never written, until they are cut off.
    forgotten: bool,
}

impl SimDisk {
    /// Lets the operation after `operations` more fail.
    pub(crate) fn fail(&self, operations: usize, failure: Failure, seed: u64) {
        let mut sim = self.lock();
        sim.random = seed;
        sim.failure = Some((sim.operations + operations, failure));
    }

    /// Operations that change something, so far.
    pub(crate) fn operations(&self) -> usize {
        self.lock().operations
    }

    /// Whether the chosen operation was reached and the process died there.
    pub(crate) fn is_dead(&self) -> bool {
        self.lock().dead
    }

    /// Nothing fails any more.
    pub(crate) fn heal(&self) {
        self.lock().failure = None;
    }

    /// The disk as the next process finds it.
    pub(crate) fn restart(&self, crash: Crash, seed: u64) {
        let mut sim = self.lock();
        sim.random = seed;
        sim.dead = false;
        if crash == Crash::Power {
            sim.lose_names();
            sim.lose_content();
        }
    }

    pub(crate) fn content(&self, path: &Path) -> Vec<u8> {
        let sim = self.lock();
        sim.files[sim.names[path]].bytes.clone()
    }

    pub(crate) fn set_content(&self, path: &Path, bytes: Vec<u8>) {
        let mut sim = self.lock();
        let file = sim.names[path];
        sim.files[file] = Content { synced: bytes.clone(), bytes, forgotten: false };
    }

    fn lock(&self) -> MutexGuard<'_, Sim> {
        self.0.lock().unwrap()
    }
}

impl Sim {
    fn draw(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ self.random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed ^ mixed >> 31) % (bound as u64 + 1)) as usize
    }

    /// Whether this operation works; otherwise what it says, and whether it has its effect all the same.
    fn next_operation(&mut self) -> Result<(), (io::Error, bool)> {
        if self.dead {
            return Err((io::Error::other("the process is dead"), false));
        }
        self.operations += 1;
        match self.failure {
            Some((at, failure)) if at + 1 == self.operations => {
                self.failure = None;
                let effect = self.draw(1) == 1;
                match failure {
                    Failure::Error(kind) => Err((kind.into(), effect)),
                    Failure::Death => {
                        self.dead = true;
                        Err((io::Error::other("the process is dead"), effect))
                    }
                }
            }
            _ => Ok(()),
        }
    }

    fn named(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn changed(&mut self, path: &Path) {
        let folder = path.parent().unwrap().to_owned();
        let names = self.in_folder(&folder);
        self.unsynced.push((folder, names));
    }

    fn in_folder(&self, folder: &Path) -> Vec<(PathBuf, usize)> {
        let inside = self.names.iter().filter(|(path, _)| path.parent() == Some(folder));
        inside.map(|(path, file)| (path.clone(), *file)).collect()
    }

    /// Each folder is as it was after its last sync or after one of the changes since.
    fn lose_names(&mut self) {
        let mut names = self.synced_names.clone();
        for folder in self.folders.clone() {
            let changes: Vec<_> = self.unsynced.iter().filter(|(of, _)| *of == folder).cloned().collect();
            let kept = self.draw(changes.len());
            if kept > 0 {
                names.retain(|path, _| path.parent() != Some(&folder));
                names.extend(changes[kept - 1].1.iter().cloned());
            }
        }
        self.unsynced.clear();
        self.synced_names.clone_from(&names);
        self.names = names;
    }

    /// Each file has what was synced and a part of the rest: cut off, or with zeros from a sector on where the length came
    /// first. Fewer than 16 zeros are refused as damage, so they do not occur here.
    fn lose_content(&mut self) {
        for at in 0..self.files.len() {
            let Content { bytes, synced, .. } = self.files[at].clone();
            let kept = match bytes.strip_prefix(synced.as_slice()) {
                Some(rest) => {
                    let mut kept = synced.clone();
                    kept.extend(&rest[..self.draw(rest.len())]);
                    let sector = kept.len() / 512 * 512;
                    if self.draw(1) == 0 && sector >= synced.len() && sector + 16 <= bytes.len() {
                        kept.truncate(sector);
                        kept.resize(sector + 16 + self.draw(bytes.len() - sector - 16), 0);
                    }
                    kept
                }
                None if self.draw(1) == 0 => synced,
                None => bytes,
            };
            self.files[at] = Content { synced: kept.clone(), bytes: kept, forgotten: false };
        }
    }
}

impl Disk for SimDisk {
    type File = usize;

    fn make_folder(&self, path: &Path) -> io::Result<bool> {
        let mut sim = self.lock();
        if sim.folders.iter().any(|folder| folder == path) {
            return Ok(false);
        }
        sim.next_operation().map_err(|(error, _)| error)?;
        // Folders stay: that of a new store is lost at worst together with all that is in it.
        sim.folders.push(path.to_owned());
        Ok(true)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let names = self.lock().in_folder(folder);
        Ok(names.iter().map(|(path, _)| path.file_name().unwrap().to_str().unwrap().to_owned()).collect())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let sim = self.lock();
        Ok(sim.files[sim.named(path)?].bytes.clone())
    }

    fn create(&self, path: &Path) -> io::Result<usize> {
        let mut sim = self.lock();
        let result = sim.next_operation();
        if matches!(result, Ok(()) | Err((_, true))) {
            sim.files.push(Content::default());
            let file = sim.files.len() - 1;
            sim.names.insert(path.to_owned(), file);
            sim.changed(path);
        }
        result.map(|()| sim.files.len() - 1).map_err(|(error, _)| error)
    }

    fn append(&self, file: &mut usize, bytes: &[u8]) -> io::Result<()> {
        let mut sim = self.lock();
        let result = sim.next_operation();
        let written = match &result {
            Ok(()) => bytes.len(),
            Err((_, true)) => sim.draw(bytes.len()),
            Err((_, false)) => 0,
        };
        sim.files[*file].bytes.extend(&bytes[..written]);
        result.map_err(|(error, _)| error)
    }

    fn cut(&self, file: &mut usize, length: u64) -> io::Result<()> {
        let mut sim = self.lock();
        sim.next_operation().map_err(|(error, _)| error)?;
        sim.files[*file].bytes.truncate(length as usize);
        sim.files[*file].forgotten = false;
        Ok(())
    }

    fn sync(&self, file: &mut usize) -> io::Result<()> {
        let mut sim = self.lock();
        let result = sim.next_operation();
        let has_failed = result.is_err() && !sim.dead;
        let content = &mut sim.files[*file];
        if matches!(result, Ok(()) | Err((_, true))) && !content.forgotten {
            content.synced.clone_from(&content.bytes);
        }
        content.forgotten |= has_failed;
        result.map_err(|(error, _)| error)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut sim = self.lock();
        let result = sim.next_operation();
        if matches!(result, Ok(()) | Err((_, true))) {
            let file = sim.named(from)?;
            sim.names.remove(from);
            sim.names.insert(to.to_owned(), file);
            sim.changed(to);
        }
        result.map_err(|(error, _)| error)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut sim = self.lock();
        sim.next_operation().map_err(|(error, _)| error)?;
        sim.named(path)?;
        sim.names.remove(path);
        sim.changed(path);
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut sim = self.lock();
        let result = sim.next_operation();
        if matches!(result, Ok(()) | Err((_, true))) {
            let names = sim.in_folder(folder);
            sim.synced_names.retain(|path, _| path.parent() != Some(folder));
            sim.synced_names.extend(names);
            sim.unsynced.retain(|(of, _)| of != folder);
        }
        result.map_err(|(error, _)| error)
    }
}
