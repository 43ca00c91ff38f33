//! A PostgreSQL server of the tests' own, reached by a socket in its folder: one for each test process, or
//! one for a test that stops it, with or without a standby. It ends with the process.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::chown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The first that has what is tested here.
const OLDEST: u32 = 15;
/// It names the socket, too.
pub const PORT: u16 = 5432;

/// The server goes when the test process does: that closes the pipe.
const SERVE: &str = r#"
start() {
    "$0" -k "$PWD" -c listen_addresses= -c max_connections=400 -c shared_buffers=32MB "$@" >>log 2>&1 &
}
start "$@"
while read -r word; do
    case $word in
    crash) kill -QUIT $! && wait ;;
    start) start "$@" ;;
    esac
done
kill -INT $!
wait
rm -rf "$PWD"
"#;

/// See the module.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
    /// Holds the pipe.
    server: Child,
}

/// A database of a test's own.
#[derive(Clone, Debug)]
pub struct Database {
    /// Its address.
    pub url: String,
    /// Its name.
    pub name: String,
    psql: PathBuf,
}

impl Cluster {
    /// The one of this process. None where PostgreSQL isn't installed; that is said once, and in CI it fails.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        SHARED.get_or_init(Self::own).as_ref()
    }

    /// One for a test that does something to it.
    pub fn own() -> Option<Self> {
        Self::own_with(PORT, &[])
    }

    /// The same, with this port and settings: `name=value`. Unless they say otherwise it is reached by the
    /// socket alone.
    pub fn own_with(port: u16, settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "PostgreSQL {OLDEST} or later is not installed"
            );
            eprintln!("SKIPPED: tasks in PostgreSQL, because PostgreSQL {OLDEST} or later is not installed");
            return None;
        };
        Some(Self::begin(programs, port, settings))
    }

    /// A new database.
    pub fn database(&self) -> Database {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("t{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.named("postgres").run(&format!("CREATE DATABASE {name}"));
        self.named(&name)
    }

    /// The database of this name.
    pub fn named(&self, name: &str) -> Database {
        let host = self.folder.display().to_string().replace('/', "%2F");
        Database {
            url: format!("postgres://tintype@{host}:{}/{name}", self.port),
            name: name.to_owned(),
            psql: self.programs.join("psql"),
        }
    }

    /// Where `data` and `log` are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(format!(".s.PGSQL.{}", self.port))
    }

    /// Another server that follows this one, and without which this one confirms nothing from now on.
    pub fn with_standby(&self) -> Self {
        let standby = Self::beside(self.programs.clone(), PORT, &[], |folder| {
            let mut copy = Command::new(self.programs.join("pg_basebackup"));
            copy.args(["--username=tintype", "--write-recovery-conf", "--checkpoint=fast", "--no-sync"]);
            copy.arg("--host").arg(&self.folder).arg("--pgdata").arg(folder.join("data"));
            copy
        });
        let itself = self.named("postgres");
        // After it was copied: whoever takes over has nobody to wait for.
        itself.run("ALTER SYSTEM SET synchronous_standby_names = '*'");
        itself.run("SELECT pg_reload_conf()");
        standby
    }

    /// A standby becomes the one that is written to.
    pub fn take_over(&self) {
        self.named("postgres").run("SELECT pg_promote()");
    }

    /// The server dies.
    pub fn crash(&mut self) {
        self.tell("crash\n");
        let until = Instant::now() + Duration::from_secs(60);
        while UnixStream::connect(self.socket()).is_ok() {
            assert!(Instant::now() < until, "PostgreSQL does not die");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// And comes back.
    pub fn start(&mut self) {
        self.tell("start\n");
    }

    fn tell(&mut self, words: &str) {
        self.server.stdin.as_mut().unwrap().write_all(words.as_bytes()).unwrap();
    }

    fn begin(programs: PathBuf, port: u16, settings: &[&str]) -> Self {
        Self::beside(programs.clone(), port, settings, |folder| {
            let mut initdb = Command::new(programs.join("initdb"));
            initdb
                .args(["--auth=trust", "--username=tintype", "--encoding=UTF8", "--locale=C", "--no-sync"])
                .arg("-D")
                .arg(folder.join("data"));
            initdb
        })
    }

    /// A server in a new folder, in which this makes `data`.
    fn beside(programs: PathBuf, port: u16, settings: &[&str], make: impl FnOnce(&Path) -> Command) -> Self {
        let folder = tempfile::Builder::new().prefix("tintype-pg").tempdir().unwrap().keep();
        let user = user();
        if let Some((uid, gid)) = user {
            chown(&folder, Some(uid), Some(gid)).unwrap();
        }
        let run = |command: &mut Command| {
            command.current_dir(&folder);
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
        };
        let mut make = make(&folder);
        run(&mut make);
        let made = make.output().unwrap();
        assert!(made.status.success(), "{make:?}: {}", String::from_utf8_lossy(&made.stderr));
        let mut serve = Command::new("sh");
        serve
            .args(["-c", SERVE])
            .arg(programs.join("postgres"))
            .args(["-D", "data", "-p", &port.to_string()])
            .stdin(Stdio::piped());
        for setting in settings {
            serve.args(["-c", setting]);
        }
        run(&mut serve);
        let server = serve.spawn().unwrap();
        let cluster = Self { folder, programs, port, server };
        cluster.wait();
        cluster
    }

    fn wait(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        let log = self.folder.join("log");
        loop {
            let mut words = String::new();
            if let Ok(mut file) = std::fs::File::open(&log) {
                file.read_to_string(&mut words).unwrap();
            }
            if words.contains("ready to accept ") {
                return;
            }
            assert!(Instant::now() < until, "PostgreSQL did not start: {words}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Database {
    /// Does something that the server would not.
    pub fn run(&self, sql: &str) {
        self.ask(sql);
    }

    /// The same, with what comes of it, columns separated by `|`.
    pub fn ask(&self, sql: &str) -> String {
        let mut psql = Command::new(&self.psql);
        psql.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]);
        let ran = psql.args(["--command", sql]).arg(&self.url).output().unwrap();
        assert!(ran.status.success(), "{sql}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    }

    /// The same database for a role that owns it and may open no more than these connections at once.
    pub fn of_role_with(&self, connections: u32) -> Self {
        let (role, name) = (format!("{}_few", self.name), &self.name);
        self.run(&format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT {connections}"));
        self.run(&format!("ALTER DATABASE {name} OWNER TO {role}"));
        Self { url: self.url.replacen("tintype@", &format!("{role}@"), 1), ..self.clone() }
    }

    /// Its address for a client that reaches its server at this host and port.
    pub fn at(&self, address: &str) -> String {
        format!("postgres://tintype@{address}/{}", self.name)
    }
}

/// The folder of the newest version's programs.
fn programs() -> Option<PathBuf> {
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let installed = std::fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten();
    let newest = installed
        .filter_map(|entry| Some((version(&entry.path())?, entry.path().join("bin"))))
        .filter(|(version, programs)| *version >= OLDEST && programs.join("initdb").exists())
        .max();
    newest.map(|(_, programs)| programs)
}

/// PostgreSQL refuses root: then it runs as its own user.
fn user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:")).unwrap();
    let mut fields = line.split(':').skip(2).map(|field| field.parse::<u32>().unwrap());
    Some((fields.next().unwrap(), fields.next().unwrap()))
}
