//! The bundled plugin as it is shipped, in its sandbox: that it computes what the same code computes
//! natively, and in how much memory. The component is that of `make build`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "how much of its memory a run took is worth reading")]

mod avif;
mod memory;
mod pictures;
mod results;
mod sides;
