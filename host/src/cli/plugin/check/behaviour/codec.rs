//! Tries a codec on files of the formats that it reads, on others, and on what it writes itself.

use super::super::frames;
use super::super::inputs::{self, Input, Kind, SAMPLE_SIZE, Sample};
use super::super::parameters;
use super::super::report::{Report, Verdict};
use super::super::verdict::{judge_applied, judge_decoded};
use super::{Repeated, Runs};
use crate::plugin::{Ending, Image, OutputFormat, Picture, SizeHint, Target};

/// The names under which findings stand together.
const PROBE: &str = "probe";
const DECODE: &str = "decode";
const ENCODE: &str = "encode";

pub(super) fn check(runs: &mut Runs<'_>, report: &mut Report) {
    let descriptor = &runs.plugin.descriptor;
    // What it writes is a sample of what it reads, where there is no other.
    let written: Vec<Sample> =
        descriptor.produces.iter().filter_map(|format| check_format(runs, format, report)).collect();
    if descriptor.accepts.is_empty() {
        return;
    }
    let mut samples = inputs::samples(&descriptor.accepts);
    let mut unknown = inputs::unknown(&descriptor.accepts);
    unknown.retain(|media_type| {
        let own = written.iter().find(|sample| sample.media_type == *media_type);
        samples.extend(own.cloned());
        own.is_none()
    });
    if !unknown.is_empty() {
        let words = format!(
            "there is none of {}, and it writes none itself: send one to a server that has the codec",
            unknown.join(", ")
        );
        report.note("samples", Verdict::Warning, words);
    }
    let inputs = inputs::all(&samples);
    check_probe(runs, &inputs, report);
    check_decode(runs, &inputs, report);
}

/// Whether it recognizes its own files, and no others.
fn check_probe(runs: &mut Runs<'_>, inputs: &[Input], report: &mut Report) {
    let own = inputs.iter().filter(|input| input.kind == Kind::Good);
    // Half a file begins as the whole does, and may be recognized.
    let garbage = inputs
        .iter()
        .filter(|input| input.kind == Kind::Garbage && !input.name.starts_with("half"))
        .map(|input| (input.name.clone(), input.image.bytes.clone(), None));
    let foreign = inputs::foreign(&runs.plugin.descriptor.accepts)
        .into_iter()
        .map(|sample| (format!("a file of {}", sample.media_type), sample.good, None));
    let own = own
        .map(|input| (input.name.clone(), input.image.bytes.clone(), Some(input.image.media_type.clone())));
    for (name, bytes, expected) in own.chain(garbage).chain(foreign) {
        let probed = runs.run(&format!("{PROBE}, {name}"), |plugin, context| plugin.probe(&bytes, context));
        let (verdict, words) = match (probed, expected) {
            (Ok(probed), expected) if probed == expected => (Verdict::Passed, "it is right".to_owned()),
            (Ok(Some(probed)), None) => (
                Verdict::Failed,
                format!(
                    "it calls it {probed}, which keeps it from the codec that could read it. What to do: compare the \
                     format's whole signature"
                ),
            ),
            (Ok(probed), expected) => (
                Verdict::Failed,
                format!(
                    "it calls it {}, not {}. What to do: recognize it by its first bytes, or take its type out of \
                     `reads`",
                    probed.as_deref().unwrap_or("none of its own"),
                    expected.unwrap_or_default()
                ),
            ),
            (Err(ending), _) => {
                let words = format!(
                    "{ending} What to do: any bytes may come, none too: compare lengths before use, and answer with a \
                     type of `reads` or with nothing"
                );
                (Verdict::Failed, words)
            }
        };
        report.note_of(PROBE, &name, verdict, words);
    }
}

