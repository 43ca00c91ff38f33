//! Two rows of pixels become one: "source over" of Porter and Duff, on straight
//! alpha and gamma-encoded samples, as browsers do it (Compositing and Blending
//! Level 1, section 9.1.4).

use crate::picture::Sample;

/// Lays a row over an opaque one. `OVER` is one more than `UNDER`: its last
/// sample is alpha.
pub(super) fn over_opaque<T: Sample, const UNDER: usize, const OVER: usize>(
    under: &mut [[T; UNDER]],
    over: &[[T; OVER]],
) {
    for (under, over) in under.iter_mut().zip(over) {
        mix(under, over, alpha(over));
    }
}

/// Lays a row over one that has an alpha of its own, last in each pixel.
pub(super) fn over_alpha<T: Sample, const N: usize>(under: &mut [[T; N]], over: &[[T; N]]) {
    for (under, over) in under.iter_mut().zip(over) {
        let (below, above) = (alpha(under), alpha(over));
        if above == 0 {
            continue;
        }
        if above == T::MAX || below == 0 {
            *under = *over;
        } else if below == T::MAX {
            mix(under, over, above);
            if let Some(alpha) = under.last_mut() {
                *alpha = T::narrow(T::MAX);
            }
        } else {
            weigh(under, over, below, above);
        }
    }
}

fn alpha<T: Sample, const N: usize>(pixel: &[T; N]) -> u32 {
    pixel.last().copied().map_or(T::MAX, Into::into)
}

fn mix<T: Sample>(under: &mut [T], over: &[T], alpha: u32) {
    for (under, &over) in under.iter_mut().zip(over) {
        let sum = over.into() * alpha + (*under).into() * (T::MAX - alpha);
        *under = T::narrow(T::normalized(sum));
    }
}

/// Both are partly transparent: the result's alpha is what either covers, and
/// its colour the mean of both by what each contributes to that.
fn weigh<T: Sample>(under: &mut [T], over: &[T], below: u32, above: u32) {
    let from_over = u64::from(above) * u64::from(T::MAX);
    let from_under = u64::from(below) * u64::from(T::MAX - above);
    let both = from_over + from_under;
    let Some((alpha, colors)) = under.split_last_mut() else { return };
    for (under, &over) in colors.iter_mut().zip(over) {
        let (old, new): (u32, u32) = ((*under).into(), over.into());
        let sum = u64::from(new) * from_over + u64::from(old) * from_under;
        *under = T::narrow(((sum + both / 2) / both) as u32);
    }
    *alpha = T::narrow(((both + u64::from(T::MAX) / 2) / u64::from(T::MAX)) as u32);
}
