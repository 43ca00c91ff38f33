//! One life of a server.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::{PATIENCE, Setup};

/// One life of a server. It ends with the value.
pub(super) struct Process {
    pub(super) child: Child,
    pub(super) log: Arc<Mutex<Vec<String>>>,
    pub(super) address: String,
}

impl Process {
    /// Starts the binary and waits until it is ready.
    pub(super) fn begin(folder: &TempDir, setup: &Setup) -> Result<Self, Vec<String>> {
        let child = setup.command(folder.path()).stderr(Stdio::piped()).spawn().unwrap();
        let mut process = Self { child, log: Arc::default(), address: String::new() };
        let ready = follow(&mut process.child, Arc::clone(&process.log));
        match ready.recv_timeout(PATIENCE) {
            Ok(address) => process.address = address,
            Err(RecvTimeoutError::Disconnected) => return Err(process.log.lock().unwrap().clone()),
            // The log is printed when the process is dropped by the panic.
            Err(RecvTimeoutError::Timeout) => panic!("the server did not become ready"),
        }
        Ok(process)
    }

    pub(super) fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        if std::thread::panicking() {
            eprintln!("--- the server's log ---\n{}", self.log.lock().unwrap().join("\n"));
        }
    }
}

fn follow(child: &mut Child, log: Arc<Mutex<Vec<String>>>) -> Receiver<String> {
    let (ready, when_ready) = mpsc::channel();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if let Some((_, url)) = line.split_once("listening on http")
                && let Some((_, rest)) = url.split_once("://")
            {
                let address: String =
                    rest.chars().take_while(|c| c.is_ascii_digit() || ".:[]".contains(*c)).collect();
                let _ = ready.send(address);
            }
            log.lock().unwrap().push(line);
        }
    });
    when_ready
}
