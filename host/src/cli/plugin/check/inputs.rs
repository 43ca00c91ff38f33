//! Pictures to try a plugin with: good ones, damaged ones, ones that lie, and what is none at all.
//!
//! The good ones and the liars are made by `../samples/make.py`.

use crate::plugin::Image;

/// Bytes of random inputs: more than any header.
const RANDOM: usize = 4096;
/// How many random inputs, and how often each good picture is damaged.
const SEEDS: u64 = 3;

/// Pixels of every sample along the x axis, and along the y axis.
pub(super) const SAMPLE_SIZE: (u32, u32) = (24, 16);

/// A picture of [`SAMPLE_SIZE`] in a format, and the same with a header that claims millions.
struct Known {
    media_type: &'static str,
    tiny: &'static [u8],
    lying: &'static [u8],
}

macro_rules! samples {
    ($($media_type:literal: $extension:literal),+) => {
        &[$(Known {
            media_type: $media_type,
            tiny: include_bytes!(concat!("../samples/tiny.", $extension)),
            lying: include_bytes!(concat!("../samples/lying.", $extension)),
        }),+]
    };
}

const KNOWN: &[Known] = samples!(
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/bmp": "bmp",
    "image/tiff": "tiff",
    "image/qoi": "qoi",
    // A plugin that says it takes any bytes gets some.
    "application/octet-stream": "png"
);

/// What an input is, and so what should come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A picture of a type that the plugin accepts.
    Good,
    /// No picture, or half of one.
    Garbage,
    /// A picture with some bits turned over: anything that a header can say.
    Damaged,
    /// A picture whose header claims millions of pixels in each direction.
    Lying,
}

/// Something to try.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) image: Image,
}

/// A good picture of a format, from which others are made.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) media_type: String,
    pub(super) good: Vec<u8>,
    /// With a header that claims millions of pixels in each direction.
    pub(super) lying: Option<Vec<u8>>,
}

/// The samples there are of these types.
pub(super) fn samples(accepts: &[String]) -> Vec<Sample> {
    samples_of(|media_type| accepts.iter().any(|known| known == media_type))
}

/// Samples of other types.
pub(super) fn foreign(accepts: &[String]) -> Vec<Sample> {
    let any = "application/octet-stream";
    samples_of(|media_type| media_type != any && accepts.iter().all(|known| known != media_type))
}

fn samples_of(wanted: impl Fn(&str) -> bool) -> Vec<Sample> {
    let sample = |Known { media_type, tiny, lying }: &Known| Sample {
        media_type: (*media_type).to_owned(),
        good: tiny.to_vec(),
        lying: Some(lying.to_vec()),
    };
    KNOWN.iter().filter(|known| wanted(known.media_type)).map(sample).collect()
}

/// What a plugin is tried with that reads these.
pub(super) fn all(samples: &[Sample]) -> Vec<Input> {
    let some_type = samples.first().map_or("application/octet-stream", |sample| sample.media_type.as_str());
    let input = |name: String, kind, media_type: &str, bytes: Vec<u8>| {
        let image = Image { media_type: media_type.to_owned(), bytes };
        Input { name, kind, image }
    };
    let mut inputs = vec![];
    // Good ones first: what is wrong with everything shows there best.
    for Sample { media_type, good, .. } in samples {
        inputs.push(input(format!("good {media_type}"), Kind::Good, media_type, good.clone()));
    }
    for seed in 1..=SEEDS {
        let bytes = Random(seed).bytes(RANDOM);
        inputs.push(input(format!("random bytes {seed}"), Kind::Garbage, some_type, bytes));
    }
    inputs.push(input("no bytes".to_owned(), Kind::Garbage, some_type, vec![]));
    inputs.push(input("one byte".to_owned(), Kind::Garbage, some_type, vec![0xff]));
    for Sample { media_type, good, lying } in samples {
        let half = good.iter().take(good.len() / 2).copied().collect();
        inputs.push(input(format!("half {media_type}"), Kind::Garbage, media_type, half));
        for seed in 1..=SEEDS {
            let bytes = Random(seed).damaged(good);
            inputs.push(input(format!("damaged {media_type} {seed}"), Kind::Damaged, media_type, bytes));
        }
        if let Some(lying) = lying {
            inputs.push(input(format!("lying {media_type}"), Kind::Lying, media_type, lying.clone()));
        }
    }
    inputs
}

