//! A file of one picture, with its alpha if it has any.

use super::properties::Cicp;

/// AV1 data to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Open bitstream units.
    pub data: Vec<u8>,
    /// What a decoder must know beforehand: the content of `av1C`.
    pub configuration: Vec<u8>,
    /// Bits of each channel.
    pub depths: &'static [u8],
}

const COLOR: u16 = 1;
const ALPHA: u16 = 2;

/// The content of `auxC` that says that a picture is alpha.
const IS_ALPHA: &[u8] = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0";

/// What a reader must understand, among what an item has.
const ESSENTIAL: u8 = 0x80;

/// A whole file.
#[must_use]
pub fn write(
    (width, height): (u32, u32),
    color: &Part,
    alpha: Option<&Part>,
    cicp: Cicp,
    icc: Option<&[u8]>,
) -> Vec<u8> {
    let brands = in_box(b"ftyp", &[b"avif\0\0\0\0avifmif1miaf"]);
    let items: Vec<(u16, &Part)> = [(COLOR, Some(color)), (ALPHA, alpha)]
        .into_iter()
        .filter_map(|(item, part)| Some((item, part?)))
        .collect();

    let size = full_box(b"ispe", 0, 0, &[&width.to_be_bytes(), &height.to_be_bytes()]);
    let mut properties: Vec<Vec<u8>> = vec![size];
    let mut associations: Vec<u8> = u32_of(items.len()).to_vec();
    for (item, part) in &items {
        let channels = [part.depths.len() as u8];
        let mut own = vec![
            (0, full_box(b"pixi", 0, 0, &[&channels, part.depths])),
            (ESSENTIAL, in_box(b"av1C", &[&part.configuration])),
        ];
        if *item == COLOR {
            own.push((0, in_box(b"colr", &[b"nclx", &nclx(cicp)])));
            own.extend(icc.map(|icc| (0, in_box(b"colr", &[b"prof", icc]))));
        } else {
            own.push((0, full_box(b"auxC", 0, 0, &[IS_ALPHA])));
        }
        associations.extend(item.to_be_bytes());
        // The size, which both share, is the first of all.
        associations.extend([own.len() as u8 + 1, 1]);
        for (essential, property) in own {
            properties.push(property);
            associations.push(essential | properties.len() as u8);
        }
    }
    let properties = in_box(
        b"iprp",
        &[&in_box(b"ipco", &[&properties.concat()]), &full_box(b"ipma", 0, 0, &[&associations])],
    );

    let infos: Vec<u8> = items.iter().flat_map(|(item, _)| info(*item)).collect();
    let references = match alpha {
        // From the alpha to the one picture that it is for.
        Some(_) => full_box(b"iref", 0, 0, &[&in_box(b"auxl", &[&[0, 2, 0, 1, 0, 1]])]),
        None => vec![],
    };
    let meta = |places: &[u8]| {
        full_box(
            b"meta",
            0,
            0,
            &[
                &full_box(b"hdlr", 0, 0, &[b"\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0"]),
                &full_box(b"pitm", 0, 0, &[&COLOR.to_be_bytes()]),
                &full_box(b"iloc", 0, 0, &[places]),
                &full_box(b"iinf", 0, 0, &[&(items.len() as u16).to_be_bytes(), &infos]),
                &references,
                &properties,
            ],
        )
    };
    // Where the data lie depends on how long that is which says so, whatever it says.
    let first = brands.len() + meta(&places(&items, 0)).len() + BOX_HEADER;
    let data: Vec<&[u8]> = items.iter().map(|(_, part)| part.data.as_slice()).collect();
    [brands, meta(&places(&items, first)), in_box(b"mdat", &data)].concat()
}

/// Bytes of a box's size and kind.
const BOX_HEADER: usize = 8;

/// Boxes are much shorter than 4 GB here: there isn't that much memory.
fn u32_of(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

fn in_box(kind: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let length = BOX_HEADER + content.iter().map(|part| part.len()).sum::<usize>();
    let mut whole = Vec::with_capacity(length);
    whole.extend(u32_of(length));
    whole.extend(kind);
    content.iter().for_each(|part| whole.extend_from_slice(part));
    whole
}

fn full_box(kind: &[u8; 4], version: u8, flags: u8, content: &[&[u8]]) -> Vec<u8> {
    in_box(kind, &[&[version, 0, 0, flags], &content.concat()])
}

fn nclx(cicp: Cicp) -> [u8; 7] {
    [0, cicp.primaries, 0, cicp.transfer, 0, cicp.matrix, u8::from(cicp.full_range) << 7]
}

/// An `infe` of version 2.
fn info(item: u16) -> Vec<u8> {
    // Not protected, AV1, without a name.
    full_box(b"infe", 2, 0, &[&item.to_be_bytes(), &[0, 0], b"av01\0"])
}

/// The content of `iloc`: one piece each, one after the other.
fn places(items: &[(u16, &Part)], first: usize) -> Vec<u8> {
    // Offsets and lengths have four bytes each, there is no base.
    let mut places = vec![0x44, 0];
    places.extend((items.len() as u16).to_be_bytes());
    let mut at = first;
    for (item, part) in items {
        places.extend(item.to_be_bytes());
        places.extend([0, 0, 0, 1]);
        places.extend(u32_of(at));
        places.extend(u32_of(part.data.len()));
        at += part.data.len();
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::Still;

    #[test]
    fn what_is_written_is_found_again() {
        let part =
            |data: &[u8], depths| Part { data: data.to_vec(), configuration: vec![0x81, 0, 0, 0], depths };
        let cicp = Cicp { primaries: 1, transfer: 13, matrix: 6, full_range: true };
        let (color, alpha) = (part(b"colours", &[8; 3]), part(b"alpha", &[8]));
        let file = write((70, 50), &color, Some(&alpha), cicp, Some(b"profile"));
        let still = Still::find(&file).unwrap();
        assert_eq!((&*still.color.tiles[0].data, still.color.size), (&b"colours"[..], (70, 50)));
        assert_eq!(still.color.properties.cicp, Some(cicp));
        assert_eq!(still.color.properties.icc, Some(&b"profile"[..]));
        assert_eq!(still.alpha.map(|alpha| alpha.tiles[0].data.to_vec()), Some(b"alpha".to_vec()));
        assert!(!still.is_premultiplied);

        let opaque = write((70, 50), &color, None, cicp, None);
        let still = Still::find(&opaque).unwrap();
        assert_eq!((still.alpha, still.color.properties.icc), (None, None));
    }
}
