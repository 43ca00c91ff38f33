//! The API key: from the environment or from a file, never from a flag, which everybody on the machine
//! could read in the list of processes.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use http::HeaderValue;

use super::error::ClientError;

/// The variable with the key itself.
const KEY: &str = "TINTYPE_KEY";
/// The variable with the name of its file.
const KEY_FILE: &str = "TINTYPE_KEY_FILE";
/// Far more than a key has: what is longer is another file.
const LONGEST: u64 = 4096;
/// What the group and everybody else may do with a file.
const OF_OTHERS: u32 = 0o077;

/// The value of `Authorization`, if there is a key: that of `file`, else that of the environment.
///
/// # Errors
/// The file cannot be read, or others can read it, or there is no key in it.
pub fn from_surroundings(file: Option<&Path>) -> Result<Option<HeaderValue>, ClientError> {
    if let Some(file) = file {
        return of_file(file).map(Some);
    }
    if let Ok(key) = std::env::var(KEY)
        && !key.trim().is_empty()
    {
        return bearer(&key, KEY).map(Some);
    }
    match std::env::var_os(KEY_FILE).filter(|file| !file.is_empty()) {
        Some(file) => of_file(&PathBuf::from(file)).map(Some),
        None => Ok(None),
    }
}

fn of_file(path: &Path) -> Result<HeaderValue, ClientError> {
    let place = path.display();
    let failed = |source| ClientError::file(path.display(), "cannot be read", source);
    let file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    // A pipe, such as a shell's <(…), is nobody else's.
    if about.file_type().is_file() && about.permissions().mode() & OF_OTHERS != 0 {
        return Err(ClientError::Misuse(format!(
            "others can read the key in {place}: take that from them by `chmod 600 {place}`, and think of the \
             key as known to them"
        )));
    }
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).map_err(failed)?;
    bearer(&text, &place.to_string())
}

fn bearer(text: &str, place: &str) -> Result<HeaderValue, ClientError> {
    let key = text.trim();
    // Never with the text: it may be a key with something around it.
    let wrong = || {
        ClientError::Misuse(format!(
            "{place} holds no API key: it is one word, as `tintype key new` prints it"
        ))
    };
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong());
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| wrong())?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_others_can_read_is_refused_and_a_private_one_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ci.key");
        fs::write(&path, "tt_secret\n").unwrap();
        for (mode, taken) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let read = of_file(&path);
            assert_eq!(read.is_ok(), taken, "{mode:o}");
            if let Err(error) = read {
                let words = error.to_string();
                assert!(words.contains("chmod 600") && !words.contains("tt_secret"), "{words}");
                assert_eq!(error.code(), super::super::exit::MISUSE);
            }
        }
    }

    #[test]
    fn a_key_is_one_word_and_never_repeated_in_a_message() {
        assert_eq!(bearer(" tt_a \n", "x").unwrap(), "Bearer tt_a");
        assert!(bearer("tt_a", "x").unwrap().is_sensitive());
        for wrong in ["", "  ", "tt_a tt_b", "tt_\u{fc}"] {
            assert!(!bearer(wrong, "TINTYPE_KEY").unwrap_err().to_string().contains("tt_"), "{wrong}");
        }
    }
}
