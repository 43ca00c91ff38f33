//! The order of the promise, checked in a trace: before a word about a task leaves the server,
//! everything that the word relies on has reached the disk.
//!
//! "Before" is meant strictly: a sync counts when it began after what it is to sync had ended, and
//! ended before what relies on it began.

use super::strace::Call;

/// A file of a task, which must be durable.
#[derive(Clone, Debug)]
pub struct Blob {
    /// Of the file's name, the part after the task's id.
    pub part: &'static str,
    /// All its bytes.
    pub bytes: Vec<u8>,
}

/// Checks that the 202 of this task came after all that it promises.
pub fn check_accepted(calls: &[Call], id: &str, blobs: &[Blob]) -> Result<(), String> {
    let answer = first_word(calls, id, |data| data.starts_with(b"HTTP/1.1 202 "))
        .ok_or_else(|| format!("no 202 names {id}"))?;
    check(calls, id, blobs, answer)
}

/// Checks that nobody was told of the end of this task before its results were durable, and its record
/// with them.
pub fn check_published(calls: &[Call], id: &str, blobs: &[Blob]) -> Result<(), String> {
    let answer =
        first_word(calls, id, tells_of_the_end).ok_or_else(|| format!("nobody was told the end of {id}"))?;
    check(calls, id, blobs, answer)
}

/// Checks that nobody was told of this task, in a list for example, before it was durable.
pub fn check_named(calls: &[Call], id: &str) -> Result<(), String> {
    let answer = first_word(calls, id, |_| true).ok_or_else(|| format!("nobody was told of {id}"))?;
    logged(calls, id, 0, answer.began).map_err(|error| format!("{id}: {error}"))
}

/// Checks that nobody was told that this task, which ended well before, is gone before that was durable.
pub fn check_gone(calls: &[Call], id: &str) -> Result<(), String> {
    let over =
        first_word(calls, id, tells_of_the_end).ok_or_else(|| format!("nobody was told the end of {id}"))?;
    let gone = first_word(calls, id, |data| data.starts_with(b"HTTP/1.1 410 "))
        .ok_or_else(|| format!("nobody was told that {id} is gone"))?;
    logged(calls, id, over.began, gone.began).map_err(|error| format!("{id}: {error}"))
}

fn tells_of_the_end(data: &[u8]) -> bool {
    const WORDS: [&[u8]; 2] = [b"<state>OK</state>", b"\"state\":\"OK\""];
    data.starts_with(b"HTTP/1.1 303 ") || WORDS.iter().any(|word| contains(data, word))
}

fn check(calls: &[Call], id: &str, blobs: &[Blob], answer: &Call) -> Result<(), String> {
    let mut kept = 0;
    for blob in blobs {
        let name = format!("{id}.{}", blob.part);
        let synced = match journaled(calls, &name, &blob.bytes) {
            Some(entry) => synced(calls, "fdatasync", &entry.file, entry.ended, answer.began),
            None => durable_file(calls, &name, &blob.bytes, answer.began),
        };
        let synced = synced.map_err(|error| format!("{name}: {error}"))?;
        kept = kept.max(synced);
    }
    logged(calls, id, kept, answer.began).map_err(|error| format!("{id}: {error}"))
}

/// The first that is sent to anybody of this kind and about this task.
fn first_word<'a>(calls: &'a [Call], id: &str, is_word: impl Fn(&[u8]) -> bool) -> Option<&'a Call> {
    calls.iter().find(|call| {
        let data = call.data();
        call.file.starts_with("socket:") && is_word(&data) && contains(&data, id.as_bytes())
    })
}

/// What was written to the journal of pictures with this file's name and bytes in it, one after the other.
fn journaled<'a>(calls: &'a [Call], name: &str, bytes: &[u8]) -> Option<&'a Call> {
    let entry = [name.as_bytes(), bytes].concat();
    let is_entry = |call: &&Call| {
        call.name.starts_with("pwrite")
            && call.file.contains("/blobs/journal/")
            && contains(&call.data(), &entry)
    };
    calls.iter().find(is_entry)
}

/// A file with this name and these bytes is durable before `limit`; gives when its last sync ended.
fn durable_file(calls: &[Call], name: &str, bytes: &[u8], limit: usize) -> Result<usize, String> {
    let rename = calls
        .iter()
        .find(|call| call.name.starts_with("rename") && call.path(1).ends_with(&format!("/{name}")))
        .ok_or("nothing was renamed to it")?;
    let (temporary, place) = (rename.path(0), rename.path(1));
    let writes: Vec<&Call> =
        calls.iter().filter(|call| call.file == temporary && call.name.contains("write")).collect();
    if writes.iter().flat_map(|call| call.data()).ne(bytes.iter().copied()) {
        return Err(format!("{temporary} had other bytes when it was renamed"));
    }
    let written = writes.iter().map(|call| call.ended).max().ok_or("nothing was written")?;
    synced(calls, "fsync", &temporary, written, rename.began)?;

    let (folder, _) = place.rsplit_once('/').ok_or("its place has no folder")?;
    let mut last = synced(calls, "fsync", folder, rename.ended, limit)?;
    // A folder that is new is a name in its parent.
    if let Some(made) = calls.iter().find(|call| call.name == "mkdir" && call.path(0) == folder) {
        let (parent, _) = folder.rsplit_once('/').ok_or("the folder has no parent")?;
        last = last.max(synced(calls, "fsync", parent, made.ended, limit)?);
    }
    Ok(last)
}

/// The log got something with this task's id in it after `since`, and was synced before `limit`.
fn logged(calls: &[Call], id: &str, since: usize, limit: usize) -> Result<(), String> {
    let id = bytes_of(id);
    let is_record = |call: &&Call| {
        call.name.starts_with("pwrite") && call.file.ends_with("/tasks/db") && contains(&call.data(), &id)
    };
    let mut records = calls.iter().filter(is_record).filter(|call| call.began > since).peekable();
    let first = records.peek().ok_or("its record was not written to the log after its files")?;
    let log = first.file.clone();
    // The first one will do, whatever was written about the task later.
    synced(calls, "fdatasync", &log, first.ended, limit).map(drop)
}

/// This file was synced between `since` and `limit`; gives when that ended.
fn synced(calls: &[Call], name: &str, file: &str, since: usize, limit: usize) -> Result<usize, String> {
    let syncs = calls.iter().filter(|call| call.name == name && call.file == file);
    let in_time = syncs.filter(|call| call.began > since && call.ended < limit).map(|call| call.ended);
    in_time.min().ok_or_else(|| format!("no {name} of {file} between {since} and {limit}"))
}

/// An id as it is stored: 16 bytes.
fn bytes_of(id: &str) -> Vec<u8> {
    let digits: Vec<u8> = id.bytes().filter(|byte| *byte != b'-').collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn contains(data: &[u8], wanted: &[u8]) -> bool {
    data.windows(wanted.len()).any(|window| window == wanted)
}
