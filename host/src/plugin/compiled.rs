//! Compiled code, kept from one start to the next.
//!
//! Compiled code is machine code: whoever can write it owns the host. So it is never taken from the
//! plugins folder, its own folder is closed to others, and every entry carries a keyed digest
//! (HMAC-SHA256, RFC 2104) over its name and content that is checked before wasmtime sees it. An
//! entry's name depends on the component and on everything about wasmtime and this machine that the
//! code depends on, so what doesn't fit is simply not found.
#![allow(unsafe_code)]

use std::fs;
use std::hash::Hash as _;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::digest::Digest;

/// Bytes of the key and of the keyed digest.
const SEAL: usize = 32;

/// A folder of compiled code.
#[derive(Debug)]
pub struct CompiledCode {
    /// Where it is; none where the folder cannot be trusted.
    folder: Option<(PathBuf, [u8; SEAL])>,
}

impl CompiledCode {
    /// Opens the folder, or makes it. A folder that cannot be used or trusted is reported and not
    /// used: plugins are then compiled at every start.
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        match prepare(folder) {
            Ok(key) => Self { folder: Some((folder.to_owned(), key)) },
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "compiled plugins are not kept");
                Self { folder: None }
            }
        }
    }

    /// Keeps nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { folder: None }
    }

    /// The component in `wasm`, compiled now or before.
    ///
    /// # Errors
    /// `wasm` is no valid component.
    pub(super) fn component(&self, engine: &Engine, wasm: &[u8]) -> wasmtime::Result<Component> {
        let name = entry_name(engine, wasm);
        if let Some(component) = self.load(engine, &name) {
            return Ok(component);
        }
        let component = Component::from_binary(engine, wasm)?;
        if let Err(error) = self.save(&name, &component) {
            tracing::warn!(%error, "a compiled plugin could not be kept");
        }
        Ok(component)
    }

    fn load(&self, engine: &Engine, name: &str) -> Option<Component> {
        let (folder, key) = self.folder.as_ref()?;
        let entry = fs::read(folder.join(name)).ok()?;
        let (seal, code) = entry.split_at_checked(SEAL)?;
        if keyed(key, name, code).verify_slice(seal).is_err() {
            tracing::warn!(entry = name, "a compiled plugin was not written by this server and is not used");
            return None;
        }
        // SAFETY: `deserialize` must be given what `Component::serialize` made. The seal was made with
        // a key that only this server has read, over bytes that `save` took from `serialize`, and the
        // name under which they were sealed binds them to this wasmtime, configuration and machine.
        match unsafe { Component::deserialize(engine, code) } {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(entry = name, %error, "a compiled plugin could not be used again");
                None
            }
        }
    }

    fn save(&self, name: &str, component: &Component) -> io::Result<()> {
        let Some((folder, key)) = &self.folder else { return Ok(()) };
        let code = component.serialize().map_err(io::Error::other)?;
        let seal = keyed(key, name, &code).finalize().into_bytes();
        // Several servers may share the folder: the rename decides, and all write the same.
        let temporary = folder.join(format!("{name}.{}", uuid::Uuid::new_v4().simple()));
        let written = write_private(&temporary, &[&seal, &code])
            .and_then(|()| fs::rename(&temporary, folder.join(name)));
        written.inspect_err(|_| drop(fs::remove_file(&temporary)))
    }
}

fn entry_name(engine: &Engine, wasm: &[u8]) -> String {
    let mut hasher = CollectBytes::default();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let environment = Digest::of(&hasher.0);
    Digest::of(&[Digest::of(wasm).as_bytes().as_slice(), environment.as_bytes()].concat()).to_string()
}

/// Takes what `Hash` feeds it as bytes, so that a real digest can be made of them: the standard
/// hashers give 64 bits and promise nothing from one release to the next.
#[derive(Default)]
struct CollectBytes(Vec<u8>);

impl std::hash::Hasher for CollectBytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

