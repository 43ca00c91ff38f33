//! What strace saw of a process and all its threads: system calls, with when they began and ended.
//!
//! A call that another thread's line interrupts is printed in two, `unfinished` and `resumed`. Its
//! beginning and its end are the places of these lines, so that of two calls it is known whether one
//! was over before the other began.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Once;

/// A system call that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Such as `fsync`.
    pub name: String,
    /// What the first argument, a file descriptor, leads to; empty when it is none.
    pub file: String,
    /// The arguments that are text or data.
    pub texts: Vec<Vec<u8>>,
    /// Its place in the trace.
    pub began: usize,
    /// The place of its end; never, when the trace ends before.
    pub ended: usize,
}

impl Call {
    /// All its data, one after the other.
    pub fn data(&self) -> Vec<u8> {
        self.texts.concat()
    }

    /// Its argument as a path.
    pub fn path(&self, argument: usize) -> String {
        self.texts.get(argument).map(|path| String::from_utf8(path.clone()).unwrap()).unwrap_or_default()
    }
}

/// The command line before the server's. strace itself must not be its parent, or killing the server
/// would kill strace and let the server live.
pub fn command<'a>(trace: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    const CALLS: &str = "trace=write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync,mkdir,rename,\
                         renameat,renameat2";
    // Longer than anything that is written at once.
    const LONGEST: &str = "16777216";
    [&["strace", "-D", "-f", "-y", "-s", LONGEST, "-e", CALLS, "-o", trace], more, &["--"]].concat()
}

/// Whether processes can be traced here. Where they can't, the one line that says what is skipped is
/// printed; in CI that is a failure.
pub fn is_there() -> bool {
    let mut probe = Command::new("strace");
    probe.args(["-D", "-f", "-o", "/dev/null", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    if probe.status().is_ok_and(|status| status.success()) {
        return true;
    }
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "strace is missing, or may not trace");
    static SAY_IT: Once = Once::new();
    SAY_IT.call_once(|| {
        println!(
            "skipped: the order of what reaches the disk; install strace (Debian: apt-get install strace)"
        );
    });
    false
}

/// The trace of a process; none while it is not whole.
pub fn read(trace: &Path, process: u32) -> Option<Vec<Call>> {
    let text = fs::read_to_string(trace).unwrap();
    // Of all threads the one with the number of the process is the last to go.
    let last = text.lines().last()?;
    let mut words = last.split_whitespace();
    let is_end = words.next() == Some(&process.to_string()) && words.next() == Some("+++");
    is_end.then(|| parse(&text))
}

/// The calls of a trace, in the order in which they began.
pub fn parse(text: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = vec![];
    let mut unfinished: HashMap<&str, (usize, &str)> = HashMap::new();
    for (at, line) in text.lines().enumerate() {
        let (thread, line) = line.split_once(' ').unwrap();
        let line = line.trim_start();
        if let Some(begun) = line.strip_suffix(" <unfinished ...>") {
            unfinished.insert(thread, (at, begun));
        } else if let Some(rest) = line.strip_prefix("<... ") {
            let (began, begun) = unfinished.remove(thread).unwrap();
            let (_, rest) = rest.split_once(" resumed>").unwrap();
            calls.extend(call(&format!("{begun}{rest}"), began, at));
        } else {
            calls.extend(call(line, at, at));
        }
    }
    // What never ended may have done its work all the same.
    let cut_off = unfinished.values();
    calls.extend(cut_off.filter_map(|(began, begun)| call(&format!("{begun}) = 0"), *began, usize::MAX)));
    calls.sort_by_key(|call| call.began);
    calls
}

/// One whole line; none when it is a signal, an exit, or a call that failed.
fn call(line: &str, began: usize, ended: usize) -> Option<Call> {
    let (before, result) = line.rsplit_once(" = ")?;
    if result.starts_with(['-', '?']) {
        return None;
    }
    let (name, arguments) = before.split_once('(')?;
    let arguments = arguments.trim_end().strip_suffix(')')?;
    let is_descriptor = arguments.starts_with(|first: char| first.is_ascii_digit());
    let file = arguments.split_once('<').filter(|_| is_descriptor);
    let file = file.and_then(|(_, rest)| rest.split_once('>')).map(|(file, _)| file.to_owned());
    Some(Call {
        name: name.to_owned(),
        file: file.unwrap_or_default(),
        texts: texts(arguments),
        began,
        ended,
    })
}

/// What stands between quotes.
fn texts(arguments: &str) -> Vec<Vec<u8>> {
    let mut texts = vec![];
    let mut rest = arguments.as_bytes().iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'"' {
            continue;
        }
        let mut text = vec![];
        loop {
            match rest.next().expect("a text ends with its quote") {
                b'"' => break,
                b'\\' => text.push(match rest.next().expect("an escape has a second character") {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'v' => 11,
                    b'f' => 12,
                    octal @ b'0'..=b'7' => {
                        let mut value = u32::from(octal - b'0');
                        for _ in 0..2 {
                            let Some(digit) = rest.next_if(|next| (b'0'..=b'7').contains(next)) else {
                                break;
                            };
                            value = value * 8 + u32::from(digit - b'0');
                        }
                        u8::try_from(value).unwrap()
                    }
                    other => other,
                }),
                other => text.push(other),
            }
        }
        assert_ne!(rest.peek(), Some(&b'.'), "strace has cut a text off");
        texts.push(text);
    }
    texts
}

#[test]
fn a_trace_is_read_with_what_threads_do_to_each_other_s_lines() {
    let trace = r#"7  mkdir("/d/new", 0777) = 0
7  write(14</d/tmp/1>, "a\"b\\\r\n\0001\274" <unfinished ...>
8  writev(9<socket:[5]>, [{iov_base="HTTP", iov_len=4}, {iov_base="/1.1", iov_len=4}], 2) = 8
7  <... write resumed>, 10)           = 10
7  fsync(14</d/tmp/1> <unfinished ...>
8  fsync(3</d/gone>) = -1 EIO (Input/output error)
8  --- SIGTERM {si_signo=SIGTERM} ---
7  <... fsync resumed>)    = 0
7  rename("/d/tmp/1", "/d/new/x") = 0
8  fdatasync(13</d/db> <unfinished ...>
8  +++ exited with 0 +++
"#;
    let calls = parse(trace);
    let seen: Vec<(&str, &str, usize, usize)> =
        calls.iter().map(|call| (call.name.as_str(), call.file.as_str(), call.began, call.ended)).collect();
    assert_eq!(
        seen,
        [
            ("mkdir", "", 0, 0),
            ("write", "/d/tmp/1", 1, 3),
            ("writev", "socket:[5]", 2, 2),
            ("fsync", "/d/tmp/1", 4, 7),
            ("rename", "", 8, 8),
            ("fdatasync", "/d/db", 9, usize::MAX),
        ]
    );
    assert_eq!(calls[1].data(), b"a\"b\\\r\n\x001\xbc");
    assert_eq!(calls[2].data(), b"HTTP/1.1");
    assert_eq!((calls[4].path(0).as_str(), calls[4].path(1).as_str()), ("/d/tmp/1", "/d/new/x"));
}
