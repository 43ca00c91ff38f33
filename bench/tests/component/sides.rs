//! Both sides, each given the same work.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use tintype::config::{Config, Sources};
use tintype::plugin::{
    CompiledCode, Image, Interrupt, Job, Param, Plugin, PluginTables, RunContext, RunLimits, Sandbox, Step,
    Target, Value,
};
use tintype_pixels::{self as native, Format};

/// One operation and the format of what comes of it.
#[derive(Clone, Debug)]
pub struct Work {
    pub operation: &'static str,
    pub params: Vec<(&'static str, native::Value)>,
    pub to: Format,
    pub output: Vec<(&'static str, native::Value)>,
}

impl Work {
    pub fn convert(to: Format) -> Self {
        Self { operation: "convert", params: vec![], to, output: vec![] }
    }

    pub fn resize(width: u32, height: u32, fit: &str, to: Format) -> Self {
        let params = vec![
            ("width", native::Value::Integer(width.into())),
            ("height", native::Value::Integer(height.into())),
            ("fit", native::Value::Text(fit.to_owned())),
        ];
        Self { operation: "resize", params, to, output: vec![] }
    }

    pub fn thumbnails(sizes: &str, to: Format) -> Self {
        let params = vec![("sizes", native::Value::Text(sizes.to_owned()))];
        Self { operation: "thumbnails", params, to, output: vec![] }
    }
}

/// Loaded once: compiling it takes seconds.
static COMPONENT: LazyLock<Plugin> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/plugins/standard.wasm");
    let config = Config::read(&Sources::default()).unwrap();
    let sandbox = Sandbox::new(RunLimits::from_settings(&config.plugins), 1, false).unwrap();
    Plugin::load(&sandbox, &CompiledCode::none(), &file, u64::MAX, &PluginTables::default())
        .expect("`make build` has built the component")
});

fn params(pairs: &[(&'static str, native::Value)]) -> Vec<Param> {
    let value = |value: &native::Value| match value {
        native::Value::Integer(number) => Value::Integer(*number),
        native::Value::Text(text) => Value::Text(text.clone()),
        native::Value::Boolean(yes) => Value::Boolean(*yes),
        other => panic!("no work has a parameter like {other:?}"),
    };
    pairs.iter().map(|(name, given)| Param { name: (*name).to_owned(), value: value(given) }).collect()
}

/// The files that come of it, and the most memory that the component had.
pub fn in_sandbox(input: Vec<u8>, work: &Work) -> (Vec<Vec<u8>>, usize) {
    let job = Job {
        input: Image { media_type: "application/octet-stream".to_owned(), bytes: input },
        attachments: vec![],
        steps: vec![Step { operation: work.operation.to_owned(), params: params(&work.params) }],
        target: Some(Target { media_type: work.to.media_type().to_owned(), params: params(&work.output) }),
    };
    // Far more than any takes, however busy the machine is.
    let interrupt = Interrupt::within(Duration::from_secs(600));
    let context = RunContext { subject: "test", interrupt: &interrupt, on_progress: Box::new(|_| ()) };
    let (images, usage) =
        COMPONENT.process(job, context).unwrap_or_else(|ending| panic!("{work:?}: {ending:?}"));
    (images.into_iter().map(|image| image.bytes).collect(), usage.peak_memory)
}

/// The same without a sandbox.
pub fn natively(input: Vec<u8>, work: &Work) -> Vec<Vec<u8>> {
    let parameters = |pairs: &[(&'static str, native::Value)]| -> native::Parameters {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    };
    let steps = [native::Step { operation: work.operation.to_owned(), parameters: parameters(&work.params) }];
    let target =
        native::Target { media_type: work.to.media_type().to_owned(), parameters: parameters(&work.output) };
    let products =
        native::process(input, &steps, Some(&target), &native::Limits::default(), &native::Unwatched);
    products.unwrap().into_iter().map(native::Product::into_bytes).collect()
}
