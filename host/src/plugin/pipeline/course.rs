//! What happens to one picture, run after run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Attached, Developed, Occasion, Output, Pipeline, Ran, Stage, Stopped, Work};
use crate::plugin::ending::Ending;
use crate::plugin::guest::OnProgress;
use crate::plugin::interface::{Frame, Image, Job, Picture, SizeHint, Target};
use crate::plugin::loaded::Plugin;
use crate::plugin::run::{RunContext, Usage};

/// Formats that lose nothing, for pictures on their way from one plugin to the next. PNG keeps a colour
/// profile and 16 bits; QOI keeps neither, and is several times as fast.
const LOSSLESS: [&str; 4] = ["image/png", "image/qoi", "image/tiff", "image/bmp"];
const LOSSLESS_AND_FAST: [&str; 4] = ["image/qoi", "image/png", "image/tiff", "image/bmp"];

/// Where a picture is between two stages.
enum Flow {
    File(Image),
    Pixels(Picture),
}

pub(super) struct Course<'a> {
    pipeline: &'a Pipeline,
    occasion: &'a Occasion<'a>,
    began: Instant,
    /// For all runs together.
    deadline: Duration,
    /// The stage that is running, from 0.
    at: usize,
    /// What the picture was before anything was done to it, as far as a codec has said so.
    original: Option<String>,
    /// The format that the last processor got its picture in, where that is not the client's own.
    handed_over: Option<String>,
    peak_memory: usize,
}

impl<'a> Course<'a> {
    pub(super) fn new(pipeline: &'a Pipeline, occasion: &'a Occasion<'a>) -> Self {
        let longest = pipeline.stages.iter().map(|stage| stage.plugin.limits().deadline).max();
        Self {
            pipeline,
            occasion,
            began: Instant::now(),
            deadline: occasion.deadline.max(longest.unwrap_or_default()),
            at: 0,
            original: None,
            handed_over: None,
            peak_memory: 0,
        }
    }

    pub(super) fn run(mut self, work: Work) -> Result<Developed, Stopped> {
        let images = self.images(work)?;
        Ok(Developed { images, peak_memory: self.peak_memory })
    }

    fn images(&mut self, work: Work) -> Result<Vec<Image>, Stopped> {
        let Work { input, attachments } = work;
        let mut flow = Flow::File(input);
        for (at, stage) in self.pipeline.stages.iter().enumerate() {
            self.at = at;
            flow = if stage.is_filter() {
                Flow::Pixels(self.filter(stage, flow, &attachments)?)
            } else {
                let mut images = self.process(stage, flow, &attachments)?;
                match (self.next(), images.pop()) {
                    (Some(_), Some(only)) if images.is_empty() => {
                        self.handed_over = Some(only.media_type.clone());
                        Flow::File(only)
                    }
                    (Some(_), _) => {
                        let name = &stage.plugin.descriptor.name;
                        return Err(Stopped::by_nobody(Ending::PluginError(format!(
                            "The plugin {name:?} gave several pictures, but only the last of several plugins may."
                        ))));
                    }
                    (None, last) => return self.finish(images.into_iter().chain(last)),
                }
            }
        }
        let picture = self.pixels(flow, None)?;
        Ok(vec![match &self.pipeline.output {
            Output::ByCodec(codec, target) => self.encode(codec, picture, target.clone())?,
            _ => {
                let media_type = self.original.clone().unwrap_or_else(|| LOSSLESS[0].to_owned());
                self.encode_as(picture, &media_type)?
            }
        }])
    }

    fn filter(&mut self, stage: &Stage, flow: Flow, attachments: &[Image]) -> Result<Picture, Stopped> {
        let picture = self.pixels(flow, stage.size_hint())?;
        let mut attached = Attached::default();
        let steps = attached.steps(&stage.steps);
        let mut frames: Vec<Frame> = vec![];
        for image in attached.of(attachments) {
            let (_, picture) = self.decode(image, None)?;
            frames.extend(picture.frames.into_iter().next());
        }
        let plugin = &stage.plugin;
        self.call(plugin, &stage.operations(), self.progress(), |context| {
            plugin.apply(picture, frames, steps, context)
        })
    }

    fn process(&mut self, stage: &Stage, flow: Flow, attachments: &[Image]) -> Result<Vec<Image>, Stopped> {
        let plugin = &stage.plugin;
        let input = self.file(flow, plugin)?;
        let target = self.target(plugin, &input)?;
        let mut attached = Attached::default();
        let (steps, target) = (attached.steps(&stage.steps), target.map(|target| attached.target(target)));
        let attachments = attached.of(attachments).cloned().collect();
        let job = Job { input, attachments, steps, target };
        self.call(plugin, &stage.operations(), self.progress(), |context| plugin.process(job, context))
    }

