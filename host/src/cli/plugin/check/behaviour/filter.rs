//! Tries every operation of a filter on pictures of every shape.

use super::super::frames::{self, Trial};
use super::super::parameters;
use super::super::report::{Report, Verdict};
use super::super::verdict::judge_applied;
use super::{Repeated, Runs};
use crate::plugin::{Ending, Operation, Param, Picture, Step, Value};

pub(super) fn check(runs: &mut Runs<'_>, report: &mut Report) {
    let trials = frames::all();
    for operation in &runs.plugin.descriptor.operations {
        check_operation(runs, operation, &trials, report);
    }
}

fn check_operation(runs: &mut Runs<'_>, operation: &Operation, trials: &[Trial], report: &mut Report) {
    let name = operation.name.as_str();
    let Some(filled) = parameters::note(name, &operation.schema, report) else { return };
    let shown = filled.shown();
    let step = Step { operation: name.to_owned(), params: filled.params };
    let mut repeated = Repeated::default();
    let mut once = None;
    for (number, trial) in (1..).zip(trials) {
        let picture = || frames::still(trial.frame.clone());
        let ended = apply(runs, picture(), std::slice::from_ref(&step), trial.name);
        let judged = judge_applied(trial.usual, ended.as_ref().map(drop), shown.as_deref());
        report.note_of(name, trial.name, judged.0, judged.1);
        match ended {
            Ok(result) if trial.usual => {
                let again = apply(runs, picture(), std::slice::from_ref(&step), trial.name);
                repeated.compare(trial.name, &result, &again);
                once.get_or_insert(result);
            }
            // The same would come of all the others, each after as long a time.
            Err(Ending::Deadline) if number < trials.len() => {
                let words = format!("{} further pictures, as long as it doesn't end", trials.len() - number);
                report.note_of(name, "the rest", Verdict::Skipped, words);
                return;
            }
            _ => {}
        }
    }
    let Some(once) = once else { return };
    let animated = apply(runs, frames::animation(), std::slice::from_ref(&step), "an animation");
    let judged = judge_applied(false, animated.as_ref().map(drop), shown.as_deref());
    report.note_of(name, "an animation", judged.0, judged.1);
    if let Some((verdict, words)) = repeated.verdict() {
        report.note_of(name, "the same again", verdict, words);
        // What differs by itself differs here as well.
        if verdict == Verdict::Passed {
            check_two_steps(runs, &step, once, report);
        }
    }
}

/// Whether two steps of one call give what two calls give, one after the other.
fn check_two_steps(runs: &mut Runs<'_>, step: &Step, once: Picture, report: &mut Report) {
    const CHECK: &str = "two steps";
    let one_by_one = apply(runs, once, std::slice::from_ref(step), CHECK);
    let together = apply(runs, frames::still(frames::usual()), &[step.clone(), step.clone()], CHECK);
    let (verdict, words) = match (one_by_one, together) {
        (Ok(first), Ok(second)) if first == second => (Verdict::Passed, "they are carried out in one call".to_owned()),
        (Ok(_), Ok(_)) => (
            Verdict::Failed,
            "twice the operation in one call gives other pixels than one call after the other. What to do: carry out \
             all of `steps`, in their order, each on what the one before gave"
                .to_owned(),
        ),
        // What it gave the first time can be too small for a second.
        (Err(_), Err(_)) => (Verdict::Passed, "a second one is refused in one call as well as in two".to_owned()),
        (_, Err(ending)) => (
            Verdict::Failed,
            format!("twice the operation in one call: {ending} What to do: carry out all of `steps`, in their order"),
        ),
        (Err(ending), Ok(_)) => (
            Verdict::Failed,
            format!(
                "twice the operation gives a result in one call, and in two: {ending} What to do: carry out all of \
                 `steps`, in their order"
            ),
        ),
    };
    report.note_of(&step.operation, CHECK, verdict, words);
}

fn apply(runs: &mut Runs<'_>, picture: Picture, steps: &[Step], name: &str) -> Result<Picture, Ending> {
    let wants_picture = |param: &Param| matches!(param.value, Value::Attachment(_));
    let wanted = steps.iter().flat_map(|step| &step.params).any(wants_picture);
    let attachments = if wanted { vec![frames::random()] } else { vec![] };
    let operation = steps.first().map_or("", |step| step.operation.as_str());
    let label = format!("{operation}, {name}");
    runs.run(&label, |plugin, context| plugin.apply(picture, attachments, steps.to_vec(), context))
}
