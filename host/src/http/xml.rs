//! Writing small XML documents that are well-formed whatever is put into them.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::xml_text::clean;

/// An element that is being written.
pub(super) struct Element<'a>(&'a mut Writer<Vec<u8>>);

/// A whole document: the declaration, and a root with what `content` puts into it.
pub(super) fn document(
    root: &str,
    attributes: &[(&str, &str)],
    content: impl FnOnce(&mut Element<'_>),
) -> String {
    let mut writer = Writer::new_with_indent(Vec::with_capacity(512), b' ', 2);
    write(writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None))));
    Element(&mut writer).element(root, attributes, content);
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    String::from_utf8(bytes).expect("only strings were written")
}

impl Element<'_> {
    /// An element with elements in it.
    pub(super) fn element(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        content: impl FnOnce(&mut Element<'_>),
    ) {
        let cleaned: Vec<(&str, String)> =
            attributes.iter().map(|(name, value)| (*name, clean(value))).collect();
        let attributes = cleaned.iter().map(|(name, value)| (*name, value.as_str()));
        write(self.0.create_element(name).with_attributes(attributes).write_inner_content(|writer| {
            content(&mut Element(writer));
            Ok(())
        }));
    }

    /// An element with text in it.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        write(self.0.create_element(name).write_text_content(BytesText::new(&clean(text))));
    }

    /// An element with attributes alone.
    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let cleaned: Vec<(&str, String)> =
            attributes.iter().map(|(name, value)| (*name, clean(value))).collect();
        let attributes = cleaned.iter().map(|(name, value)| (*name, value.as_str()));
        write(self.0.create_element(name).with_attributes(attributes).write_empty());
    }
}

fn write<T>(result: std::io::Result<T>) {
    result.expect("writing to memory cannot fail");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_written_can_be_read_again(text in any::<String>(), value in any::<String>()) {
            let written = document("a", &[("b", &value)], |a| a.text("c", &text));
            let read = roxmltree::Document::parse(&written).unwrap();
            let c = read.root_element().first_element_child().unwrap();
            prop_assert_eq!(c.text().unwrap_or_default(), clean(&text));
            // A parser makes spaces of an attribute's tabs and line feeds.
            let spaced = clean(&value).replace(['\t', '\n'], " ");
            prop_assert_eq!(read.root_element().attribute("b").unwrap(), spaced);
        }
    }
}
