//! An ICC profile for pictures that name their colours by code points alone (ITU-T H.273): whoever gets
//! the pixels knows profiles, and takes what has none for sRGB.

use crate::container::Cicp;
use crate::error::Error;

/// Red, green and blue in XYZ, seen in the light of D50, as columns of their X, Y and Z.
type Colorants = [[f64; 3]; 3];

const SRGB: Colorants =
    [[0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.71410]];
const DISPLAY_P3: Colorants =
    [[0.51512, 0.24120, -0.00105], [0.29198, 0.69225, 0.04189], [0.15710, 0.06657, 0.78407]];
const BT2020: Colorants =
    [[0.67348, 0.27904, -0.00193], [0.16566, 0.67534, 0.02998], [0.12505, 0.04561, 0.79686]];

/// The white of a profile (ICC.1:2022, section 7.2.16).
const D50: [f64; 3] = [0.9642, 1.0, 0.8249];

/// How numbers become light: a power, or sRGB's curve with its straight beginning.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Curve {
    Srgb,
    Power(f64),
}

/// The profile of colours that aren't sRGB's. BT.601's primaries and the curves of television are taken for
/// sRGB's, from which they hardly differ.
///
/// # Errors
/// The colours are for screens that are brighter than white.
pub(crate) fn of(cicp: Cicp) -> Result<Option<Vec<u8>>, Error> {
    let curve = match cicp.transfer {
        4 => Curve::Power(2.2),
        5 => Curve::Power(2.8),
        8 => Curve::Power(1.0),
        16 | 18 => {
            return Err(Error::Unsupported(
                "its colours are of high dynamic range (PQ or HLG); convert it to sRGB or Display P3 first",
            ));
        }
        _ => Curve::Srgb,
    };
    let colorants = match cicp.primaries {
        9 => BT2020,
        // With the cinema's white and with daylight's.
        11 | 12 => DISPLAY_P3,
        _ => SRGB,
    };
    let is_srgb = colorants == SRGB && curve == Curve::Srgb;
    Ok((!is_srgb).then(|| profile(colorants, curve)))
}

/// Whether a profile is for red, green and blue: another says nothing of pixels that have them.
pub(crate) fn is_rgb(profile: &[u8]) -> bool {
    profile.get(16..20) == Some(b"RGB ")
}

/// Bytes of a profile's header.
const HEADER: usize = 128;

fn profile(colorants: Colorants, curve: Curve) -> Vec<u8> {
    let [red, green, blue] = colorants.map(xyz);
    let text = text();
    let curve = curve_type(curve);
    // Those of one content share it.
    let tags: [(&[&[u8; 4]], &[u8]); 6] = [
        (&[b"desc", b"cprt"], &text),
        (&[b"wtpt"], &xyz(D50)),
        (&[b"rXYZ"], &red),
        (&[b"gXYZ"], &green),
        (&[b"bXYZ"], &blue),
        (&[b"rTRC", b"gTRC", b"bTRC"], &curve),
    ];
    let count: usize = tags.iter().map(|(names, _)| names.len()).sum();
    let (mut table, mut contents) = (number(count).to_vec(), vec![]);
    let first = HEADER + 4 + 12 * count;
    for (names, content) in tags {
        for name in names {
            table.extend([**name, number(first + contents.len()), number(content.len())].as_flattened());
        }
        contents.extend_from_slice(content);
    }
    let mut profile = vec![0; HEADER];
    put(&mut profile, 0, &number(first + contents.len()));
    // Version 4.3, for a screen.
    put(&mut profile, 8, &[4, 0x30, 0, 0]);
    put(&mut profile, 12, b"mntrRGB XYZ ");
    put(&mut profile, 36, b"acsp");
    put(&mut profile, 68, D50.map(fixed).as_flattened());
    profile.extend(table);
    profile.extend(contents);
    profile
}

fn put(profile: &mut [u8], at: usize, bytes: &[u8]) {
    profile.iter_mut().skip(at).zip(bytes).for_each(|(place, byte)| *place = *byte);
}

/// All lengths here are small.
fn number(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes()
}

/// An `s15Fixed16Number`.
fn fixed(value: f64) -> [u8; 4] {
    ((value * 65_536.0).round() as i32).to_be_bytes()
}

fn xyz(value: [f64; 3]) -> Vec<u8> {
    [b"XYZ \0\0\0\0", value.map(fixed).as_flattened()].concat()
}

/// A `parametricCurveType`.
fn curve_type(curve: Curve) -> Vec<u8> {
    let (kind, numbers) = match curve {
        Curve::Power(power) => (0u8, vec![power]),
        Curve::Srgb => (3, vec![2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.04045]),
    };
    let numbers: Vec<[u8; 4]> = numbers.into_iter().map(fixed).collect();
    [b"para\0\0\0\0\0", &[kind, 0, 0][..], numbers.as_flattened()].concat()
}

/// A `multiLocalizedUnicodeType` of one letter, padded: there must be a name and a copyright.
fn text() -> Vec<u8> {
    let numbers = [1u32, 12].map(u32::to_be_bytes);
    let place = [2u32, 28].map(u32::to_be_bytes);
    [b"mluc\0\0\0\0", numbers.as_flattened(), b"enUS", place.as_flattened(), b"\0-\0\0"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cicp(primaries: u8, transfer: u8) -> Cicp {
        Cicp { primaries, transfer, matrix: 6, full_range: true }
    }

    #[test]
    fn what_is_srgb_or_all_but_srgb_needs_no_profile() {
        for (primaries, transfer) in [(1, 13), (1, 1), (2, 2), (6, 6), (1, 14)] {
            assert_eq!(of(cicp(primaries, transfer)), Ok(None), "{primaries} {transfer}");
        }
    }

    #[test]
    fn a_profile_has_the_length_that_it_says_and_is_for_rgb() {
        for (primaries, transfer) in [(12, 13), (9, 14), (1, 8), (11, 4)] {
            let profile = of(cicp(primaries, transfer)).unwrap().unwrap();
            assert_eq!(profile[..4], number(profile.len()));
            assert!(is_rgb(&profile) && profile.len().is_multiple_of(4));
        }
        assert!(!is_rgb(b"short"));
    }

    #[test]
    fn colours_brighter_than_white_are_refused() {
        assert!(matches!(of(cicp(9, 16)), Err(Error::Unsupported(_))));
        assert!(matches!(of(cicp(9, 18)), Err(Error::Unsupported(_))));
    }
}
