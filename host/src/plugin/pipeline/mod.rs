//! One picture through several plugins: what each is handed, and how it is turned into what the next
//! one takes.
//!
//! Processors take files, filters take pixels. Between filters a picture stays uncompressed; codecs
//! decode and encode where one sort follows the other, where the client's file is of a format that the
//! first plugin doesn't read, and where the last one doesn't write what is asked for.
//!
//! | question | file |
//! |---|---|
//! | which codec reads or writes a format | `codecs.rs` |
//! | what happens to one picture, run after run | `course.rs` |

mod codecs;
mod course;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

pub use self::codecs::Codecs;
use self::course::Course;
use super::descriptor::Descriptor;
use super::ending::Ending;
use super::interface::{Image, Kind, Param, SizeHint, Step, Target, Value};
use super::interrupt::Interrupt;
use super::loaded::Plugin;

/// What to run, in order.
#[derive(Debug)]
pub struct Pipeline {
    stages: Vec<Stage>,
    output: Output,
    codecs: Codecs,
}

/// Consecutive operations of one plugin: one run.
#[derive(Debug)]
pub struct Stage {
    /// Who does it, a processor or a filter.
    pub plugin: Arc<Plugin>,
    /// What, at least one.
    pub steps: Vec<Step>,
}

/// The format of the result.
#[derive(Clone, Debug)]
pub enum Output {
    /// That of the picture that came.
    AsInput,
    /// One that the last plugin, a processor, writes itself.
    ByProcessor(Target),
    /// One that a codec writes.
    ByCodec(Arc<Plugin>, Target),
}

/// A picture to work on.
#[derive(Debug)]
pub struct Work {
    /// The picture.
    pub input: Image,
    /// Pictures that parameters refer to.
    pub attachments: Vec<Image>,
}

/// What a pipeline has made.
#[derive(Debug)]
pub struct Developed {
    /// At least one.
    pub images: Vec<Image>,
    /// The most bytes of memory that any plugin had.
    pub peak_memory: usize,
}

/// A pipeline that gave no result.
#[derive(Debug)]
pub struct Stopped {
    /// The plugin that was running.
    pub plugin: String,
    /// The time that it had.
    pub deadline: Duration,
    /// How it ended.
    pub ending: Ending,
}

impl Stopped {
    /// An end for which no plugin is to blame.
    #[must_use]
    pub fn by_nobody(ending: Ending) -> Self {
        Self { plugin: String::new(), deadline: Duration::ZERO, ending }
    }
}

/// For whom a pipeline runs, and how it can be watched and ended.
pub struct Occasion<'a> {
    /// Names its runs in the log.
    pub subject: &'a str,
    /// Ends it.
    pub interrupt: &'a Interrupt,
    /// Longest time for all runs together, unless a plugin of it has more for itself.
    pub deadline: Duration,
    /// Is told how far it is, from 0 to 1.
    pub on_progress: Arc<dyn Fn(f32) + Send + Sync>,
    /// Is told of every run when it is over, if that is wanted.
    pub on_run: Option<OnRun>,
}

/// Is told of a run.
pub type OnRun = Arc<dyn Fn(&Ran<'_>) + Send + Sync>;

/// A run of a plugin that has just ended.
#[derive(Clone, Copy, Debug)]
pub struct Ran<'a> {
    /// Whose.
    pub plugin: &'a Descriptor,
    /// The operations, separated by commas, or what a codec did.
    pub operations: &'a str,
    /// How long it took.
    pub took: Duration,
    /// What its end is called where ends are counted, if it gave no result.
    pub failed: Option<&'static str>,
}

impl Pipeline {
    /// A pipeline of at least one stage.
    #[must_use]
    pub fn new(stages: Vec<Stage>, output: Output, codecs: Codecs) -> Self {
        Self { stages, output, codecs }
    }

    /// What it consists of.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Waits until every plugin of it that may run so and so often at once may run once more. To be held
    /// while it runs.
    ///
    /// # Errors
    /// It was cancelled meanwhile.
    pub async fn slots(&self, interrupt: &Interrupt) -> Result<Vec<OwnedSemaphorePermit>, Ending> {
        let mut plugins: Vec<&Arc<Plugin>> = self.stages.iter().map(|stage| &stage.plugin).collect();
        if self.needs_codecs() {
            plugins.extend(self.codecs.all());
        }
        // All take them in one order, so that no two wait for each other.
        plugins.sort_by_key(|plugin| &plugin.file);
        plugins.dedup_by_key(|plugin| &plugin.file);
        let mut slots = vec![];
        for plugin in plugins {
            slots.extend(interrupt.bound(plugin.slot()).await?);
        }
        Ok(slots)
    }

