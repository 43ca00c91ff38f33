//! From a multipart message to a submission: which part is the description, which the image, which
//! an attachment. Pictures go to the blob store while they arrive; only the description is held.

use super::App;
use super::body::IncomingBody;
use super::multipart::{self, Boundary, Event, MultipartError, MultipartLimits, PartHeaders, Reader};
use super::problem::Problem;
use super::query;
use super::submit;
use crate::blob::{BlobError, BlobWriter, Staged};
use crate::media_type::MediaType;
use crate::task::description::{self, Description, MAX_DESCRIPTION_BYTES};

/// What a part without a `Content-Type` is taken for: what the bytes are is for a plugin to find out.
const UNTYPED: &str = "application/octet-stream";

/// Longest media type that is kept: RFC 6838 section 4.2 lets neither half be longer than 127.
const LONGEST_TYPE: usize = 255;

/// What a client has sent.
pub(super) struct Message {
    pub(super) description: Description,
    /// What its sender says it is, and its bytes.
    pub(super) image: (String, Staged),
    /// Content-ID, media type, bytes.
    pub(super) attachments: Vec<(String, String, Staged)>,
}

/// A body that is nothing but the image; the description is in the query string.
pub(super) async fn raw(
    app: &App,
    media_type: &MediaType,
    query: &str,
    mut body: IncomingBody,
) -> Result<Message, Problem> {
    let description = query::parse(query)?;
    let mut image = Receiving {
        role: Role { id: None, is_description: false },
        media_type: None,
        sink: Sink::Blob(app.tasks.upload()),
    };
    while let Some(piece) = body.next().await? {
        image.take(app, piece).await?;
    }
    match image.end(app).await?.content {
        Content::Picture(staged) => {
            Ok(Message { description, image: (hint(Some(media_type)), staged), attachments: vec![] })
        }
        Content::Description(_) => {
            Err(Problem::internal("The image was lost. Ask the operator, naming the request id."))
        }
    }
}

/// A part that was received, whatever it is for.
struct Part {
    /// By which the description can refer to it.
    id: Option<String>,
    media_type: Option<MediaType>,
    content: Content,
}

enum Content {
    /// The description's bytes.
    Description(Vec<u8>),
    /// A picture's.
    Picture(Staged),
}

/// What a part turns out to be when its headers are known.
struct Role {
    id: Option<String>,
    is_description: bool,
}

/// `multipart/related` (RFC 2387): the root is the part that `start` names, else the first.
pub(super) async fn related(
    app: &App,
    media_type: &MediaType,
    body: IncomingBody,
) -> Result<Message, Problem> {
    let start = match media_type.param("start") {
        Some(start) => Some(multipart::parse_content_id(start).ok_or_else(|| {
            Problem::bad_multipart(
                "The parameter start of the Content-Type must be a Content-ID such as <root@client>.",
            )
        })?),
        None => None,
    };
    let role = |headers: &PartHeaders, index: usize| {
        let is_description = match &start {
            Some(start) => headers.content_id.as_ref() == Some(start),
            None => index == 0,
        };
        Ok(Role { id: headers.content_id.clone(), is_description })
    };
    let parts = receive(app, media_type, body, role).await?;
    let (root, pictures) = split(parts, || match &start {
        Some(start) => format!("No part has the Content-ID <{start}> that the parameter start names."),
        None => "The message has no parts.".to_owned(),
    })?;

    let declared = media_type.param("type").map(MediaType::parse).transpose().map_err(|error| {
        Problem::bad_multipart(format!("The parameter type of the Content-Type cannot be read: {error}."))
    })?;
    if let (Some(declared), Some(actual)) = (&declared, &root.media_type)
        && declared.essence() != actual.essence()
    {
        return Err(Problem::bad_multipart(format!(
            "The parameter type of the Content-Type says {}, but the root part is {}. Make them equal.",
            declared.essence(),
            actual.essence()
        )));
    }
    let description = describe(root.content, root.media_type.or(declared).as_ref())?;
    // The image is the first part that nothing refers to.
    let image = pictures
        .iter()
        .position(|part| part.id.as_deref().is_none_or(|id| !description.attachments().any(|cid| cid == id)))
        .ok_or_else(|| {
            Problem::bad_multipart(
                "There is no image: send it as a part that the description does not refer to by cid.",
            )
        })?;
    assemble(description, pictures, image)
}