/// Whether good files become pictures, the same every time, and others do no harm.
fn check_decode(runs: &mut Runs<'_>, inputs: &[Input], report: &mut Report) {
    let mut repeated = Repeated::default();
    for (number, input) in (1..).zip(inputs) {
        let ended = decode(runs, input, None);
        let judged = judge_decoded(input.kind, ended.as_ref().map(Option::is_some));
        report.note_of(DECODE, &input.name, judged.0, judged.1);
        match ended {
            Ok(Some(picture)) if input.kind == Kind::Good => {
                let again = decode(runs, input, None);
                repeated.compare(&input.name, &Some(picture.clone()), &again);
                check_size(input, &picture, report);
                for hint in [(Some(6), Some(4)), (Some(12), None), (None, Some(3))] {
                    let hint = SizeHint { width: hint.0, height: hint.1 };
                    check_hint(runs, input, hint, report);
                }
            }
            // The same would come of all the others, each after as long a time.
            Err(Ending::Deadline) if number < inputs.len() => {
                let words = format!("{} further files, as long as it doesn't end", inputs.len() - number);
                report.note_of(DECODE, "the rest", Verdict::Skipped, words);
                break;
            }
            _ => {}
        }
    }
    if let Some((verdict, words)) = repeated.verdict() {
        report.note_of(DECODE, "the same again", verdict, words);
    }
}

fn check_size(input: &Input, picture: &Picture, report: &mut Report) {
    let check = format!("size of {}", input.image.media_type);
    let (verdict, words) = match size(picture) {
        SAMPLE_SIZE => (Verdict::Passed, "24 by 16 pixels".to_owned()),
        (width, height) => (
            Verdict::Failed,
            format!(
                "{width} by {height} pixels came of a file that has 24 by 16. What to do: read its header again"
            ),
        ),
    };
    report.note_of(DECODE, &check, verdict, words);
}

/// Whether a picture of reduced size is as large as was asked for, and has the same shape.
fn check_hint(runs: &mut Runs<'_>, input: &Input, hint: SizeHint, report: &mut Report) {
    let least = |side: Option<u32>| side.map_or("any".to_owned(), |side| side.to_string());
    let check = format!("{}, of which {}×{} would do", input.name, least(hint.width), least(hint.height));
    let (verdict, words) = match decode(runs, input, Some(hint)) {
        Ok(Some(picture)) => match fault_of_reduced(size(&picture), hint) {
            None => (Verdict::Passed, "it is large enough".to_owned()),
            Some(fault) => (Verdict::Failed, fault),
        },
        Ok(None) => (Verdict::Failed, "its probe doesn't recognize it this time".to_owned()),
        Err(ending) => (
            Verdict::Failed,
            format!("with a hint, {ending} What to do: decode it at its full size where less isn't possible"),
        ),
    };
    report.note_of(DECODE, &check, verdict, words);
}

/// What is wrong with this size of a sample, when it may be reduced by this hint.
fn fault_of_reduced((width, height): (u32, u32), hint: SizeHint) -> Option<String> {
    let (full_width, full_height) = SAMPLE_SIZE;
    let seen = format!("{width} by {height} pixels came of 24 by 16");
    if hint.width.is_some_and(|least| width < least) || hint.height.is_some_and(|least| height < least) {
        return Some(format!(
            "{seen}, fewer than the hint asks for. What to do: a hint is the least that will do on each side; round up"
        ));
    }
    // A side that is rounded by one pixel is off by as much as the other's full length.
    let off = (width * full_height).abs_diff(height * full_width);
    (width > full_width || height > full_height || off > full_width.max(full_height)).then(|| {
        format!(
            "{seen}, of another shape. What to do: divide both sides by the same, or leave the hint alone"
        )
    })
}