    fn needs_codecs(&self) -> bool {
        self.stages.len() > 1
            || self.stages.iter().any(Stage::is_filter)
            || matches!(self.output, Output::ByCodec(..))
    }

    /// Runs it on this thread until it ends or is interrupted.
    ///
    /// # Errors
    /// How it ended, if not with results.
    pub fn run(&self, work: Work, occasion: &Occasion<'_>) -> Result<Developed, Stopped> {
        Course::new(self, occasion).run(work)
    }
}

impl Stage {
    /// A stage of one operation.
    #[must_use]
    pub fn new(plugin: Arc<Plugin>, step: Step) -> Self {
        Self { plugin, steps: vec![step] }
    }

    /// How small a picture may be for the first operation, where its schema says which parameters tell.
    fn size_hint(&self) -> Option<SizeHint> {
        let first = self.steps.first()?;
        let schema = &self.plugin.descriptor.operation(&first.operation)?.schema;
        let pixels = |format: &str| {
            first.params.iter().find_map(|param| match param.value {
                Value::Integer(pixels) if schema.format_of(&param.name) == Some(format) => {
                    u32::try_from(pixels).ok()
                }
                _ => None,
            })
        };
        let hint = SizeHint { width: pixels("least-width"), height: pixels("least-height") };
        (hint != SizeHint::default()).then_some(hint)
    }

    /// The names of its operations.
    fn operations(&self) -> String {
        let names: Vec<&str> = self.steps.iter().map(|step| step.operation.as_str()).collect();
        names.join(",")
    }

    fn is_filter(&self) -> bool {
        self.plugin.kind() == Kind::Filter
    }
}

/// The task's pictures that one stage refers to, in the order in which it is handed them.
#[derive(Default)]
struct Attached(Vec<u32>);

impl Attached {
    /// The steps, as they refer to these pictures alone.
    fn steps(&mut self, steps: &[Step]) -> Vec<Step> {
        let own = |step: &Step| Step { operation: step.operation.clone(), params: self.params(&step.params) };
        steps.iter().map(own).collect()
    }

    /// The format, as it refers to these pictures alone.
    fn target(&mut self, target: Target) -> Target {
        Target { params: self.params(&target.params), ..target }
    }

    fn params(&mut self, params: &[Param]) -> Vec<Param> {
        let own = |param: &Param| {
            let value = match &param.value {
                Value::Attachment(index) => Value::Attachment(self.place(*index)),
                value => value.clone(),
            };
            Param { name: param.name.clone(), value }
        };
        params.iter().map(own).collect()
    }

    fn place(&mut self, index: u32) -> u32 {
        let at = self.0.iter().position(|known| *known == index).unwrap_or_else(|| {
            self.0.push(index);
            self.0.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// Those of `all` that are referred to.
    fn of<'a>(&self, all: &'a [Image]) -> impl Iterator<Item = &'a Image> {
        self.0.iter().filter_map(|index| all.get(*index as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(index: u32) -> Param {
        Param { name: "picture".to_owned(), value: Value::Attachment(index) }
    }

    #[test]
    fn a_stage_is_handed_the_pictures_that_it_refers_to_and_no_others() {
        let all: Vec<Image> =
            (0..4).map(|byte| Image { media_type: "image/png".to_owned(), bytes: vec![byte] }).collect();
        let step = Step { operation: "watermark".to_owned(), params: vec![param(3), param(1), param(3)] };
        let target = Target { media_type: "image/png".to_owned(), params: vec![param(1), param(0)] };
        let mut attached = Attached::default();
        let steps = attached.steps(&[step]);
        let target = attached.target(target);
        assert_eq!(steps.first().map(|step| step.params.clone()), Some(vec![param(0), param(1), param(0)]));
        assert_eq!(target.params, [param(1), param(2)]);
        let bytes: Vec<u8> = attached.of(&all).flat_map(|image| image.bytes.clone()).collect();
        assert_eq!(bytes, [3, 1, 0]);
    }
}
