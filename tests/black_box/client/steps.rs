//! Steps of the client's stories.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value as Json;
use tempfile::TempDir;
use tintype_tests::server::{Ended, begin, run};
use tintype_tests::{Server, pictures};

/// A folder with a picture of 64 by 48 pixels in it, `photo.png`.
pub fn with_photo() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("photo.png"), pictures::png(64, 48)).unwrap();
    folder
}

/// Runs a command against this server.
pub fn tintype(server: &Server, folder: &Path, arguments: &[&str]) -> Ended {
    run(arguments, &[("TINTYPE_SERVER", &server.client().url(""))], folder)
}

/// Runs `tintype submit photo.png` with these further arguments.
pub fn submit(server: &Server, folder: &TempDir, arguments: &[&str]) -> Ended {
    tintype(server, folder.path(), &[&["submit", "photo.png"], arguments].concat())
}

/// Begins a command against this server.
pub fn begun(server: &Server, folder: &TempDir, arguments: &[&str]) -> Child {
    begin(arguments, &[("TINTYPE_SERVER", &server.client().url(""))], folder.path())
}

/// Sends what Ctrl-C sends.
pub fn interrupt(child: &Child) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), Signal::INT).unwrap();
}

/// Waits for the end of what was begun, and gives its exit code, its output and its errors.
pub fn end_of(mut child: Child, input: &[u8]) -> (Option<i32>, Vec<u8>, String) {
    // It may have ended without reading.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    (output.status.code(), output.stdout, String::from_utf8(output.stderr).unwrap())
}

/// Reads what was begun says on standard error until `text` is in it.
pub fn read_errors_until(child: &mut Child, text: &str) {
    let mut read = vec![];
    while !String::from_utf8_lossy(&read).contains(text) {
        let mut byte = [0];
        let length = child.stderr.as_mut().unwrap().read(&mut byte).unwrap();
        assert_eq!(length, 1, "it never says {text:?}: {}", String::from_utf8_lossy(&read));
        read.push(byte[0]);
    }
}

/// The only line of JSON.
pub fn json(ended: &Ended) -> Json {
    serde_json::from_str(&ended.output).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// How many tasks the server has.
pub fn tasks(server: &Server) -> usize {
    let list =
        server.client().send("GET", "/images/tasks?limit=100", &[("Accept", "application/json")], &[]).json();
    list["tasks"].as_array().unwrap().len()
}

/// The files of a folder, by name.
pub fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}
