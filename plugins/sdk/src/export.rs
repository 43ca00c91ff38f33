//! From the exports of a component to a [`Plugin`], and back.
//!
//! The only place that speaks both the generated types and this crate's own.

use std::marker::PhantomData;

use crate::bindings::exports::tintype::plugin::processor::{self as wit, Guest};
use crate::{Descriptor, Failure, Image, Task};

/// What a plugin author implements.
pub trait Plugin {
    /// Says what the plugin is and can do; the same every time.
    fn describe() -> Descriptor;

    /// Carries out a task's steps in their order and gives at least one result.
    ///
    /// # Errors
    /// A [`Failure`], whose text the client reads.
    fn process(task: Task) -> Result<Vec<Image>, Failure>;
}

/// Makes a type that implements [`Plugin`] what the component exports.
///
/// Once in a crate, anywhere outside of functions. It expands to code that is
/// `unsafe` by nature, so the crate may `deny(unsafe_code)` but not `forbid` it.
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        #[allow(unsafe_code, reason = "the component's exports are raw functions")]
        const _: () = {
            type Exported = $crate::Adapter<$plugin>;
    $crate::bindings::export_processor!(Exported with_types_in $crate::bindings);
        };
    };
}

/// Gives a [`Plugin`] the shape that the generated code expects.
#[doc(hidden)]
#[derive(Debug)]
pub struct Adapter<P>(PhantomData<P>);

impl<P: Plugin> Guest for Adapter<P> {
    fn describe() -> wit::Descriptor {
        crate::host::log_panics();
        P::describe().into()
    }

    fn process(
        input: wit::Image,
        attachments: Vec<wit::Image>,
        steps: Vec<wit::Step>,
        target: Option<wit::Target>,
    ) -> Result<Vec<wit::Image>, wit::Failure> {
        crate::host::log_panics();
        let task = Task {
            input: input.into(),
            attachments: attachments.into_iter().map(Into::into).collect(),
            steps: steps.into_iter().map(Into::into).collect(),
            target: target.map(Into::into),
        };
        match P::process(task) {
            Ok(images) => Ok(images.into_iter().map(Into::into).collect()),
            Err(failure) => Err(failure.into()),
        }
    }
}
