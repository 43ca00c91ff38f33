//! Plugins that change pixels and know no file format.

use std::marker::PhantomData;

use crate::bindings::filter::exports::tintype::plugin::filter as wit;
use crate::bindings::filter::tintype::plugin::pixels;
use crate::bindings::tintype::plugin::types;
use crate::{Descriptor, Failure, Frame, Step};

/// What the author of a filter implements.
///
/// ```
/// use tintype_plugin::{Descriptor, Failure, Filter, Frame, Step, descriptor};
///
/// struct Negative;
///
/// impl Filter for Negative {
///     fn describe() -> Descriptor {
///         descriptor!("Turns colours around.").operation("negative", "Makes black white.")
///     }
///
///     fn apply(mut frame: Frame, _: &Step, _: &[Frame]) -> Result<Frame, Failure> {
///         for [red, green, blue, _] in frame.pixels_mut() {
///             (*red, *green, *blue) = (255 - *red, 255 - *green, 255 - *blue);
///         }
///         Ok(frame)
///     }
/// }
///
/// tintype_plugin::export_filter!(Negative);
/// # fn main() {
/// # let frame = Frame::new(1, 1, vec![0, 100, 255, 7]).unwrap();
/// # let step = Step { operation: "negative".into(), params: Default::default() };
/// # assert_eq!(Negative::apply(frame, &step, &[]).unwrap().pixels(), [[255, 155, 0, 7]]);
/// # }
/// ```
pub trait Filter {
    /// Says what the filter is and can do; the same every time. Formats that
    /// it names count for nothing: it gets and gives pixels.
    fn describe() -> Descriptor;

    /// Carries out one step. Parameters that are attachments are indices into
    /// `attachments`.
    ///
    /// # Errors
    /// A [`Failure`], whose text the client reads.
    fn apply(frame: Frame, step: &Step, attachments: &[Frame]) -> Result<Frame, Failure>;
}

/// Makes a type that implements [`Filter`] what the component exports.
///
/// Once in a crate, in place of [`export!`](crate::export).
#[macro_export]
macro_rules! export_filter {
    ($filter:ty) => {
        #[allow(unsafe_code, reason = "the component's exports are raw functions")]
        const _: () = {
            type Exported = $crate::FilterAdapter<$filter>;
    $crate::bindings::filter::export_filter_world!(Exported with_types_in $crate::bindings::filter);
        };
    };
}

/// Gives a [`Filter`] the shape that the generated code expects.
#[doc(hidden)]
#[derive(Debug)]
pub struct FilterAdapter<F>(PhantomData<F>);

impl<F: Filter> wit::Guest for FilterAdapter<F> {
    fn describe() -> wit::Descriptor {
        crate::host::log_panics();
        F::describe().into()
    }

    fn apply(
        input: pixels::Frame,
        attachments: Vec<pixels::Frame>,
        steps: Vec<types::Step>,
    ) -> Result<pixels::Frame, types::Failure> {
        crate::host::log_panics();
        let attachments: Vec<Frame> = attachments.into_iter().map(Into::into).collect();
        let mut frame = Frame::from(input);
        for step in steps {
            frame = F::apply(frame, &step.into(), &attachments).map_err(types::Failure::from)?;
        }
        Ok(frame.into())
    }
}