    /// The format that a processor is to write.
    fn target(&mut self, plugin: &Plugin, input: &Image) -> Result<Option<Target>, Stopped> {
        let handed_over = |taken: &dyn Fn(&str) -> bool| {
            LOSSLESS.into_iter().find(|media_type| plugin.writes(media_type) && taken(media_type)).map(plain)
        };
        let codecs = &self.pipeline.codecs;
        Ok(match (self.next(), &self.pipeline.output) {
            (Some(next), _) if next.is_filter() => {
                self.learn_original(input)?;
                handed_over(&|media_type| codecs.reads(media_type))
            }
            (Some(next), _) => {
                self.learn_original(input)?;
                // Without knowing what it was, it could not be made that again.
                let known = self.original.is_some();
                handed_over(&|media_type| known && next.plugin.reads(media_type))
            }
            (None, Output::ByProcessor(target)) => Some(target.clone()),
            (None, Output::ByCodec(..)) => handed_over(&|media_type| codecs.reads(media_type)),
            // Nobody asked for a format. The plugin keeps the one in which the picture was handed over to
            // it, and that becomes the original again; or it gives what has a format of its own, such as a
            // document, and must not be told that it shall be a picture. Only what no codec could make of
            // it again is asked for here.
            (None, Output::AsInput) => {
                let original = self.original.as_deref().filter(|original| *original != input.media_type);
                original
                    .filter(|original| codecs.writer(original).is_none() && plugin.writes(original))
                    .map(plain)
            }
        })
    }

    /// What the last processor gave, in the format that is asked for.
    fn finish(&mut self, images: impl Iterator<Item = Image>) -> Result<Vec<Image>, Stopped> {
        match &self.pipeline.output {
            Output::ByCodec(codec, target) => {
                images.map(|image| self.recode(image, codec, target.clone())).collect()
            }
            Output::ByProcessor(_) => Ok(images.collect()),
            Output::AsInput => images.map(|image| self.as_original(image)).collect(),
        }
    }

    /// A result that kept the format in which the picture was handed over becomes what the picture was.
    fn as_original(&mut self, image: Image) -> Result<Image, Stopped> {
        let kept = self.handed_over.as_ref() == Some(&image.media_type);
        let original = self.original.clone().filter(|original| kept && *original != image.media_type);
        let codecs = &self.pipeline.codecs;
        match original.and_then(|original| Some((codecs.writer(&original)?, plain(&original)))) {
            Some((codec, target)) => self.recode(image, codec, target),
            None => Ok(image),
        }
    }

    fn recode(&mut self, image: Image, codec: &Plugin, target: Target) -> Result<Image, Stopped> {
        let (_, picture) = self.decode(&image, None)?;
        self.encode(codec, picture, target)
    }

    /// The picture as a file that `plugin` reads.
    fn file(&mut self, flow: Flow, plugin: &Plugin) -> Result<Image, Stopped> {
        let picture = match flow {
            Flow::Pixels(picture) => picture,
            Flow::File(file) => match self.foreign(&file, plugin)? {
                Some((media_type, picture)) => {
                    self.original.get_or_insert(media_type);
                    picture
                }
                // Perhaps it is something else than the client says, and the plugin knows it.
                None => return Ok(file),
            },
        };
        let preferred = if picture.color_profile.is_some() { LOSSLESS } else { LOSSLESS_AND_FAST };
        let codecs = &self.pipeline.codecs;
        let taken = |media_type: &&str| plugin.reads(media_type) && codecs.writer(media_type).is_some();
        let original = self.original.clone().unwrap_or_default();
        let media_type = preferred.into_iter().find(taken).unwrap_or(&original).to_owned();
        let file = self.encode_as(picture, &media_type)?;
        self.handed_over = Some(media_type);
        Ok(file)
    }

    /// A file that `plugin` doesn't read and a codec does: because the client says so, or, where it says
    /// something that nobody knows (`application/octet-stream`, of any file), because the codec does.
    fn foreign(&mut self, file: &Image, plugin: &Plugin) -> Result<Option<(String, Picture)>, Stopped> {
        if plugin.reads(&file.media_type) {
            return Ok(None);
        }
        let codecs = &self.pipeline.codecs;
        if codecs.reads(&file.media_type) {
            return self.recognized(file, None);
        }
        // The others would only find what the plugin finds as well.
        let reads_more = |codec: &Plugin| codec.descriptor.accepts.iter().any(|known| !plugin.reads(known));
        for codec in codecs.readers_of(&file.media_type).into_iter().filter(|codec| reads_more(codec)) {
            let found =
                self.call(codec, "probe", unwatched(), |context| codec.probe(&file.bytes, context))?;
            if found.is_some_and(|media_type| !plugin.reads(&media_type)) {
                return self
                    .call(codec, "decode", unwatched(), |context| codec.decode(&file.bytes, None, context));
            }
        }
        Ok(None)
    }