/// Whether a format is written; gives a file of it.
fn check_format(runs: &mut Runs<'_>, format: &OutputFormat, report: &mut Report) -> Option<Sample> {
    let filled = parameters::of_format(format, report)?;
    let shown = filled.shown();
    let media_type = &format.media_type;
    let target = Target { media_type: media_type.clone(), params: filled.params };
    let one_pixel = frames::gradient(1, 1);
    let pictures = [
        ("a picture", frames::still(frames::usual())),
        ("random pixels", frames::still(frames::random())),
        ("one pixel", frames::still(one_pixel)),
        ("an animation", frames::animation()),
        ("1000×1000", frames::still(frames::gradient(1000, 1000))),
    ];
    let mut repeated = Repeated::default();
    let mut sample = None;
    for (number, (name, picture)) in (1..).zip(&pictures) {
        let check = format!("{name} as {media_type}");
        let mut encode = || {
            let label = format!("{ENCODE}, {check}");
            runs.run(&label, |plugin, context| plugin.encode(picture.clone(), target.clone(), context))
        };
        let ended = encode();
        match &ended {
            Ok(file) => {
                let again = encode();
                repeated.compare(name, file, &again);
                let (verdict, words) = read_back(runs, file, size(picture));
                report.note_of(ENCODE, &check, verdict, words);
                let good =
                    || Sample { media_type: media_type.clone(), good: file.bytes.clone(), lying: None };
                sample.get_or_insert_with(good);
            }
            Err(ending) => {
                let (verdict, words) = judge_applied(number == 1, Err(ending), shown.as_deref());
                report.note_of(ENCODE, &check, verdict, words);
                if *ending == Ending::Deadline {
                    break;
                }
            }
        }
    }
    if let Some((verdict, words)) = repeated.verdict() {
        report.note_of(ENCODE, &format!("{media_type} again"), verdict, words);
    }
    sample
}

/// Whether a file that it wrote is read again, where it reads the format.
fn read_back(runs: &mut Runs<'_>, file: &Image, written: (u32, u32)) -> (Verdict, String) {
    let Image { media_type, bytes } = file;
    if bytes.is_empty() {
        return (
            Verdict::Failed,
            "the file has no bytes. What to do: return all that was written".to_owned(),
        );
    }
    if !runs.plugin.descriptor.accepts.contains(media_type) {
        return (Verdict::Passed, format!("{} bytes", bytes.len()));
    }
    let label = format!("{DECODE}, its own {media_type}");
    let todo = "What to do: read and write the format in the same way";
    match runs.run(&label, |plugin, context| plugin.decode(bytes, None, context)) {
        Ok(Some((read, picture))) if read == *media_type && size(&picture) == written => {
            (Verdict::Passed, format!("{} bytes, which are read again", bytes.len()))
        }
        Ok(Some((read, picture))) => {
            let ((width, height), (was_width, was_height)) = (size(&picture), written);
            let words = format!(
                "what it wrote of {was_width} by {was_height} pixels is read as {read} of {width} by {height}. {todo}"
            );
            (Verdict::Failed, words)
        }
        Ok(None) => (Verdict::Failed, format!("its probe doesn't recognize what it wrote. {todo}")),
        Err(ending) => (Verdict::Failed, format!("when it reads what it wrote, {ending} {todo}")),
    }
}

fn decode(runs: &mut Runs<'_>, input: &Input, hint: Option<SizeHint>) -> Result<Option<Picture>, Ending> {
    let label = format!("{DECODE}, {}", input.name);
    let decoded = runs.run(&label, |plugin, context| plugin.decode(&input.image.bytes, hint, context));
    decoded.map(|decoded| decoded.map(|(_, picture)| picture))
}

/// All frames have one size, and there is one at least: the host has seen to it.
fn size(picture: &Picture) -> (u32, u32) {
    picture.frames.first().map_or((0, 0), |frame| (frame.width, frame.height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reduced_picture_is_no_smaller_than_asked_and_keeps_its_shape() {
        let hint = SizeHint { width: Some(6), height: Some(4) };
        for good in [(24, 16), (12, 8), (6, 4), (7, 5), (8, 6)] {
            assert_eq!(fault_of_reduced(good, hint), None, "{good:?}");
        }
        let words = |size, hint| fault_of_reduced(size, hint).unwrap_or_default();
        assert!(words((3, 2), hint).contains("fewer"), "{}", words((3, 2), hint));
        for wrong in [(24, 8), (12, 16), (48, 32)] {
            assert!(words(wrong, hint).contains("shape"), "{wrong:?}");
        }
        let only_height = SizeHint { width: None, height: Some(3) };
        assert_eq!(fault_of_reduced((5, 3), only_height), None);
        assert!(words((3, 2), only_height).contains("fewer"));
    }
}