/// `multipart/form-data` (RFC 7578): the field `task` is the description, `image` the image, and any
/// other field an attachment under its name.
pub(super) async fn form_data(
    app: &App,
    media_type: &MediaType,
    body: IncomingBody,
) -> Result<Message, Problem> {
    let role = |headers: &PartHeaders, index: usize| {
        let disposition = headers.disposition.as_ref().filter(|disposition| disposition.kind == "form-data");
        let name = disposition.and_then(|disposition| disposition.name.clone()).ok_or_else(|| {
            Problem::bad_multipart(format!(
                "Part {} has no `Content-Disposition: form-data; name=\"…\"`, without which it is no form field.",
                index + 1
            ))
        })?;
        Ok(Role { is_description: name == "task", id: Some(name) })
    };
    let parts = receive(app, media_type, body, role).await?;
    let (root, pictures) =
        split(parts, || "There is no field task. Send the description in it: XML or JSON.".to_owned())?;
    let description = describe(root.content, root.media_type.as_ref())?;
    let image = pictures
        .iter()
        .position(|part| part.id.as_deref() == Some("image"))
        .ok_or_else(|| Problem::bad_multipart("There is no field image. Send the picture in it."))?;
    assemble(description, pictures, image)
}

/// Reads the whole message.
async fn receive(
    app: &App,
    media_type: &MediaType,
    mut body: IncomingBody,
    role: impl Fn(&PartHeaders, usize) -> Result<Role, Problem>,
) -> Result<Vec<Part>, Problem> {
    let boundary = Boundary::of(media_type)
        .map_err(|error| Problem::bad_multipart(format!("The Content-Type cannot be used: {error}.")))?;
    let mut reader = Reader::new(boundary, MultipartLimits::default());
    let mut parts: Vec<Part> = vec![];
    let mut current: Option<Receiving> = None;
    loop {
        while let Some(event) = reader.next_event().map_err(|error| malformed(&error))? {
            match event {
                Event::Part(headers) => {
                    let role = role(&headers, parts.len())?;
                    if let Some(id) = role
                        .id
                        .as_deref()
                        .filter(|id| parts.iter().any(|part| part.id.as_deref() == Some(id)))
                    {
                        return Err(Problem::bad_multipart(format!(
                            "Two parts are named {id:?}. Give each a Content-ID, or field name, of its own."
                        )));
                    }
                    current = Some(Receiving::begin(app, headers, role));
                }
                Event::Data(piece) => {
                    if let Some(part) = &mut current {
                        part.take(app, piece).await?;
                    }
                }
                Event::PartEnd => {
                    if let Some(part) = current.take() {
                        parts.push(part.end(app).await?);
                    }
                }
                Event::End => {}
            }
        }
        match body.next().await? {
            Some(piece) => reader.push(piece),
            None => {
                reader.finish().map_err(|error| malformed(&error))?;
                return Ok(parts);
            }
        }
    }
}

/// A part that is arriving.
struct Receiving {
    role: Role,
    media_type: Option<MediaType>,
    sink: Sink,
}

enum Sink {
    Memory(Vec<u8>),
    Blob(Box<dyn BlobWriter>),
}

impl Receiving {
    fn begin(app: &App, headers: PartHeaders, role: Role) -> Self {
        let sink = if role.is_description { Sink::Memory(vec![]) } else { Sink::Blob(app.tasks.upload()) };
        Self { role, media_type: headers.content_type, sink }
    }

    async fn take(&mut self, app: &App, piece: bytes::Bytes) -> Result<(), Problem> {
        match &mut self.sink {
            Sink::Memory(bytes) => {
                if bytes.len() + piece.len() > MAX_DESCRIPTION_BYTES {
                    return Err(Problem::bad_description(format!(
                        "The task description is longer than {MAX_DESCRIPTION_BYTES} bytes."
                    )));
                }
                bytes.extend_from_slice(&piece);
                Ok(())
            }
            Sink::Blob(writer) => {
                let largest = app.config.tasks.max_image_size.0;
                if writer.written() + piece.len() as u64 > largest {
                    return Err(Problem::too_large(format!("An image may have at most {largest} bytes.")));
                }
                writer.write(piece).await.map_err(|error| unwritable(app, &error))
            }
        }
    }