    /// The picture without a file.
    fn pixels(&mut self, flow: Flow, hint: Option<SizeHint>) -> Result<Picture, Stopped> {
        match flow {
            Flow::Pixels(picture) => Ok(picture),
            Flow::File(file) => {
                let (media_type, picture) = self.decode(&file, hint)?;
                self.original.get_or_insert(media_type);
                Ok(picture)
            }
        }
    }

    fn decode(&mut self, file: &Image, hint: Option<SizeHint>) -> Result<(String, Picture), Stopped> {
        self.recognized(file, hint)?.ok_or_else(|| {
            let known = self.pipeline.codecs.read().join(", ");
            Stopped::by_nobody(Ending::InvalidImage(format!(
                "It is in none of the formats that can be read: {known}."
            )))
        })
    }

    /// A file's media type and picture, if a codec knows it.
    fn recognized(
        &mut self,
        file: &Image,
        hint: Option<SizeHint>,
    ) -> Result<Option<(String, Picture)>, Stopped> {
        for codec in self.pipeline.codecs.readers_of(&file.media_type) {
            let decoded =
                self.call(codec, "decode", unwatched(), |context| codec.decode(&file.bytes, hint, context))?;
            if decoded.is_some() {
                return Ok(decoded);
            }
        }
        Ok(None)
    }

    /// What the client's picture is, if a codec knows it.
    fn learn_original(&mut self, file: &Image) -> Result<(), Stopped> {
        for codec in self.pipeline.codecs.readers_of(&file.media_type) {
            if self.original.is_some() {
                break;
            }
            self.original =
                self.call(codec, "probe", unwatched(), |context| codec.probe(&file.bytes, context))?;
        }
        Ok(())
    }

    fn encode_as(&mut self, picture: Picture, media_type: &str) -> Result<Image, Stopped> {
        let Some(codec) = self.pipeline.codecs.writer(media_type) else {
            let known = self.pipeline.codecs.written().join(", ");
            let words =
                format!("Nothing here writes {media_type}: ask for another output. It can be {known}.");
            return Err(Stopped::by_nobody(Ending::InvalidParameters(words)));
        };
        self.encode(codec, picture, plain(media_type))
    }

    fn encode(&mut self, codec: &Plugin, picture: Picture, target: Target) -> Result<Image, Stopped> {
        self.call(codec, "encode", unwatched(), |context| codec.encode(picture, target, context))
    }

    /// Every run of the course goes through here.
    fn call<T>(
        &mut self,
        plugin: &Plugin,
        operations: &str,
        on_progress: OnProgress,
        call: impl FnOnce(RunContext<'_>) -> Result<(T, Usage), Ending>,
    ) -> Result<T, Stopped> {
        let (own, left) = (plugin.limits().deadline, self.deadline.saturating_sub(self.began.elapsed()));
        let interrupt = self.occasion.interrupt.narrowed(own.min(left));
        let subject = self.occasion.subject;
        let began = Instant::now();
        let ended = call(RunContext { subject, interrupt: &interrupt, on_progress });
        if let Some(on_run) = &self.occasion.on_run {
            let failed = ended.as_ref().err().map(Ending::name);
            on_run(&Ran { plugin: &plugin.descriptor, operations, took: began.elapsed(), failed });
        }
        match ended {
            Ok((value, usage)) => {
                self.peak_memory = self.peak_memory.max(usage.peak_memory);
                Ok(value)
            }
            Err(ending) => Err(Stopped {
                plugin: plugin.descriptor.name.clone(),
                deadline: if own <= left { own } else { self.deadline },
                ending,
            }),
        }
    }

    fn next(&self) -> Option<&'a Stage> {
        self.pipeline.stages.get(self.at + 1)
    }

    #[allow(clippy::cast_precision_loss)] // at most 16 stages
    fn progress(&self) -> OnProgress {
        let (at, of) = (self.at as f32, self.pipeline.stages.len() as f32);
        let told = Arc::clone(&self.occasion.on_progress);
        Box::new(move |done| told((at + done) / of))
    }
}

/// A format without parameters.
fn plain(media_type: &str) -> Target {
    Target { media_type: media_type.to_owned(), params: vec![] }
}

/// What takes long are the stages: how far a codec is, is not told.
fn unwatched() -> OnProgress {
    Box::new(|_| ())
}
