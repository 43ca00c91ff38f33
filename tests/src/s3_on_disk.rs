//! A server of the tests' own that speaks the protocol of S3 and keeps everything in a folder (s3s-fs), so
//! that it can be killed and started again.
//!
//! What it does not prove: it syncs nothing, so what it has acknowledged survives its own death and not that
//! of the machine.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::server::{eventually, target};

/// See the module.
#[derive(Debug)]
pub struct S3OnDisk {
    folder: TempDir,
    port: u16,
    /// Holds the pipe, while the server lives.
    child: Option<Child>,
}

/// What there is in it.
const BUCKET: &str = "pictures";

/// The server goes when the test process does: that closes the pipe.
const SERVE: &str = r#""$0" --host 127.0.0.1 --port "$1" --access-key "$2" --secret-key "$3" "$4" >/dev/null 2>&1 & read -r _; kill -9 $!; wait"#;

impl S3OnDisk {
    /// One that runs. None where it isn't installed; that is said, and in CI it fails.
    #[must_use]
    pub fn start() -> Option<Self> {
        if !program().exists() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is not there", program().display());
            eprintln!(
                "SKIPPED: an S3 server that dies, because s3s-fs is not installed; tests/prepare.sh does it"
            );
            return None;
        }
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        // Free now, and hardly anybody else's a moment later.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { folder, port, child: None };
        server.begin();
        Some(server)
    }

    /// Settings of a Tintype whose pictures are here.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("TINTYPE_BLOBS", format!("s3://{BUCKET}/all")),
            ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port)),
            ("AWS_ACCESS_KEY_ID", "tests".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "no-secret".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]
    }

    /// Ends at once, with no word of warning.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    /// Starts again after a death, with what it had.
    pub fn begin(&mut self) {
        let mut serve = Command::new("sh");
        serve.args(["-c", SERVE]).arg(program()).arg(self.port.to_string()).args(["tests", "no-secret"]);
        self.child = Some(serve.arg(self.folder.path()).stdin(Stdio::piped()).spawn().unwrap());
        let listens = || TcpStream::connect(("127.0.0.1", self.port)).ok();
        eventually(listens, || "s3s-fs did not start".to_owned());
    }
}

impl Drop for S3OnDisk {
    fn drop(&mut self) {
        self.kill();
    }
}

fn program() -> PathBuf {
    target().join("s3s-fs/bin/s3s-fs")
}
