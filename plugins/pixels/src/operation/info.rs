//! `info`: what is known about the picture, as a JSON document.

mod blurhash;
mod dominant;

use moxcms::{ColorProfile, ProfileText};
use serde_json::{Map, Value, json};

use super::focus::Miniature;
use super::{Describe, NO_PARAMETERS, Operation, Prepared};
use crate::origin::{Origin, Photograph};
use crate::{Error, Picture, Samples};

pub(super) const OPERATION: Operation = Operation {
    name: "info",
    summary: "Gives a JSON document about the picture, as it is at this place, instead of the picture. Must be the last operation.",
    schema: NO_PARAMETERS,
    read: |_| Ok(Prepared::Describe(Box::new(Info))),
};

struct Info;

impl Describe for Info {
    fn describe(&self, picture: &Picture, origin: &Origin) -> Result<String, Error> {
        let miniature = Miniature::of(picture);
        let bits = match picture.samples {
            Samples::Eight(_) => 8,
            Samples::Sixteen(_) => 16,
        };
        let mut document = json!({
            "format": origin.format.to_string().to_lowercase(),
            "media-type": origin.format.media_type(),
            "width": picture.width,
            "height": picture.height,
            "channels": picture.channels.count(),
            "bits": bits,
            "alpha": picture.channels.has_alpha(),
            // Of an animation the first one is read.
            "frames": 1,
            "orientation": origin.orientation.exif_value(),
            "dominant-color": dominant::color(&miniature),
            "blurhash": blurhash::encode(&miniature),
        });
        if let Some(members) = document.as_object_mut() {
            if let Some(profile) = &picture.icc {
                members.insert("color-profile".into(), profile_name(profile).into());
            }
            let photograph = exif(&origin.photograph);
            if !photograph.is_empty() {
                members.insert("exif".into(), Value::Object(photograph));
            }
        }
        Ok(document.to_string())
    }
}

fn exif(photograph: &Photograph) -> Map<String, Value> {
    let Photograph { make, model, taken, exposure, f_number, iso, focal_length } = photograph;
    let members = [
        ("make", json!(make)),
        ("model", json!(model)),
        ("date-taken", json!(taken)),
        ("exposure-time", json!(exposure)),
        ("f-number", json!(f_number)),
        ("iso", json!(iso)),
        ("focal-length", json!(focal_length)),
    ];
    members
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.into(), value))
        .collect()
}

/// The name that a profile gives itself, such as `Display P3`.
fn profile_name(profile: &[u8]) -> String {
    let text = ColorProfile::new_from_slice(profile).ok().and_then(|profile| profile.description);
    let name = match text {
        None => String::new(),
        Some(ProfileText::PlainString(text)) => text,
        Some(ProfileText::Description(text)) => text.ascii_string,
        Some(ProfileText::Localizable(texts)) => {
            let english = texts.iter().find(|text| text.language == "en").or(texts.first());
            english.map(|text| text.value.clone()).unwrap_or_default()
        }
    };
    // Nobody's name for a profile is longer.
    let shown: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
    if shown.trim().is_empty() { "unnamed".to_owned() } else { shown.trim().to_owned() }
}
