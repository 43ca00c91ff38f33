//! Tries every operation on every input, each in a fresh instance as a server does it.

use std::time::{Duration, Instant};

use super::inputs::{self, Input, Kind};
use super::parameters::{self, Filled};
use super::report::{Report, Verdict};
use super::verdict::judge;
use crate::cli::plugin::shown;
use crate::plugin::{
    Ending, Image, Interrupt, Job, Operation, OutputFormat, Param, Plugin, RunContext, Step, Target,
};

/// A small picture that takes more than this part of the deadline or of the memory leaves too little for
/// one a hundred times as large.
const MODEST: u32 = 4;

pub(super) fn check(plugin: &Plugin, report: &mut Report) {
    let descriptor = &plugin.descriptor;
    let unknown = inputs::unknown(&descriptor.accepts);
    if !unknown.is_empty() {
        let words = format!(
            "there is no sample of {}: try a picture of your own with `tintype plugin run`",
            unknown.join(", ")
        );
        report.note("samples", Verdict::Warning, words);
    }
    let inputs = inputs::all(&descriptor.accepts);
    let mut trial = Trial { plugin, report, most: Most::default(), worked: None };
    for operation in &descriptor.operations {
        trial.operation(operation, &inputs);
    }
    for format in &descriptor.produces {
        trial.output(format);
    }
    trial.limits();
}

/// What is going on.
struct Trial<'a> {
    plugin: &'a Plugin,
    report: &'a mut Report,
    most: Most,
    /// The first step and picture that gave a result.
    worked: Option<(Step, Image)>,
}

/// The most that any run took.
#[derive(Default)]
struct Most {
    time: Duration,
    slowest: String,
    memory: usize,
    largest: String,
}

