//! Which files and folders a server needs once it has begun to work. What is read only once, such as the
//! certificate authorities, is read before and isn't here.

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::store::postgres;

/// What glibc asks for a name: its own settings in `/etc`, the modules that these name, and where other
/// programs keep the name servers. Files in `/etc` are replaced by renaming, and a rule on a file holds
/// for that one file: only the folder outlives it.
const TO_RESOLVE: &[&str] = &[
    "/etc",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager",
];

/// Certificate authorities, which a connection to a database may need whenever it is made again.
const TO_TRUST: &[&str] = &[
    "/etc/ssl",
    "/etc/pki",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/usr/share/pki",
];

/// Variables that name files with credentials of object stores, which are read again when they change.
const TOKENS: &[&str] = &[
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "AZURE_FEDERATED_TOKEN_FILE",
];

/// The process itself, how many processors there are (the allocator asks), and how many and how much memory
/// its group may have.
const OF_THE_SYSTEM: &[&str] = &["/proc/self", "/sys/devices/system/cpu", "/sys/fs/cgroup"];

/// What a server needs of the machine.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Folders in which it makes, changes and deletes files.
    pub write: Vec<PathBuf>,
    /// Files and folders that it reads.
    pub read: Vec<PathBuf>,
    /// Whether it opens connections: to a database, an object store, to receivers of callbacks, or to a collector of traces.
    pub calls_others: bool,
}

impl Needs {
    /// Of a server with this configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let mut read: Vec<PathBuf> = OF_THE_SYSTEM.iter().map(PathBuf::from).collect();
        read.push(config.plugins.folder(&config.storage));
        // Read again whenever they change, and then they are other files of the same name.
        let keys = config.auth.keys_file(&config.storage);
        let reread = [Some(&keys), config.http.tls_cert.as_ref(), config.http.tls_key.as_ref()];
        for file in reread.into_iter().flatten() {
            read.extend(surroundings(file));
        }
        let database = config.storage.store.database();
        let blobs = config.storage.blobs.as_ref();
        let folder_of_blobs = blobs.and_then(|blobs| blobs.folder());
        let published = config.plugins.plugins_from.as_ref();
        read.extend(published.and_then(|place| place.folder()).map(Path::to_owned));
        let has_engine = blobs.is_some() || published.is_some();
        let calls_others = database.is_some()
            || blobs.into_iter().chain(published).any(|place| place.folder().is_none())
            || !config.callback.callback_hosts.is_empty()
            || config.otlp.otlp_endpoint.is_some();
        if database.is_some() || has_engine {
            read.extend(TO_TRUST.iter().map(PathBuf::from));
        }
        if let Some(url) = database {
            // An address that is none is refused before long.
            read.extend(postgres::files(url).unwrap_or_default());
        }
        if has_engine {
            let tokens = TOKENS.iter().filter_map(std::env::var_os);
            read.extend(tokens.flat_map(|file| surroundings(Path::new(&file))));
        }
        if calls_others {
            read.extend(TO_RESOLVE.iter().map(PathBuf::from));
            read.extend(surroundings(Path::new("/etc/resolv.conf")));
        }
        let mut write = vec![config.storage.data_dir.clone(), config.plugins.compiled_dir(&config.storage)];
        write.extend(folder_of_blobs.map(Path::to_owned));
        Self { write, read, calls_others }
    }
}

/// The folder that `file` is in, and the one that it leads to if it is a link. Where that is the root of
/// the machine, which would open everything, the file itself.
fn surroundings(file: &Path) -> Vec<PathBuf> {
    let target = file.canonicalize().ok();
    [Some(file.to_owned()), target].into_iter().flatten().filter_map(folder_of).collect()
}

fn folder_of(file: PathBuf) -> Option<PathBuf> {
    let folder = match file.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return None,
    };
    let is_root = folder.canonicalize().is_ok_and(|folder| folder.parent().is_none());
    Some(if is_root { file } else { folder.to_owned() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_that_is_replaced_is_reached_by_its_folder_and_by_the_one_it_leads_to() {
        let dir = tempfile::tempdir().unwrap();
        let (live, archive) = (dir.path().join("live"), dir.path().join("archive"));
        std::fs::create_dir(&live).unwrap();
        std::fs::create_dir(&archive).unwrap();
        std::fs::write(archive.join("key1.pem"), "").unwrap();
        std::os::unix::fs::symlink("../archive/key1.pem", live.join("key.pem")).unwrap();
        let found = surroundings(&live.join("key.pem"));
        assert_eq!(found, [live, archive.canonicalize().unwrap()]);
    }

    #[test]
    fn a_file_beside_the_current_folder_or_in_the_root_opens_no_more_than_it_must() {
        assert_eq!(folder_of(PathBuf::from("keys.toml")), Some(PathBuf::from(".")));
        assert_eq!(folder_of(PathBuf::from("/keys.toml")), Some(PathBuf::from("/keys.toml")));
    }
}
