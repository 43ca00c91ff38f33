//! The folders of a server: whether it can use them, who else can, and how much room there is.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, StatVfs, access, statvfs};

use super::Findings;
use crate::config::{ByteSize, Config, SettingValue as _};

/// Of a disk, below which its filling up is a matter of days.
const LITTLE: u64 = 10;

pub(super) fn examine(config: &Config, findings: &mut Findings) {
    let storage = &config.storage;
    data(&storage.data_dir, findings);
    if let Some(disk) = existing(&storage.data_dir).and_then(|folder| statvfs(folder).ok()) {
        room(&storage.data_dir, &disk, storage.min_free_space, findings);
    }
    plugins(config, findings);
    let compiled = config.plugins.compiled_dir(storage);
    if let Ok(meta) = fs::metadata(&compiled)
        && (meta.uid() != rustix::process::geteuid().as_raw() || meta.mode() & 0o022 != 0)
    {
        findings.warning(format!(
            "compiled_dir {} belongs to somebody else, or others can write it, so it is not used and plugins are \
             compiled at every start: make it this user's (chown), with mode 0700 (chmod)",
            compiled.display()
        ));
    }
}

fn data(folder: &Path, findings: &mut Findings) {
    let shown = folder.display();
    let Some(nearest) = existing(folder) else { return };
    if access(&nearest, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_err() {
        findings.problem(format!(
            "data_dir {shown}: uid {} cannot read and write {}. Give it to the user that runs the server (chown -R), \
             or name another folder",
            rustix::process::geteuid().as_raw(),
            nearest.display()
        ));
    }
    if let Ok(meta) = fs::metadata(folder) {
        if !meta.is_dir() {
            findings.problem(format!("data_dir {shown} is not a folder: name another one"));
        } else if meta.mode() & 0o007 != 0 {
            findings.warning(format!(
                "data_dir {shown} has mode {:04o}: every user of this machine can look at the pictures in it \
                 (chmod 0700)",
                meta.mode() & 0o7777
            ));
        }
    }
}

fn room(folder: &Path, disk: &StatVfs, least: ByteSize, findings: &mut Findings) {
    let shown = folder.display();
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < least.0 {
        findings.problem(format!(
            "the disk of data_dir {shown} has {free} bytes left, less than min_free_space ({}): tasks are refused. \
             Make room, or shorten retention",
            least.show()
        ));
    } else if disk.f_bavail < disk.f_blocks / LITTLE {
        findings.warning(format!(
            "less than a tenth of the disk of data_dir {shown} is left: make room, or shorten retention"
        ));
    }
    // Some file systems have as many as they like, and say 0.
    if disk.f_files > 0 && disk.f_favail < disk.f_files / LITTLE {
        findings.warning(format!(
            "the file system of data_dir {shown} has room for {} more files, less than a tenth: a picture is a file \
             each. Shorten retention, or use a file system with more inodes",
            disk.f_favail
        ));
    }
}

fn plugins(config: &Config, findings: &mut Findings) {
    if config.plugins.plugins_from.is_some() {
        // The server's own copy: it makes the folder, and says at the start what it lacks.
        return;
    }
    let folder = &config.plugins.plugins_dir;
    let shown = folder.display();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            findings
                .problem(format!("plugins_dir {shown} is not there: create the folder, or name another one"));
            return;
        }
        Err(error) => {
            findings.problem(format!(
                "plugins_dir {shown}: {error}. Let the user that runs the server read it, or name another folder"
            ));
            return;
        }
    };
    if fs::metadata(folder).is_ok_and(|meta| meta.mode() & 0o002 != 0) {
        findings.warning(format!(
            "plugins_dir {shown} can be written by every user of this machine, and what they put there is run \
             (chmod o-w)"
        ));
    }
    let home = folder.canonicalize().unwrap_or_else(|_| folder.clone());
    let ends = |path: &Path, ends: &[&str]| {
        path.extension().and_then(|end| end.to_str()).is_some_and(|end| ends.contains(&end))
    };
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let files: Vec<PathBuf> = files.filter(|path| ends(path, &["wasm", "toml"])).collect();
    for file in &files {
        let target = file.canonicalize().unwrap_or_else(|_| file.clone());
        if let Err(error) = File::open(file) {
            findings.problem(format!(
                "{}: {error}. Let the user that runs the server read it, or take it away",
                file.display()
            ));
        } else if config.process.harden && !target.starts_with(&home) {
            findings.problem(format!(
                "{} leads to {}, out of plugins_dir, and a server that confines itself reads nothing there: put the \
                 file itself into the folder, or set harden = false",
                file.display(),
                target.display()
            ));
        }
    }
    if !files.iter().any(|file| ends(file, &["wasm"])) {
        findings.warning(format!("plugins_dir {shown} has no plugins (*.wasm): every task will be refused"));
    }
}

/// The folder, or where it would be made.
fn existing(folder: &Path) -> Option<PathBuf> {
    let here = || Some(PathBuf::from("."));
    folder.ancestors().find(|folder| folder.exists()).map(Path::to_owned).or_else(here)
}
