//! A plugin that misbehaves on command. Each operation is one way to hurt a host.

mod traces;

use std::hint::black_box;

use tintype_plugin::{
    Attachment, Descriptor, Failure, Image, Level, Params, Plugin, Task, cancelled, log, progress,
};

struct Hostile;

const BYTES: &str = r#"{"type": "object", "properties": {"bytes": {"type": "integer", "minimum": 0}}, "required": ["bytes"], "additionalProperties": false}"#;
const COUNT: &str = r#"{"type": "object", "properties": {"count": {"type": "integer", "minimum": 0}}, "required": ["count"], "additionalProperties": false}"#;
const TEXT: &str = r#"{"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": false}"#;
const PICTURE: &str = r#"{"type": "object", "properties": {"picture": {"type": "string", "format": "attachment"}}, "required": ["picture"], "additionalProperties": false}"#;

impl Plugin for Hostile {
    fn describe() -> Descriptor {
        Descriptor::new("hostile", "1.0.0", "Misbehaves on command.")
            .accepts("application/octet-stream")
            .produces("application/octet-stream")
            .produces("image/png")
            .operation("echo", "Gives the input back: the control.")
            .operation("spin", "Never ends.")
            .operation("recurse", "Uses up the stack.")
            .operation("grow", "Uses up the memory.")
            .operation("trap", "Stops by unreachable.")
            .operation("panic", "Stops by a panic with a message.")
            .operation_with("huge", "Gives a result of so many bytes.", BYTES)
            .operation_with("copies", "Gives the input so many times.", COUNT)
            .operation("lie", "Gives a page and calls it one.")
            .operation("half-lie", "Gives the input, and a page that it calls one.")
            .operation("mislabel", "Gives another type than asked for.")
            .operation_with("flood", "Logs so many lines.", COUNT)
            .operation_with("rant", "Logs one line of so many bytes.", BYTES)
            .operation("creep", "Tells of the least progress that there is, again and again.")
            .operation_with("work", "Works so many steps, and tells its progress after each.", COUNT)
            .operation("stall", "Tells that half of the work is done, and never ends.")
            .operation("obey", "Works until it sees that it should end, and ends: the well-behaved one.")
            .operation_with("fail", "Fails with these words.", TEXT)
            .operation_with("judge", "Calls its parameter impossible, with these words.", TEXT)
            .operation_with("attached", "Gives the attached picture.", PICTURE)
            .operation("mark", "Fills all memory that it can get with a pattern, and ends well.")
            .operation("mark-and-trap", "Fills all memory that it can get with a pattern, and traps.")
            .operation("mark-and-seek", "Finds what it has left itself: the control.")
            .operation("seek", "Looks for the pattern in all memory that it can get.")
    }

    fn process(task: Task) -> Result<Vec<Image>, Failure> {
        let Some(step) = task.steps.first() else { return Err(Failure::failed("no step")) };
        let params = &step.params;
        let bytes = match step.operation.as_str() {
            "echo" => task.input.bytes,
            "spin" => spin(),
            "recurse" => vec![recurse(0)],
            "grow" => grow(),
            "trap" => core::arch::wasm32::unreachable(),
            "panic" => panic!("the plugin's own words"),
            "huge" => vec![7; number(params, "bytes")?],
            "copies" => {
                let copy = Image::new("application/octet-stream", task.input.bytes);
                return Ok(vec![copy; number(params, "count")?]);
            }
            "lie" => return Ok(vec![Image::new("text/html", *b"<script>alert(1)</script>")]),
            "half-lie" => {
                let honest = Image::new("application/octet-stream", task.input.bytes);
                return Ok(vec![honest, Image::new("text/html", *b"<script>alert(1)</script>")]);
            }
            "mislabel" => return Ok(vec![Image::new("image/png", *b"no png")]),
            "flood" => flood(number(params, "count")?),
            "rant" => {
                log(Level::Info, "x".repeat(number(params, "bytes")?));
                b"said".to_vec()
            }
            "creep" => creep(),
            "work" => work(number(params, "count")?),
            "stall" => {
                progress(0.5);
                spin()
            }
            "obey" => {
                while !cancelled() {
                    black_box(());
                }
                return Err(Failure::failed("told to end"));
            }
            "fail" => return Err(Failure::failed(params.require::<&str>("text")?)),
            "judge" => return Err(Failure::invalid_parameters(params.require::<&str>("text")?)),
            "attached" => task.attachment(params.require::<Attachment>("picture")?)?.bytes.clone(),
            "mark" => traces::mark(),
            "mark-and-trap" => {
                traces::mark();
                core::arch::wasm32::unreachable()
            }
            "mark-and-seek" => {
                traces::mark();
                traces::seek()
            }
            "seek" => traces::seek(),
            other => return Err(Failure::failed(format!("what is {other}?"))),
        };
        Ok(vec![Image::new("application/octet-stream", bytes)])
    }
}

tintype_plugin::export!(Hostile);

fn number(params: &Params, name: &str) -> Result<usize, Failure> {
    usize::try_from(params.require::<i64>(name)?).map_err(|_| Failure::invalid_parameters("too many"))
}

fn spin() -> Vec<u8> {
    let mut n = 0_u64;
    while black_box(n) < u64::MAX {
        n = n.wrapping_add(1) % 1000;
    }
    vec![]
}

fn recurse(depth: u64) -> u8 {
    let frame = black_box([depth; 16]);
    if black_box(true) { recurse(depth + 1).wrapping_add(frame[3] as u8) } else { 0 }
}

fn grow() -> Vec<u8> {
    let mut hoard = vec![];
    loop {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
    }
}

fn flood(lines: usize) -> Vec<u8> {
    for line in 0..lines {
        log(Level::Info, format!("line {line} \u{1b}[31m\nERROR a forged line {}", "x".repeat(2000)));
    }
    b"flooded".to_vec()
}

/// A guest has no clock: a step is some tens of milliseconds on any machine that is not very slow or
/// very fast.
fn work(steps: usize) -> Vec<u8> {
    let mut n = 1_u64;
    for step in 1..=steps {
        for _ in 0..30_000_000 {
            n = black_box(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
        progress(step as f32 / steps as f32);
    }
    n.to_be_bytes().to_vec()
}

/// There are a thousand million numbers between 0 and 1: more than fit before any deadline.
fn creep() -> Vec<u8> {
    let mut done = 0.0_f32;
    loop {
        done = done.next_up();
        progress(done);
    }
}
