//! Tries every operation of a processor on files, good ones and others.

use super::super::inputs::{self, Input, Kind};
use super::super::parameters;
use super::super::report::{Report, Verdict};
use super::super::verdict::judge;
use super::{Repeated, Runs};
use crate::plugin::{Ending, Image, Job, Operation, OutputFormat, Param, Step, Target, Value};

pub(super) fn check(runs: &mut Runs<'_>, report: &mut Report) {
    let plugin = runs.plugin;
    let descriptor = &plugin.descriptor;
    let unknown = inputs::unknown(&descriptor.accepts);
    if !unknown.is_empty() {
        let words = format!(
            "there is no sample of {}: try a picture of your own with `tintype plugin run`",
            unknown.join(", ")
        );
        report.note("samples", Verdict::Warning, words);
    }
    let inputs = inputs::all(&inputs::samples(&descriptor.accepts));
    let mut trial = Trial { runs, report, worked: vec![] };
    for operation in &descriptor.operations {
        trial.operation(operation, &inputs);
    }
    for format in &descriptor.produces {
        trial.output(format);
    }
}

/// What is going on.
struct Trial<'a, 'p> {
    runs: &'a mut Runs<'p>,
    report: &'a mut Report,
    /// Of each operation that gave a result, the first step and picture that did.
    worked: Vec<(Step, Image)>,
}

impl Trial<'_, '_> {
    fn operation(&mut self, operation: &Operation, inputs: &[Input]) {
        let name = operation.name.as_str();
        let Some(filled) = parameters::note(name, &operation.schema, self.report) else { return };
        let shown = filled.shown();
        let step = Step { operation: name.to_owned(), params: filled.params };
        let mut repeated = Repeated::default();
        for (number, input) in (1..).zip(inputs) {
            let ended = self.run(&step, &input.image, None, &input.name);
            let judged = judge(input.kind, ended.as_ref().map(drop), shown.as_deref());
            self.report.note_of(name, &input.name, judged.0, judged.1);
            match ended {
                // Of a plugin that accepts no type of which there is a sample, one result must do.
                Ok(images) if input.kind == Kind::Good || repeated.times == 0 => {
                    let again = self.run(&step, &input.image, None, &input.name);
                    repeated.compare(&input.name, &images, &again);
                    if self.worked.last().is_none_or(|(worked, _)| worked.operation != step.operation) {
                        self.worked.push((step.clone(), input.image.clone()));
                    }
                }
                // The same would come of all the others, each after as long a time.
                Err(Ending::Deadline) if number < inputs.len() => {
                    let words =
                        format!("{} further inputs, as long as it doesn't end", inputs.len() - number);
                    self.report.note_of(name, "the rest", Verdict::Skipped, words);
                    break;
                }
                _ => {}
            }
        }
        if let Some((verdict, words)) = repeated.verdict() {
            self.report.note_of(name, "the same again", verdict, words);
        }
    }

    /// Whether a format that it says it writes is written. An operation may refuse it, as one that gives
    /// no picture refuses an image's: then another one must not.
    fn output(&mut self, format: &OutputFormat) {
        const CHECK: &str = "writes";
        let media_type = &format.media_type;
        if self.worked.is_empty() {
            let words = format!("{media_type}: not before an operation gives a result");
            self.report.note(CHECK, Verdict::Skipped, words);
            return;
        }
        let Some(filled) = parameters::of_format(format, self.report) else { return };
        let target = Target { media_type: format.media_type.clone(), params: filled.params };
        let mut refusal = None;
        for (step, image) in self.worked.clone() {
            match self.run(&step, &image, Some(target.clone()), media_type) {
                Ok(_) => {
                    let words = format!("{media_type}, by {}", step.operation);
                    return self.report.note(CHECK, Verdict::Passed, words);
                }
                Err(refused @ Ending::InvalidParameters(_)) => {
                    refusal = refusal.or(Some((step.operation, refused)));
                }
                Err(ending) => {
                    refusal = Some((step.operation, ending));
                    break;
                }
            }
        }
        let Some((operation, ending)) = refusal else { return };
        let words = format!(
            "{media_type}: {operation} was asked for it, and {}. What to do: heed the target, or take the type out of \
             `produces`",
            ending.to_string().trim_end_matches('.')
        );
        self.report.note(CHECK, Verdict::Failed, words);
    }

    fn run(
        &mut self,
        step: &Step,
        input: &Image,
        target: Option<Target>,
        name: &str,
    ) -> Result<Vec<Image>, Ending> {
        let wants_picture = |param: &Param| matches!(param.value, Value::Attachment(_));
        let wanted = step.params.iter().chain(target.iter().flat_map(|target| &target.params));
        let attachments =
            if wanted.into_iter().any(wants_picture) { vec![inputs::attachment()] } else { vec![] };
        let job = Job { input: input.clone(), attachments, steps: vec![step.clone()], target };
        let label = format!("{}, {name}", step.operation);
        self.runs.run(&label, |plugin, context| plugin.process(job, context))
    }
}
