//! Palettes: exact where there are few enough colours, else chosen by a neural
//! network (NeuQuant).

use std::collections::HashMap;

use color_quant::NeuQuant;

/// Of 1 to 30, higher is faster and coarser; the crate recommends 10.
const QUANTISER_SPEED: i32 = 10;

/// As many colours as an index of one byte can name.
const MOST: usize = 256;

/// Where in a palette each of its colours is.
type Places = HashMap<[u8; 3], u8>;

/// Pixels as indices into a palette.
pub(super) struct Indexed {
    /// Three bytes a colour.
    pub(super) palette: Vec<u8>,
    pub(super) indices: Vec<u8>,
    pub(super) transparent: Option<u8>,
}

impl Indexed {
    /// Of pixels whose alpha is 0 or 255.
    pub(super) fn of(pixels: &[[u8; 4]], width: usize, dither: bool) -> Self {
        let has_holes = pixels.iter().any(|[.., alpha]| *alpha == 0);
        let room = MOST - usize::from(has_holes);
        match exact(pixels, room) {
            Some((mut palette, places)) => {
                let transparent = has_holes.then_some((palette.len() / 3) as u8);
                if has_holes {
                    palette.extend([0; 3]);
                }
                let hole = transparent.unwrap_or(0);
                let index = |&[r, g, b, alpha]: &[u8; 4]| match alpha {
                    0 => hole,
                    _ => places.get(&[r, g, b]).copied().unwrap_or(0),
                };
                Self { palette, indices: pixels.iter().map(index).collect(), transparent }
            }
            None => Self::nearest(pixels, width, room, dither),
        }
    }

    fn nearest(pixels: &[[u8; 4]], width: usize, room: usize, dither: bool) -> Self {
        let opaque: Vec<u8> = pixels.iter().filter(|[.., alpha]| *alpha != 0).flatten().copied().collect();
        let network = NeuQuant::new(QUANTISER_SPEED, room, &opaque);
        drop(opaque);
        let mut palette = network.color_map_rgb();
        let transparent = (room < MOST).then_some((palette.len() / 3) as u8);
        if transparent.is_some() {
            palette.extend([0; 3]);
        }
        let mut search = Search { network: &network, found: vec![None; 1 << 18] };
        let hole = transparent.unwrap_or(0);
        let indices = if dither {
            dithered(pixels, width, hole, &palette, &mut search)
        } else {
            let index = |&[r, g, b, alpha]: &[u8; 4]| match alpha {
                0 => hole,
                _ => search.index([r, g, b]),
            };
            pixels.iter().map(index).collect()
        };
        Self { palette, indices, transparent }
    }
}

/// All colours with their places, unless there are more than there is room for.
fn exact(pixels: &[[u8; 4]], room: usize) -> Option<(Vec<u8>, Places)> {
    let mut palette = vec![];
    let mut places = Places::new();
    let mut last = None;
    for &[r, g, b, alpha] in pixels {
        let color = [r, g, b];
        // Neighbours are often the same, and looking is dearer than comparing.
        if alpha == 0 || last == Some(color) {
            continue;
        }
        last = Some(color);
        if let std::collections::hash_map::Entry::Vacant(vacant) = places.entry(color) {
            if palette.len() == room * 3 {
                return None;
            }
            vacant.insert((palette.len() / 3) as u8);
            palette.extend(color);
        }
    }
    Some((palette, places))
}

/// The nearest colours, each looked for once: of each channel the upper six
/// bits count, which is finer than any palette of 256.
struct Search<'a> {
    network: &'a NeuQuant,
    found: Vec<Option<u8>>,
}

impl Search<'_> {
    fn index(&mut self, [r, g, b]: [u8; 3]) -> u8 {
        let key = usize::from(r >> 2) << 12 | usize::from(g >> 2) << 6 | usize::from(b >> 2);
        match self.found.get(key) {
            Some(Some(index)) => *index,
            _ => {
                let index = self.network.index_of(&[r, g, b, u8::MAX]) as u8;
                if let Some(place) = self.found.get_mut(key) {
                    *place = Some(index);
                }
                index
            }
        }
    }
}

/// Floyd and Steinberg's way: what a pixel's colour lacks is made up for by its
/// right and lower neighbours, 7, 3, 5 and 1 sixteenths of it.
fn dithered(pixels: &[[u8; 4]], width: usize, hole: u8, palette: &[u8], search: &mut Search<'_>) -> Vec<u8> {
    let colors = palette.as_chunks::<3>().0;
    let mut indices = Vec::with_capacity(pixels.len());
    // Sixteenths that this row and the next are owed; one more at each end, so that edges are no
    // special case.
    let mut owed = vec![[0i32; 3]; width + 2];
    let mut below = owed.clone();
    for row in pixels.chunks_exact(width) {
        for (x, &[r, g, b, alpha]) in row.iter().enumerate() {
            if alpha == 0 {
                indices.push(hole);
                continue;
            }
            let debt = owed.get(x + 1).copied().unwrap_or_default();
            let mut wanted = [r, g, b].map(i32::from);
            // Of large debts a part is forgiven, so that they don't pile up where a colour is out of reach.
            wanted.iter_mut().zip(debt).for_each(|(w, d)| *w = (*w + d * 7 / 128).clamp(0, 255));
            let index = search.index(wanted.map(|w| w as u8));
            indices.push(index);
            let given = colors.get(usize::from(index)).copied().unwrap_or_default().map(i32::from);
            for (channel, (wanted, given)) in wanted.into_iter().zip(given).enumerate() {
                let lacks = wanted - given;
                let owe = |row: &mut Vec<[i32; 3]>, at: usize, share: i32| {
                    if let Some(debt) = row.get_mut(at).and_then(|debt| debt.get_mut(channel)) {
                        *debt += lacks * share;
                    }
                };
                owe(&mut owed, x + 2, 7);
                owe(&mut below, x, 3);
                owe(&mut below, x + 1, 5);
                owe(&mut below, x + 2, 1);
            }
        }
        std::mem::swap(&mut owed, &mut below);
        below.fill([0; 3]);
    }
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_takes_the_place_of_one_of_the_256_colours() {
        let colors: Vec<_> = (0..=255u8).map(|v| [v, 0, 0, 255]).collect();
        let full = Indexed::of(&colors, 16, false);
        assert_eq!((full.palette.len(), full.transparent), (256 * 3, None));

        let mut holed = colors;
        holed.extend([[0; 4]; 16]);
        let holed = Indexed::of(&holed, 16, true);
        assert_eq!((holed.palette.len(), holed.transparent), (256 * 3, Some(255)));
        assert_eq!(holed.indices[256..], [255; 16]);
        assert!(holed.indices[..256].iter().all(|&index| index != 255));
    }

    #[test]
    fn dithering_keeps_the_mean_of_an_area() {
        let pixels: Vec<_> = (0..64 * 64u32)
            .map(|at| [64 + (at % 64 * 2) as u8, 64 + (at / 64 * 2) as u8, 128, 255])
            .collect();
        let mean = |dither| {
            let Indexed { palette, indices, .. } = Indexed::of(&pixels, 64, dither);
            let colors = palette.as_chunks::<3>().0;
            let sums = indices.iter().map(|&i| colors[usize::from(i)]).zip(&pixels);
            sums.map(|(found, wanted)| i64::from(found[0]) - i64::from(wanted[0])).sum::<i64>() as f64
                / 4096.0
        };
        assert!(mean(true).abs() < 1.0, "{}", mean(true));
    }
}
