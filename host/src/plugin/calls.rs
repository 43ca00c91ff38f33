//! What a loaded plugin can be asked to do, by its kind; each call is a run in a fresh instance.

use std::time::Duration;

use super::ending::Ending;
use super::interface::{Contract, Frame, HEAD, Image, Job, Picture, SizeHint, Step, Target};
use super::loaded::Plugin;
use super::result;
use super::run::{Run, RunContext, Usage};

impl Plugin {
    /// Has a processor work, on this thread, until it ends or is interrupted.
    ///
    /// # Errors
    /// How it ended, if not with results.
    pub fn process(&self, job: Job, context: RunContext<'_>) -> Result<(Vec<Image>, Usage), Ending> {
        let Contract::Processor(processor) = &self.contract else { return Err(self.is_no("processor")) };
        let operation = operation_of(&job.steps);
        let wanted = job.target.as_ref().map(|target| target.media_type.clone());
        let max_output = self.limits().max_output;
        let ran = self.run(context, max_output).call(|store| processor.process(store, job));
        let produces: Vec<&str> =
            self.descriptor.produces.iter().map(|format| format.media_type.as_str()).collect();
        self.ended(operation, ran, |images| {
            result::check_images(images, wanted.as_deref(), &produces, max_output)
        })
    }

    /// Has a filter change every frame of a picture.
    ///
    /// # Errors
    /// How it ended, if not with a picture.
    pub fn apply(
        &self,
        picture: Picture,
        attachments: Vec<Frame>,
        steps: Vec<Step>,
        context: RunContext<'_>,
    ) -> Result<(Picture, Usage), Ending> {
        let Contract::Filter(filter) = &self.contract else { return Err(self.is_no("filter")) };
        let operation = operation_of(&steps);
        let Picture { frames, animation, color_profile } = picture;
        // The host holds them afterwards: no more than the guest may.
        let most = self.limits().memory;
        let apply = |store: &mut _| filter.apply(store, frames, attachments, steps, most);
        let ran = self.run(context, most).call(apply);
        let (frames, usage) =
            self.ended(operation, ran, |frames| result::check_frames(frames, self.limits()))?;
        Ok((Picture { frames, animation, color_profile }, usage))
    }

    /// Asks a codec for the media type of a file that it knows.
    ///
    /// # Errors
    /// How it ended, if not with an answer.
    pub fn probe(&self, file: &[u8], context: RunContext<'_>) -> Result<(Option<String>, Usage), Ending> {
        let Contract::Codec(codec) = &self.contract else { return Err(self.is_no("codec")) };
        let head = file.get(..HEAD).unwrap_or(file);
        let probe = |store: &mut _| codec.probe(store, head).map(Ok);
        let ran = self.run(context, 0).call(probe);
        self.ended("probe".to_owned(), ran, |probed| match probed {
            Some(media_type) => self.must_read(media_type),
            None => Ok(()),
        })
    }

    /// Has a codec decode a file, if it is one that it knows; gives its media type, too.
    ///
    /// # Errors
    /// How it ended, if not with a picture.
    pub fn decode(
        &self,
        file: &[u8],
        hint: Option<SizeHint>,
        context: RunContext<'_>,
    ) -> Result<(Option<(String, Picture)>, Usage), Ending> {
        let Contract::Codec(codec) = &self.contract else { return Err(self.is_no("codec")) };
        let decode = |store: &mut _| codec.decode(store, file, hint);
        let ran = self.run(context, self.limits().memory).call(decode);
        self.ended("decode".to_owned(), ran, |decoded| match decoded {
            Some((media_type, picture)) => {
                self.must_read(media_type)?;
                result::check_picture(picture, self.limits())
            }
            None => Ok(()),
        })
    }

    /// Has a codec encode a picture in a format that it writes.
    ///
    /// # Errors
    /// How it ended, if not with a file.
    pub fn encode(
        &self,
        picture: Picture,
        target: Target,
        context: RunContext<'_>,
    ) -> Result<(Image, Usage), Ending> {
        let Contract::Codec(codec) = &self.contract else { return Err(self.is_no("codec")) };
        let (media_type, max_output) = (target.media_type.clone(), self.limits().max_output);
        let (bytes, usage) = self.run(context, max_output).call(|store| codec.encode(store, picture, target));
        let ran = (bytes.map(|bytes| Image { media_type: media_type.clone(), bytes }), usage);
        self.ended("encode".to_owned(), ran, |image| {
            result::check_images(std::slice::from_ref(image), None, &[&media_type], max_output)
        })
    }

    /// Whether it says that it reads files of this media type. One that says nothing, or any bytes, may
    /// read any.
    #[must_use]
    pub fn reads(&self, media_type: &str) -> bool {
        let accepts = &self.descriptor.accepts;
        accepts.is_empty()
            || accepts.iter().any(|known| known == media_type || known == "application/octet-stream")
    }

    /// Whether it says that it writes files of this media type.
    #[must_use]
    pub fn writes(&self, media_type: &str) -> bool {
        self.descriptor.format(media_type).is_some()
    }

    fn run<'a>(&'a self, context: RunContext<'a>, most: usize) -> Run<'a> {
        Run {
            sandbox: &self.sandbox,
            limits: self.limits(),
            plugin: &self.descriptor.name,
            log_rate: &self.log_rate,
            context,
            most,
        }
    }

    /// Checks the result of a run, and counts the run.
    fn ended<T>(
        &self,
        operation: String,
        (result, usage): (Result<T, Ending>, Usage),
        check: impl FnOnce(&T) -> Result<(), Ending>,
    ) -> Result<(T, Usage), Ending> {
        let result = result.and_then(|value| check(&value).map(|()| value));
        self.sandbox.figures.ran(&self.descriptor, operation, result.as_ref().map(drop), usage);
        result.map(|value| (value, usage))
    }

    /// Counts how long a task waited for this plugin.
    pub fn has_waited(&self, time: Duration) {
        self.sandbox.figures.waited(&self.descriptor, time);
    }

    fn is_no(&self, kind: &str) -> Ending {
        Ending::Internal(format!("{} is a {}, and was used as a {kind}", self.descriptor.name, self.kind()))
    }

    /// A codec's answer goes to clients and to other plugins: no words but its own declared ones.
    fn must_read(&self, media_type: &str) -> Result<(), Ending> {
        if self.descriptor.accepts.iter().any(|known| known == media_type) {
            return Ok(());
        }
        Err(Ending::PluginError(format!(
            "The codec calls the file {media_type:?}, which it does not declare that it reads."
        )))
    }
}

/// What a run of these steps is counted as: a label for every row of operations would have no end, as
/// clients choose them.
fn operation_of(steps: &[Step]) -> String {
    match steps {
        [only] => only.operation.clone(),
        _ => "several".to_owned(),
    }
}
