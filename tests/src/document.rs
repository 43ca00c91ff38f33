//! The XML documents of answers, taken apart: a test sees every element and its order.

use crate::Answer;

const ATOM: &str = "http://www.w3.org/2005/Atom";
/// RFC 9457 appendix B.
const PROBLEM: &str = "urn:ietf:rfc:7807";

/// A `status` document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusDocument(Vec<(String, String)>);

impl StatusDocument {
    /// Reads the body of an answer, and checks what holds for every status.
    #[must_use]
    pub fn of(answer: &Answer) -> Self {
        assert_eq!(answer.header("content-type"), Some("application/xml;charset=UTF-8"), "{answer:?}");
        let text = answer.text();
        assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "{text}");
        let document = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let root = document.root_element();
        assert!(root.has_tag_name("status") && root.tag_name().namespace().is_none(), "{text}");
        assert_eq!(root.lookup_prefix(ATOM), Some("atom"), "{text}");
        let elements = root.children().filter(roxmltree::Node::is_element).map(|element| {
            if element.has_tag_name((ATOM, "link")) {
                assert!(!element.has_children(), "{text}");
                let attribute = |name| element.attribute(name).unwrap();
                (format!("atom:link {}", attribute("rel")), attribute("href").to_owned())
            } else {
                assert!(element.tag_name().namespace().is_none(), "{text}");
                (element.tag_name().name().to_owned(), element.text().unwrap_or_default().to_owned())
            }
        });
        Self(elements.collect())
    }

    /// The names of the elements in their order; a link's has its relation behind it.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// What the first element of this name has.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("no {name} in {self:?}")).1
    }

    /// What all elements of this name have.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// A problem document (RFC 9457), whichever of its two forms it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The end of its type, such as `queue-full`.
    pub kind: String,
    /// The same for every problem of the type.
    pub title: String,
    /// The status code again.
    pub status: u16,
    /// What to change.
    pub detail: String,
    /// What the log knows the request by.
    pub request_id: String,
}

impl Problem {
    /// Reads the body of an answer, and checks what holds for every problem.
    #[must_use]
    pub fn of(answer: &Answer) -> Self {
        let fields = match answer.header("content-type") {
            Some("application/problem+xml;charset=UTF-8") => of_xml(&answer.text()),
            Some("application/problem+json") => of_json(answer),
            other => panic!("{other:?} is no problem: {answer:?}"),
        };
        let [kind, title, status, detail, request_id] = fields;
        let kind = kind.strip_prefix("urn:tintype:problem:").unwrap().to_owned();
        let problem = Self { kind, title, status: status.parse().unwrap(), detail, request_id };
        assert_eq!(problem.status, answer.code, "{answer:?}");
        assert_eq!(Some(problem.request_id.as_str()), answer.header("x-request-id"), "{answer:?}");
        assert_eq!(answer.header("vary"), Some("Accept"), "{answer:?}");
        assert!(problem.detail.ends_with('.') && problem.title.len() > 5, "{problem:?}");
        problem
    }
}

fn of_xml(text: &str) -> [String; 5] {
    let document = roxmltree::Document::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let root = document.root_element();
    assert!(root.has_tag_name((PROBLEM, "problem")), "{text}");
    let elements: Vec<_> = root.children().filter(roxmltree::Node::is_element).collect();
    let names: Vec<_> = elements.iter().map(|element| element.tag_name().name()).collect();
    assert_eq!(names, ["type", "title", "status", "detail", "request-id"], "{text}");
    let texts = elements.iter().map(|element| element.text().unwrap_or_default().to_owned());
    texts.collect::<Vec<_>>().try_into().unwrap()
}

fn of_json(answer: &Answer) -> [String; 5] {
    let json = answer.json();
    assert_eq!(json.as_object().unwrap().len(), 5, "{json}");
    ["type", "title", "status", "detail", "request_id"].map(|name| match &json[name] {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}