fn keyed(key: &[u8; SEAL], name: &str, code: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(name.as_bytes());
    mac.update(code);
    mac
}

fn prepare(folder: &Path) -> io::Result<[u8; SEAL]> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let meta = fs::metadata(folder)?;
    if meta.uid() != rustix::process::geteuid().as_raw() || meta.mode() & 0o022 != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the folder belongs to, or can be written by, somebody else; it must be this user's with mode 0700",
        ));
    }
    let path = folder.join("key");
    loop {
        match fs::read(&path) {
            Ok(key) => match key.try_into() {
                Ok(key) => return Ok(key),
                // A crash while it was written: nothing is sealed with it.
                Err(_) => fs::remove_file(&path)?,
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut key = [0; SEAL];
                getrandom::fill(&mut key).map_err(io::Error::other)?;
                let temporary = folder.join(format!("key.{}", uuid::Uuid::new_v4().simple()));
                write_private(&temporary, &[&key])?;
                // A link, unlike a rename, doesn't replace the key of a server that was faster.
                let linked = fs::hard_link(&temporary, &path);
                fs::remove_file(&temporary)?;
                match linked {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                    _ => {}
                }
            }
            Err(error) => return Err(error),
        }
    }
}

fn write_private(path: &Path, pieces: &[&[u8]]) -> io::Result<()> {
    let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(path)?;
    pieces.iter().try_for_each(|piece| io::Write::write_all(&mut file, piece))?;
    // A power cut could leave a file of zeroes: as a key that would be one that everybody knows.
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn empty_component() -> Vec<u8> {
        wat::parse_str("(component)").unwrap()
    }

    fn entries(folder: &Path) -> Vec<PathBuf> {
        let is_entry = |path: &PathBuf| path.file_name().is_some_and(|name| name != "key");
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(is_entry).collect()
    }

    #[test]
    fn an_entry_is_made_once_and_used_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("compiled");
        let (engine, wasm) = (Engine::default(), empty_component());
        CompiledCode::open(&folder).component(&engine, &wasm).unwrap();
        let reopened = CompiledCode::open(&folder);
        assert!(reopened.load(&engine, &entry_name(&engine, &wasm)).is_some());
        assert_eq!(entries(&folder).len(), 1);
    }

    #[test]
    fn a_tampered_entry_is_refused_and_compiled_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("compiled");
        let (engine, wasm) = (Engine::default(), empty_component());
        let code = CompiledCode::open(&folder);
        code.component(&engine, &wasm).unwrap();
        let path = entries(&folder).remove(0);
        let good = fs::read(&path).unwrap();
        for at in [0, SEAL, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            assert!(code.load(&engine, &entry_name(&engine, &wasm)).is_none(), "byte {at}");
        }
        code.component(&engine, &wasm).unwrap();
        assert_eq!(fs::read(&path).unwrap().len(), good.len());
        assert!(code.load(&engine, &entry_name(&engine, &wasm)).is_some());
    }

    #[test]
    fn an_entry_under_another_name_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("compiled");
        let (engine, wasm) = (Engine::default(), empty_component());
        let code = CompiledCode::open(&folder);
        code.component(&engine, &wasm).unwrap();
        let mut other = wasmtime::Config::new();
        other.epoch_interruption(true);
        let other = Engine::new(&other).unwrap();
        assert_ne!(
            entry_name(&engine, &wasm),
            entry_name(&other, &wasm),
            "code depends on the configuration"
        );
        fs::copy(entries(&folder).remove(0), folder.join(entry_name(&other, &wasm))).unwrap();
        assert!(code.load(&other, &entry_name(&other, &wasm)).is_none());
    }

    #[test]
    fn a_folder_that_others_can_write_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let code = CompiledCode::open(dir.path());
        code.component(&Engine::default(), &empty_component()).unwrap();
        assert!(entries(dir.path()).is_empty());
    }
}