/// Types of which there is no sample.
pub(super) fn unknown(accepts: &[String]) -> Vec<&str> {
    let known = |media_type: &str| KNOWN.iter().any(|sample| sample.media_type == media_type);
    accepts.iter().map(String::as_str).filter(|media_type| !known(media_type)).collect()
}

/// A picture for parameters that want one.
pub(super) fn attachment() -> Image {
    let bytes = include_bytes!("../samples/tiny.png").to_vec();
    Image { media_type: "image/png".to_owned(), bytes }
}

/// `SplitMix64`: the same bytes on every machine and in every release.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(count).collect()
    }

    /// One bit in some 32 bytes is turned over, and one at least; but not in the signature: what no plugin
    /// knows tells nothing.
    fn damaged(&mut self, good: &[u8]) -> Vec<u8> {
        const SIGNATURE: usize = 8;
        let mut bytes = good.to_vec();
        let Some((_, rest)) = bytes.split_at_mut_checked(SIGNATURE) else { return bytes };
        for _ in 0..=rest.len() / 32 {
            let place = usize::try_from(self.next() >> 32).unwrap_or_default() % rest.len().max(1);
            let bit = self.next() & 7;
            if let Some(byte) = rest.get_mut(place) {
                *byte ^= 1 << bit;
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_same_inputs_come_every_time_and_no_two_are_alike() {
        let accepts: Vec<String> = KNOWN[..7].iter().map(|sample| sample.media_type.to_owned()).collect();
        let (inputs, again) = (all(&samples(&accepts)), all(&samples(&accepts)));
        for (number, input) in inputs.iter().enumerate() {
            assert_eq!(input.image, again[number].image);
            assert!(inputs[..number].iter().all(|other| other.image.bytes != input.image.bytes), "{input:?}");
            assert!(inputs[..number].iter().all(|other| other.name != input.name), "{input:?}");
        }
        let count = |kind| inputs.iter().filter(|input| input.kind == kind).count();
        assert_eq!((count(Kind::Good), count(Kind::Lying), count(Kind::Damaged)), (7, 7, 21));
        assert_eq!(count(Kind::Garbage), 2 + 3 + 7);
    }

    #[test]
    fn samples_begin_as_their_formats_do() {
        let begins = |media_type: &str| {
            let sample = KNOWN.iter().find(|sample| sample.media_type == media_type).unwrap();
            assert_eq!(sample.tiny.len(), sample.lying.len());
            assert_ne!(sample.tiny, sample.lying);
            assert_eq!(sample.tiny[..2], sample.lying[..2]);
            sample.tiny[..4].to_vec()
        };
        for (media_type, signature) in [
            ("image/png", b"\x89PNG"),
            ("image/jpeg", b"\xff\xd8\xff\xe0"),
            ("image/gif", b"GIF8"),
            ("image/webp", b"RIFF"),
            ("image/tiff", b"II*\0"),
            ("image/qoi", b"qoif"),
        ] {
            assert_eq!(begins(media_type), signature);
        }
        assert_eq!(begins("image/bmp")[..2], *b"BM");
    }

    #[test]
    fn a_type_without_a_sample_is_named() {
        let accepts = ["image/avif".to_owned(), "image/png".to_owned()];
        assert_eq!(unknown(&accepts), ["image/avif"]);
        let foreign: Vec<String> = foreign(&accepts).into_iter().map(|sample| sample.media_type).collect();
        assert!(foreign.len() == 6 && !foreign.contains(&accepts[1]), "{foreign:?}");
        assert!(all(&samples(&[])).iter().all(|input| input.kind == Kind::Garbage));
    }
}
