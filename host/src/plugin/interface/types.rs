//! What crosses the border to a plugin, in the shapes of the newest version of the contract.

/// A parameter's value, as the plugin will see it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// UTF-8.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Finite.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// Anything else, as JSON text.
    Json(String),
    /// An index into the attachments, from 0.
    Attachment(u32),
}

/// A named value.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Once in a list.
    pub name: String,
    /// Checked against the operation's schema.
    pub value: Value,
}

/// One operation to carry out.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// By name.
    pub operation: String,
    /// Defaults are left out.
    pub params: Vec<Param>,
}

/// An encoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What it is said to be.
    pub media_type: String,
    /// The whole file.
    pub bytes: Vec<u8>,
}

/// The format wanted of the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// One that the plugin produces.
    pub media_type: String,
    /// Checked against the format's schema.
    pub params: Vec<Param>,
}

/// What a processor is asked to do.
#[derive(Clone, Debug)]
pub struct Job {
    /// The picture.
    pub input: Image,
    /// Pictures that parameters refer to.
    pub attachments: Vec<Image>,
    /// What to do, at least one.
    pub steps: Vec<Step>,
    /// The format wanted.
    pub target: Option<Target>,
}

/// What a plugin says of itself, unchecked.
#[derive(Clone, Debug)]
pub(in crate::plugin) struct RawDescriptor {
    pub(in crate::plugin) name: String,
    pub(in crate::plugin) version: String,
    pub(in crate::plugin) summary: String,
    pub(in crate::plugin) accepts: Vec<String>,
    pub(in crate::plugin) produces: Vec<RawFormat>,
    pub(in crate::plugin) operations: Vec<RawOperation>,
}

#[derive(Clone, Debug)]
pub(in crate::plugin) struct RawFormat {
    pub(in crate::plugin) media_type: String,
    pub(in crate::plugin) params_schema: String,
}

#[derive(Clone, Debug)]
pub(in crate::plugin) struct RawOperation {
    pub(in crate::plugin) name: String,
    pub(in crate::plugin) summary: String,
    pub(in crate::plugin) params_schema: String,
}

/// A plugin's own words for why there is no result.
#[derive(Clone, Debug)]
pub(in crate::plugin) enum GuestFailure {
    InvalidImage(String),
    InvalidParameters(String),
    TooLarge(String),
    Failed(String),
}

/// An uncompressed picture: rows from the top, four bytes a pixel (red, green, blue, alpha).
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// Pixels along the x axis.
    pub width: u32,
    /// Pixels along the y axis.
    pub height: u32,
    /// Width times height times four bytes.
    pub rgba: Vec<u8>,
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{} in {} bytes", self.width, self.height, self.rgba.len())
    }
}

/// How frames follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Animation {
    /// Milliseconds, as many as frames.
    pub delays_ms: Vec<u32>,
    /// How often the whole is shown; 0 is for ever.
    pub plays: u32,
}

/// What a file holds, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// At least one, all of one size.
    pub frames: Vec<Frame>,
    /// Where there can be several frames.
    pub animation: Option<Animation>,
    /// An ICC profile; without one the colours are sRGB.
    pub color_profile: Option<Vec<u8>>,
}

/// How large a decoded picture has to be at least; a side of which nothing is said doesn't matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SizeHint {
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
}
