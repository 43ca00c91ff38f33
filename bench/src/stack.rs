//! What a team would assemble today: Redis, a Node that accepts and a Node that works, on a folder and
//! ports of their own, gone with the value.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::npm;

/// Longest wait for one of the processes to say that it is ready.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often its log is looked at meanwhile.
const PAUSE: Duration = Duration::from_millis(10);

/// The running stack.
pub struct Stack {
    /// The last one is Redis: the others are ended before it.
    processes: Vec<Process>,
    /// Host and port.
    pub address: String,
}

impl Stack {
    /// Starts it on `folder`: what it has accepted is on the disk, as it is with us.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        let scripts = npm::installed()?;
        redis_is_there()?;
        let port = free_port()?;
        let redis = Process::start(
            Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--dir"])
                .arg(folder)
                // Every write is synced before it is answered; without it a 202 would mean less than ours.
                .args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""]),
            &folder.join("redis.log"),
            "Ready to accept connections",
        )?;
        let node = |script: &str| {
            let mut command = Command::new("node");
            command.arg(script).current_dir(&scripts);
            command.env("REDIS", port.to_string()).env("DATA", folder).env("NODE_ENV", "production");
            Process::start(&mut command, &folder.join(format!("{script}.log")), "ready")
        };
        let mut processes = vec![redis, node("worker.mjs")?, node("server.mjs")?];
        let log = fs::read_to_string(folder.join("server.mjs.log"))?;
        let port = log.trim().rsplit(' ').next().context("the server's port")?;
        let address = format!("127.0.0.1:{port}");
        processes.reverse();
        Ok(Self { processes, address })
    }

    /// Its processes.
    pub fn pids(&self) -> Vec<u32> {
        self.processes.iter().map(|process| process.0.id()).collect()
    }
}

struct Process(Child);

impl Process {
    fn start(command: &mut Command, log: &Path, ready: &str) -> anyhow::Result<Self> {
        let output = File::create(log)?;
        let child = command
            .stdin(Stdio::null())
            .stderr(output.try_clone()?)
            .stdout(output)
            .spawn()
            .with_context(|| format!("{command:?}"))?;
        let mut process = Self(child);
        let began = Instant::now();
        // The line is whole: a port may be its end.
        while !fs::read_to_string(log)?
            .split_inclusive('\n')
            .any(|line| line.contains(ready) && line.ends_with('\n'))
        {
            if process.0.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                bail!("{command:?} did not become ready:\n{}", fs::read_to_string(log)?);
            }
            std::thread::sleep(PAUSE);
        }
        Ok(process)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Finds Redis, or installs it where that is allowed.
fn redis_is_there() -> anyhow::Result<()> {
    let runs = |command: &mut Command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    let found = || runs(Command::new("redis-server").arg("--version")).is_ok();
    if found() {
        return Ok(());
    }
    eprintln!("redis-server is not there: apt fetches it, if it may");
    // Fails for want of rights, of apt, or of a mirror; all that counts is whether Redis is there then.
    let _ = runs(Command::new("apt-get").args(["install", "-y", "--no-install-recommends", "redis-server"]));
    ensure!(found(), "redis-server is not there: install Redis 7 or later (Debian: redis-server)");
    Ok(())
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
