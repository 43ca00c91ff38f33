//! A server of the tests' own that speaks the protocol of S3 and keeps everything in its memory (moto), one
//! for each test process. It ends with the process.
//!
//! What it does not prove: that an engine keeps what it has acknowledged, and how it behaves under load.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What clients of it need in their environment.
pub const CREDENTIALS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "tests"), ("AWS_SECRET_ACCESS_KEY", "no secret"), ("AWS_REGION", "us-east-1")];

/// The server goes when the test process does: that closes the pipe.
const SERVE: &str = r#""$0" -H 127.0.0.1 -p "$1" >/dev/null 2>&1 & read -r _; kill -9 $!"#;

/// See the module.
#[derive(Debug)]
pub struct Server {
    /// Host and port.
    pub address: String,
    /// Holds the pipe.
    _child: Child,
}

impl Server {
    /// The one of this process. None where it isn't installed; that is said once, and in CI it fails.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Server>> = OnceLock::new();
        SHARED.get_or_init(Self::begin).as_ref()
    }

    fn begin() -> Option<Self> {
        let program = program();
        if !program.exists() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is not there", program.display());
            eprintln!("SKIPPED: pictures in S3, because moto is not installed; tests/prepare.sh does it");
            return None;
        }
        // Free now, and hardly anybody else's a moment later.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut serve = Command::new("sh");
        serve.args(["-c", SERVE]).arg(program).arg(port.to_string()).stdin(Stdio::piped());
        let child = serve.spawn().unwrap();
        let address = format!("127.0.0.1:{port}");
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(&address).is_err() {
            assert!(Instant::now() < until, "moto did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { address, _child: child })
    }

    /// Makes a bucket, and gives its name.
    pub fn new_bucket(&self) -> String {
        use std::io::{Read as _, Write as _};
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("b{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!(
            "PUT /{name} HTTP/1.1\r\nHost: {}\r\nAuthorization: AWS4-HMAC-SHA256 Credential=tests/20200101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        name
    }
}

fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/venv/bin/moto_server")
}
