//! What the file of a result is called.

use std::path::{Path, PathBuf};

use super::error::ClientError;
use super::inputs::{Input, RESULT, STANDARD, Source};
use crate::media_type::file_names::{extension, picture_type};

/// The number of the result, from 1.
const NUMBER: &str = "{n}";
/// The picture's name without its end.
const NAME: &str = "{name}";
/// The end of a name that the result's media type has.
const EXTENSION: &str = "{ext}";

/// Where results go, as `-o` says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nothing was said: beside the picture.
    Beside,
    /// Standard output.
    Standard,
    /// One file, or several that are numbered after it.
    File(PathBuf),
    /// A folder, which is made if there is none.
    Folder(PathBuf),
    /// A name with places in it.
    Pattern(String),
}

/// What a result is named after.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// Without an end.
    pub(super) name: String,
    /// Folders between the target's and the result.
    pub(super) within: PathBuf,
    /// The picture, which must stay; none where there is only a task.
    pub(super) picture: Option<PathBuf>,
}

impl Subject {
    pub(super) fn of(input: &Input) -> Self {
        let picture = input.path().map(Path::to_owned);
        Self { name: input.name.clone(), within: input.within.clone(), picture }
    }

    pub(super) fn of_task(id: &str) -> Self {
        Self { name: id.to_owned(), within: PathBuf::new(), picture: None }
    }
}

/// One of a task's results.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// From 1.
    pub(super) number: usize,
    /// How many there are.
    pub(super) count: usize,
    pub(super) media_type: &'a str,
}

impl Target {
    /// Reads `-o`, for these pictures.
    ///
    /// # Errors
    /// Several pictures would have one place.
    pub fn for_pictures(out: Option<&Path>, inputs: &[Input]) -> Result<Self, ClientError> {
        let is_many = inputs.len() > 1 || inputs.iter().any(|input| !input.within.as_os_str().is_empty());
        let is_standard = inputs.iter().any(|input| input.source == Source::Standard);
        match out {
            None if is_standard => Ok(Self::Standard),
            None => Ok(Self::Beside),
            Some(out) => Self::read(out, is_many, "pictures"),
        }
    }

    /// Reads `-o`, for the results of so many tasks.
    ///
    /// # Errors
    /// Several tasks would have one place.
    pub fn for_tasks(out: Option<&Path>, tasks: usize) -> Result<Self, ClientError> {
        out.map_or(Ok(Self::Beside), |out| Self::read(out, tasks > 1, "tasks"))
    }

    fn read(out: &Path, is_many: bool, of_what: &str) -> Result<Self, ClientError> {
        let text = out.to_string_lossy();
        let one_place = || {
            ClientError::Misuse(format!(
                "the results of several {of_what} do not fit into {text}: name a folder by -o, or a pattern with \
                 {NAME}, such as -o 'small/{NAME}.{EXTENSION}'"
            ))
        };
        if text == STANDARD {
            return if is_many { Err(one_place()) } else { Ok(Self::Standard) };
        }
        if [NUMBER, NAME, EXTENSION].iter().any(|place| text.contains(place)) {
            if is_many && !text.contains(NAME) {
                return Err(one_place());
            }
            return Ok(Self::Pattern(text.into_owned()));
        }
        if text.ends_with('/') || out.is_dir() {
            return Ok(Self::Folder(out.to_owned()));
        }
        match (is_many, picture_type(out).is_some() || out.is_file()) {
            (false, _) => Ok(Self::File(out.to_owned())),
            (true, false) => Ok(Self::Folder(out.to_owned())),
            (true, true) => Err(one_place()),
        }
    }

