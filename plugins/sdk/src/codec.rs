//! Plugins that read and write file formats.

use std::marker::PhantomData;

use crate::bindings::codec::exports::tintype::plugin::codec as wit;
use crate::bindings::filter::tintype::plugin::pixels;
use crate::bindings::tintype::plugin::types;
use crate::{Descriptor, Failure, Picture, SizeHint, Target};

/// What the author of a codec implements.
///
/// ```
/// use tintype_plugin::{Codec, Descriptor, Failure, Frame, Picture, SizeHint, Target, descriptor};
///
/// /// One pixel: its four bytes after four letters.
/// struct Pixel;
///
/// impl Codec for Pixel {
///     fn describe() -> Descriptor {
///         descriptor!("Files of one pixel.").accepts("image/x-pixel").produces("image/x-pixel")
///     }
///
///     fn probe(head: &[u8]) -> Option<&'static str> {
///         head.starts_with(b"PIXL").then_some("image/x-pixel")
///     }
///
///     fn decode(file: Vec<u8>, _: Option<SizeHint>) -> Result<Picture, Failure> {
///         let pixel = file.get(4..8).ok_or(Failure::invalid_image("It ends early."))?;
///         Frame::new(1, 1, pixel.to_vec()).map(Picture::still)
///     }
///
///     fn encode(picture: Picture, _: Target) -> Result<Vec<u8>, Failure> {
///         let frame = picture.into_first()?;
///         Ok([&b"PIXL"[..], &frame.pixels()[0]].concat())
///     }
/// }
///
/// tintype_plugin::export_codec!(Pixel);
/// # fn main() {
/// # let picture = Pixel::decode(b"PIXL1234".to_vec(), None).unwrap();
/// # assert_eq!(picture.frames[0].pixels(), [*b"1234"]);
/// # }
/// ```
pub trait Codec {
    /// Says what the codec is and can do; the same every time. Media types that
    /// it accepts are those that it reads, and those that it produces it
    /// writes; operations count for nothing.
    fn describe() -> Descriptor;

    /// Which of the accepted media types a file has, by its first bytes, at
    /// most 4096.
    fn probe(head: &[u8]) -> Option<&'static str>;

    /// Decodes a file. With a hint, a picture of reduced size may be given, if
    /// that is less work; its sides keep their ratio.
    ///
    /// # Errors
    /// A [`Failure`], whose text the client reads.
    fn decode(file: Vec<u8>, hint: Option<SizeHint>) -> Result<Picture, Failure>;

    /// Encodes a picture in one of the produced media types. Of an animation in
    /// a format that has none, the first frame.
    ///
    /// # Errors
    /// A [`Failure`], whose text the client reads.
    fn encode(picture: Picture, target: Target) -> Result<Vec<u8>, Failure>;
}

/// Makes a type that implements [`Codec`] what the component exports.
///
/// Once in a crate, in place of [`export!`](crate::export).
#[macro_export]
macro_rules! export_codec {
    ($codec:ty) => {
        #[allow(unsafe_code, reason = "the component's exports are raw functions")]
        const _: () = {
            type Exported = $crate::CodecAdapter<$codec>;
    $crate::bindings::codec::export_codec_world!(Exported with_types_in $crate::bindings::codec);
        };
    };
}

/// Gives a [`Codec`] the shape that the generated code expects.
#[doc(hidden)]
#[derive(Debug)]
pub struct CodecAdapter<C>(PhantomData<C>);

impl<C: Codec> wit::Guest for CodecAdapter<C> {
    fn describe() -> wit::Descriptor {
        crate::host::log_panics();
        C::describe().into()
    }

    fn probe(head: Vec<u8>) -> Option<String> {
        C::probe(&head).map(str::to_owned)
    }

    fn decode(file: Vec<u8>, hint: Option<wit::SizeHint>) -> Result<pixels::Picture, types::Failure> {
        crate::host::log_panics();
        let hint = hint.map(|hint| SizeHint { width: hint.width, height: hint.height });
        C::decode(file, hint).map(Into::into).map_err(Into::into)
    }

    fn encode(input: pixels::Picture, target: types::Target) -> Result<Vec<u8>, types::Failure> {
        crate::host::log_panics();
        C::encode(input.into(), target.into()).map_err(Into::into)
    }
}