    async fn end(self, app: &App) -> Result<Part, Problem> {
        let content = match self.sink {
            Sink::Memory(bytes) => Content::Description(bytes),
            Sink::Blob(writer) => {
                Content::Picture(writer.finish().await.map_err(|error| unwritable(app, &error))?)
            }
        };
        Ok(Part { id: self.role.id, media_type: self.media_type, content })
    }
}

/// The description and the rest.
fn split(mut parts: Vec<Part>, missing: impl FnOnce() -> String) -> Result<(Part, Vec<Part>), Problem> {
    let root = parts
        .iter()
        .position(|part| matches!(part.content, Content::Description(_)))
        .ok_or_else(|| Problem::bad_multipart(missing()))?;
    Ok((parts.remove(root), parts))
}

fn describe(content: Content, media_type: Option<&MediaType>) -> Result<Description, Problem> {
    let Content::Description(bytes) = content else {
        return Err(Problem::bad_multipart("The root part is no task description."));
    };
    if let Some(charset) = media_type.and_then(|media_type| media_type.param("charset"))
        && !["utf-8", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known))
    {
        return Err(Problem::unsupported_media_type(format!(
            "The task description has the charset {charset:?}. Send it in UTF-8."
        )));
    }
    let is_json = match media_type {
        Some(media_type) if media_type.is_json() => true,
        Some(media_type) if media_type.is_xml() => false,
        // `curl -F task=…` gives no type, or text/plain for a file it doesn't know.
        None => looks_like_json(&bytes),
        Some(media_type) if media_type.essence() == "text/plain" => looks_like_json(&bytes),
        Some(other) => {
            return Err(Problem::unsupported_media_type(format!(
                "A task description cannot be {}. Send application/xml or application/json.",
                other.essence()
            )));
        }
    };
    let parsed = if is_json { description::parse_json(&bytes) } else { description::parse_xml(&bytes) };
    parsed.map_err(|error| Problem::bad_description(sentence(&error)))
}

fn looks_like_json(bytes: &[u8]) -> bool {
    bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{')
}

/// What a sender says that a picture is: no more than a hint, so that what is too long is dropped.
fn hint(media_type: Option<&MediaType>) -> String {
    let essence = media_type.map(MediaType::essence).filter(|essence| essence.len() <= LONGEST_TYPE);
    essence.unwrap_or(UNTYPED).to_owned()
}

fn assemble(description: Description, pictures: Vec<Part>, image: usize) -> Result<Message, Problem> {
    let mut chosen = None;
    let mut attachments = vec![];
    for (index, part) in pictures.into_iter().enumerate() {
        let media_type = hint(part.media_type.as_ref());
        let Content::Picture(staged) = part.content else { continue };
        if index == image {
            chosen = Some((media_type, staged));
            continue;
        }
        // A part that nothing mentions is a mistake that would otherwise go unnoticed.
        let id = part.id.filter(|id| description.attachments().any(|cid| cid == id)).ok_or_else(|| {
            Problem::bad_multipart(format!(
                "Part {} is neither the image nor referred to by the description as cid:….",
                index + 2
            ))
        })?;
        attachments.push((id, media_type, staged));
    }
    let image = chosen.ok_or_else(|| Problem::bad_multipart("There is no image."))?;
    Ok(Message { description, image, attachments })
}

fn malformed(error: &MultipartError) -> Problem {
    let detail = sentence(error);
    match error {
        MultipartError::UnsupportedTransferEncoding { .. } => Problem::unsupported_media_type(detail),
        _ => Problem::bad_multipart(detail),
    }
}

fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    if let Some(first) = text.get(..1).map(str::to_uppercase) {
        text.replace_range(..1, &first);
    }
    text.push('.');
    text
}

fn unwritable(app: &App, error: &BlobError) -> Problem {
    submit::refused(&app.tasks.blobs_failed(error, 0))
}