impl Trial<'_> {
    fn operation(&mut self, operation: &Operation, inputs: &[Input]) {
        let name = operation.name.as_str();
        let filled = match parameters::fill(&operation.schema) {
            Ok(filled) => filled,
            Err(problem) => {
                let of = problem.param.map(|param| format!(" of {param:?}")).unwrap_or_default();
                let words = format!(
                    "no values{of} were found that the schema takes ({}), so that the operation was not tried. What \
                     to do: give required parameters a default or examples",
                    problem.rule
                );
                self.report.note_of(name, "parameters", Verdict::Warning, words);
                return;
            }
        };
        let shown = (!filled.given.is_empty()).then(|| filled.show());
        let takes =
            shown.as_deref().map_or("none are required".to_owned(), |shown| format!("tried with {shown}"));
        self.report.note_of(name, "parameters", Verdict::Passed, takes);
        let step = step(name, &filled);
        let mut repeated = Repeated::default();
        for (number, input) in (1..).zip(inputs) {
            let ended = self.run(&step, &input.image, None, &input.name);
            let judged = judge(input.kind, ended.as_ref().map(drop), shown.as_deref());
            self.report.note_of(name, &input.name, judged.0, judged.1);
            match ended {
                // Of a plugin that accepts no type of which there is a sample, one result must do.
                Ok(images) if input.kind == Kind::Good || repeated.times == 0 => {
                    let again = self.run(&step, &input.image, None, &input.name);
                    repeated.compare(&input.name, &images, again);
                    self.worked.get_or_insert_with(|| (step.clone(), input.image.clone()));
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

    /// Whether a format that it says it writes is written.
    fn output(&mut self, format: &OutputFormat) {
        const CHECK: &str = "writes";
        let media_type = &format.media_type;
        let Some((step, image)) = self.worked.clone() else {
            let words = format!("{media_type}: not before an operation gives a result");
            self.report.note(CHECK, Verdict::Skipped, words);
            return;
        };
        let Ok(filled) = parameters::fill(&format.schema) else {
            let words = format!(
                "{media_type}: no parameters were found that its schema takes, so that it was not tried. What to do: \
                 give required ones a default or examples"
            );
            self.report.note(CHECK, Verdict::Warning, words);
            return;
        };
        let target = Target { media_type: format.media_type.clone(), params: filled.params };
        let judged = match self.run(&step, &image, Some(target), media_type) {
            Ok(_) => (Verdict::Passed, format!("{media_type}, by {}", step.operation)),
            Err(ending) => (
                Verdict::Failed,
                format!(
                    "{media_type}: {} was asked for it, and {}. What to do: heed the target, or take the type out of \
                     `produces`",
                    step.operation,
                    ending.to_string().trim_end_matches('.')
                ),
            ),
        };
        self.report.note(CHECK, judged.0, judged.1);
    }

    fn limits(&mut self) {
        let limits = self.plugin.limits();
        let most = &self.most;
        if most.slowest.is_empty() {
            self.report.note("limits", Verdict::Skipped, "not before an operation can be tried");
            return;
        }
        let words = format!(
            "at most {} of {} ({}) and {} of {} ({})",
            shown::time(most.time),
            shown::time(limits.deadline),
            most.slowest,
            shown::bytes(most.memory as u64),
            shown::bytes(limits.memory as u64),
            most.largest
        );
        let modest = most.time <= limits.deadline / MODEST && most.memory <= limits.memory / MODEST as usize;
        if modest {
            self.report.note("limits", Verdict::Passed, words);
        } else {
            let words = format!(
                "{words}: much for a picture of 24 by 16 pixels. What to do: see what takes it before larger ones come"
            );
            self.report.note("limits", Verdict::Warning, words);
        }
    }

    fn run(
        &mut self,
        step: &Step,
        input: &Image,
        target: Option<Target>,
        name: &str,
    ) -> Result<Vec<Image>, Ending> {
        let wants_picture = |param: &Param| matches!(param.value, crate::plugin::Value::Attachment(_));
        let wanted = step.params.iter().chain(target.iter().flat_map(|target| &target.params));
        let attachments =
            if wanted.into_iter().any(wants_picture) { vec![inputs::attachment()] } else { vec![] };
        let job = Job { input: input.clone(), attachments, steps: vec![step.clone()], target };
        let began = Instant::now();
        let interrupt = Interrupt::within(self.plugin.limits().deadline);
        let context = RunContext { subject: "check", interrupt: &interrupt, on_progress: Box::new(|_| ()) };
        let ended = self.plugin.process(job, context);
        let label = || format!("{}, {name}", step.operation);
        if began.elapsed() > self.most.time {
            (self.most.time, self.most.slowest) = (began.elapsed(), label());
        }
        ended.map(|(images, usage)| {
            if usage.peak_memory > self.most.memory {
                (self.most.memory, self.most.largest) = (usage.peak_memory, label());
            }
            images
        })
    }
}

fn step(operation: &str, filled: &Filled) -> Step {
    Step { operation: operation.to_owned(), params: filled.params.clone() }
}

/// Whether the same came of the same.
#[derive(Default)]
struct Repeated {
    times: usize,
    different: Vec<String>,
}

impl Repeated {
    fn compare(&mut self, input: &str, images: &[Image], again: Result<Vec<Image>, Ending>) {
        self.times += 1;
        if again.as_deref() != Ok(images) {
            self.different.push(input.to_owned());
        }
    }

    fn verdict(&self) -> Option<(Verdict, String)> {
        if self.times == 0 {
            None
        } else if self.different.is_empty() {
            Some((Verdict::Passed, "the same bytes come of the same picture and parameters".to_owned()))
        } else {
            let words = format!(
                "other bytes came of {} the second time. What to do: let nothing depend on chance, time or addresses",
                self.different.join(", ")
            );
            Some((Verdict::Failed, words))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_bytes_from_the_same_picture_are_a_fault() {
        let image = |byte| vec![Image { media_type: "image/png".to_owned(), bytes: vec![byte] }];
        let mut repeated = Repeated::default();
        assert_eq!(repeated.verdict(), None);
        repeated.compare("a", &image(1), Ok(image(1)));
        assert_eq!(repeated.verdict().map(|(verdict, _)| verdict), Some(Verdict::Passed));
        repeated.compare("b", &image(1), Ok(image(2)));
        repeated.compare("c", &image(1), Err(Ending::Deadline));
        let (verdict, words) = repeated.verdict().unwrap_or((Verdict::Passed, String::new()));
        assert_eq!(verdict, Verdict::Failed);
        assert!(words.contains("of b, c the second time"), "{words}");
    }
}
