//! Messages as clients write them.

/// The description of one operation, with text parameters, and an output where `output` is not empty.
#[must_use]
pub fn task_xml(operation: &str, params: &[(&str, &str)], output: &str) -> String {
    let params: String =
        params.iter().map(|(name, value)| format!("<param name=\"{name}\">{value}</param>")).collect();
    let output = if output.is_empty() { String::new() } else { format!("<output type=\"{output}\"/>") };
    format!("<task><operation name=\"{operation}\">{params}</operation>{output}</task>")
}

const BOUNDARY: &str = "a-boundary_that.is=legal";

/// A `multipart/related` message.
#[derive(Clone, Debug)]
pub struct Related {
    parameters: String,
    body: Vec<u8>,
}

impl Related {
    /// With this description, in XML, as its root.
    #[must_use]
    pub fn new(task: &str) -> Self {
        Self::empty().part("Content-Type: application/xml;charset=UTF-8", task.as_bytes())
    }

    /// Without parts.
    #[must_use]
    pub fn empty() -> Self {
        Self { parameters: String::new(), body: vec![] }
    }

    /// A description and an image, as the note has it.
    #[must_use]
    pub fn simple(task: &str, media_type: &str, image: &[u8]) -> (String, Vec<u8>) {
        Self::new(task).part(&format!("Content-Type: {media_type}"), image).build()
    }

    /// Parameters of the Content-Type, beginning with `;`.
    #[must_use]
    pub fn parameters(mut self, parameters: &str) -> Self {
        self.parameters = parameters.to_owned();
        self
    }

    /// A part with these header lines, which may be none.
    #[must_use]
    pub fn part(mut self, headers: &str, content: &[u8]) -> Self {
        let headers = if headers.is_empty() { String::new() } else { format!("{headers}\r\n") };
        self.body.extend(format!("--{BOUNDARY}\r\n{headers}\r\n").as_bytes());
        self.body.extend(content);
        self.body.extend(b"\r\n");
        self
    }

    /// Content-Type and body.
    #[must_use]
    pub fn build(mut self) -> (String, Vec<u8>) {
        self.body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
        (format!("multipart/related; boundary=\"{BOUNDARY}\"{}", self.parameters), self.body)
    }
}

/// A `multipart/form-data` message.
#[derive(Clone, Debug, Default)]
pub struct FormData {
    body: Vec<u8>,
}

impl FormData {
    /// A field; `more` are further header lines.
    #[must_use]
    pub fn field(mut self, name: &str, more: &str, content: &[u8]) -> Self {
        let more = if more.is_empty() { String::new() } else { format!("{more}\r\n") };
        self.body.extend(
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n{more}\r\n")
                .as_bytes(),
        );
        self.body.extend(content);
        self.body.extend(b"\r\n");
        self
    }

    /// A file.
    #[must_use]
    pub fn file(self, name: &str, file: &str, media_type: &str, content: &[u8]) -> Self {
        self.field(&format!("{name}\"; filename=\"{file}"), &format!("Content-Type: {media_type}"), content)
    }

    /// Content-Type and body.
    #[must_use]
    pub fn build(mut self) -> (String, Vec<u8>) {
        self.body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
        (format!("multipart/form-data; boundary=\"{BOUNDARY}\""), self.body)
    }
}
