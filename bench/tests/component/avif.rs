//! The codec for AVIF: that AV1 decoded in the sandbox is AV1 decoded natively, and in how much memory
//! pictures are read and written.

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tintype::config::{Config, Sources};
use tintype::plugin::{
    CompiledCode, Frame, Interrupt, Param, Picture, Plugin, PluginTables, RunContext, RunLimits, Sandbox,
    Target, Value,
};
use tintype_avif::Avif;
use tintype_pixels::Channels;
use tintype_plugin::Codec as _;

use crate::pictures::photograph;

/// Loaded once: compiling it takes seconds.
static COMPONENT: LazyLock<Plugin> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/plugins/standard-avif.wasm");
    let config = Config::read(&Sources::default()).unwrap();
    let sandbox = Sandbox::new(RunLimits::from_settings(&config.plugins), 1, false).unwrap();
    Plugin::load(&sandbox, &CompiledCode::none(), &file, u64::MAX, &PluginTables::default())
        .expect("`make build` has built the component")
});

/// A run that has more time than any takes, however busy the machine is.
fn run<T>(call: impl FnOnce(RunContext<'_>) -> T) -> T {
    let interrupt = Interrupt::within(Duration::from_secs(600));
    call(RunContext { subject: "test", interrupt: &interrupt, on_progress: Box::new(|_| ()) })
}

/// The file, and the most memory that the component had.
fn written(frame: Frame, params: &[(&str, Value)]) -> (Vec<u8>, usize) {
    let picture = Picture { frames: vec![frame], animation: None, color_profile: None };
    let params = params.iter().map(|(name, value)| Param { name: (*name).to_owned(), value: value.clone() });
    let target = Target { media_type: "image/avif".to_owned(), params: params.collect() };
    let (image, usage) = run(|context| COMPONENT.encode(picture, target, context)).unwrap();
    (image.bytes, usage.peak_memory)
}

fn natively_written(frame: Frame, speed: i64) -> Vec<u8> {
    let frame = tintype_plugin::Frame::new(frame.width, frame.height, frame.rgba).unwrap();
    let params = [("speed", tintype_plugin::Value::from(speed))].into_iter().collect();
    let target = tintype_plugin::Target { media_type: "image/avif".to_owned(), params };
    Avif::encode(tintype_plugin::Picture::still(frame), target).unwrap()
}

fn frame(width: u32, height: u32) -> Frame {
    let rgba = photograph(width, height, Channels::Rgba).bytes().to_vec();
    Frame { width, height, rgba }
}

#[test]
fn an_avif_is_decoded_to_the_same_pixels() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/avif/tests/files");
    let files = std::fs::read_dir(files).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let own = [(515, 389), (33, 17), (1, 1)].map(|(width, height)| written(frame(width, height), &[]).0);
    for file in files.chain(own) {
        let sandboxed = run(|context| COMPONENT.decode(&file, None, context));
        match Avif::decode(file.clone(), None) {
            Ok(native) => {
                let (_, sandboxed) = sandboxed.unwrap().0.unwrap();
                let native = native.into_first().unwrap();
                assert_eq!(
                    (sandboxed.frames[0].width, sandboxed.frames[0].height),
                    (native.width(), native.height())
                );
                assert!(sandboxed.frames[0].rgba == native.into_rgba());
            }
            Err(_) => assert!(sandboxed.is_err()),
        }
    }
}

/// The plugin itself, its stack and tables, and what the allocator cannot use.
const BESIDE: usize = 24 << 20;

#[test]
fn a_photograph_is_written_in_forty_bytes_a_pixel_and_read_in_sixteen() {
    let (width, height) = (1500, 1000);
    let pixels = 1500 * 1000;
    let began = Instant::now();
    let (file, peak) = written(frame(width, height), &[("speed", Value::Integer(10))]);
    println!("written: {} MiB, {:?}, {} bytes", peak >> 20, began.elapsed(), file.len());
    let began = Instant::now();
    let native = natively_written(frame(width, height), 10);
    println!("natively: {:?}, {} bytes", began.elapsed(), native.len());
    assert!(peak < 40 * pixels + BESIDE, "{} MiB", peak >> 20);
    let began = Instant::now();
    let (_, usage) = run(|context| COMPONENT.decode(&file, None, context)).unwrap();
    println!("read: {} MiB, {:?}", usage.peak_memory >> 20, began.elapsed());
    assert!(usage.peak_memory < 16 * pixels + BESIDE, "{} MiB", usage.peak_memory >> 20);
}
