//! sharp, in a Node process that does one picture at a time when it is asked to.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::npm;

/// A running Node.
pub struct Sharp {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What sharp took for a picture.
pub struct Done {
    pub ms: f64,
    pub bytes: usize,
}

impl Sharp {
    /// Starts it, with its packages installed.
    pub fn start() -> anyhow::Result<Self> {
        let folder = npm::installed()?;
        let mut child = Command::new("node")
            .arg("pixels.mjs")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("node")?;
        let input = child.stdin.take().context("node has no input")?;
        let output = BufReader::new(child.stdout.take().context("node has no output")?);
        Ok(Self { child, input, output })
    }

    /// Does one picture.
    pub fn work(
        &mut self,
        work: &str,
        input: &Path,
        output: Option<&Path>,
        overlay: Option<&Path>,
    ) -> anyhow::Result<Done> {
        let absolute = |path: Option<&Path>| path.map(std::path::absolute).transpose();
        let order = json!({
            "work": work,
            "input": std::path::absolute(input)?,
            "output": absolute(output)?,
            "overlay": absolute(overlay)?,
        });
        writeln!(self.input, "{order}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let done: Value = serde_json::from_str(&line).context("sharp gave up")?;
        let ms = done["ms"].as_f64().context("no time")?;
        let bytes = done["bytes"].as_u64().context("no size")?.try_into()?;
        Ok(Done { ms, bytes })
    }
}

impl Drop for Sharp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
