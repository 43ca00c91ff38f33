//! The file around the AV1 data: boxes after ISO/IEC 14496-12 (ISOBMFF), ISO/IEC 23008-12 (HEIF) and the
//! AVIF specification of the Alliance for Open Media. Knows nothing of what AV1 is.
//!
//! | question | file |
//! |---|---|
//! | where a box ends | `boxes.rs` |
//! | which bytes are the picture, which its alpha | `still.rs` |
//! | what is said about them: size, colours, turning | `properties.rs` |
//! | how a file is written | `write.rs` |

mod boxes;
mod properties;
mod still;
mod write;

pub use self::properties::{Cicp, Clap, Turn};
pub use self::still::{Coded, Still, Tile, is_avif};
pub use self::write::{Part, write};