    /// The file of a result; none on standard output.
    pub(super) fn path(&self, subject: &Subject, place: Place<'_>) -> Option<PathBuf> {
        let Place { number, count, media_type } = place;
        let end = extension(media_type);
        let numbered = |stem: &str| if count == 1 { stem.to_owned() } else { format!("{stem}-{number}") };
        let name = &subject.name;
        Some(match self {
            Self::Standard => return None,
            Self::Beside => match &subject.picture {
                Some(picture) => picture.with_file_name(format!("{name}.{}.{end}", numbered(RESULT))),
                None => PathBuf::from(format!("{}.{end}", numbered(name))),
            },
            Self::File(file) if count == 1 => file.clone(),
            Self::File(file) => {
                let stem = file.file_stem().unwrap_or_default().to_string_lossy();
                let end = file.extension().map(|end| format!(".{}", end.to_string_lossy()));
                file.with_file_name(format!("{}{}", numbered(&stem), end.unwrap_or_default()))
            }
            Self::Folder(folder) => folder.join(&subject.within).join(format!("{}.{end}", numbered(name))),
            Self::Pattern(pattern) => {
                // What takes the place of one is not looked at again: a picture may be called {n}.
                let filled = fill(pattern, |place| match place {
                    NUMBER => Some(number.to_string()),
                    NAME => Some(name.clone()),
                    EXTENSION => Some(end.to_owned()),
                    _ => None,
                });
                let filled = PathBuf::from(filled);
                if count == 1 || pattern.contains(NUMBER) {
                    filled
                } else {
                    return Self::File(filled).path(subject, place);
                }
            }
        })
    }
}

/// Puts what `value` says into the places of a pattern.
fn fill(pattern: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find('{') {
        let (before, place) = rest.split_at(at);
        filled.push_str(before);
        let end = place.find('}').map_or(place.len(), |end| end + 1);
        match place.get(..end).and_then(&value) {
            Some(value) => {
                filled.push_str(&value);
                rest = place.get(end..).unwrap_or_default();
            }
            None => {
                filled.push('{');
                rest = place.get(1..).unwrap_or_default();
            }
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn picture(path: &str, within: &str) -> Input {
        let name = Path::new(path).file_stem().unwrap().to_string_lossy().into_owned();
        Input { source: Source::File(path.into()), within: within.into(), name }
    }

    fn named(out: Option<&str>, inputs: &[Input], number: usize, count: usize) -> String {
        let target = Target::for_pictures(out.map(Path::new), inputs).unwrap();
        let place = Place { number, count, media_type: "image/webp" };
        target.path(&Subject::of(&inputs[0]), place).map_or("-".to_owned(), |path| path.display().to_string())
    }

    #[test]
    fn one_pictures_results_are_named_as_they_are_asked_for() {
        let one = [picture("a/photo.jpg", "")];
        for (out, number, count, name) in [
            (None, 1, 1, "a/photo.result.webp"),
            (None, 2, 3, "a/photo.result-2.webp"),
            (Some("b.png"), 1, 1, "b.png"),
            (Some("c/b.png"), 2, 3, "c/b-2.png"),
            (Some("b"), 2, 3, "b-2"),
            (Some("new/"), 1, 1, "new/photo.webp"),
            (Some("/tmp"), 2, 2, "/tmp/photo-2.webp"),
            (Some("{name}-{n}.{ext}"), 2, 2, "photo-2.webp"),
            (Some("x-{name}.{ext}"), 2, 2, "x-photo-2.webp"),
            (Some("{no}{n}"), 1, 1, "{no}1"),
            (Some("-"), 1, 1, "-"),
        ] {
            assert_eq!(named(out, &one, number, count), name, "{out:?}");
        }
        let odd = [picture("{n}.jpg", "")];
        assert_eq!(named(Some("{name}{n}{"), &odd, 7, 7), "{n}7{");
        let standard = [Input { source: Source::Standard, within: PathBuf::new(), name: "stdin".to_owned() }];
        assert_eq!(named(None, &standard, 1, 1), "-");
    }

    #[test]
    fn several_pictures_go_into_a_folder_as_they_lay() {
        let many = [picture("in/x/a.jpg", "x"), picture("in/b.jpg", "")];
        assert_eq!(named(Some("small"), &many, 1, 1), "small/x/a.webp");
        assert_eq!(named(Some("small/{name}.{ext}"), &many, 1, 1), "small/a.webp");
        for out in ["-", "b.png", "out-{n}.png"] {
            assert!(Target::for_pictures(Some(Path::new(out)), &many).is_err(), "{out}");
        }
    }
}
