//! Sixteen bytes, eight 16-bit or four 32-bit numbers at once.
//!
//! In a sandbox these are WebAssembly's vectors, on a usual server those that
//! every x86-64 processor has; elsewhere plain arrays. Only what the innermost
//! loops of the pixel code need is here, and all of it wraps. It exists because
//! the standard library's own portable vectors are not stable yet, and because
//! no crate has the products of neighbours, added in pairs, for all three.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub use implementation::{Eight, Four, Reciprocal, Sixteen};

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod implementation {
    use core::arch::wasm32::*;

    /// Sixteen bytes.
    #[derive(Debug, Clone, Copy)]
    pub struct Sixteen(v128);

    /// Eight numbers of 16 bits.
    #[derive(Debug, Clone, Copy)]
    pub struct Eight(v128);

    /// Four numbers of 32 bits.
    #[derive(Debug, Clone, Copy)]
    pub struct Four(v128);

    /// Eight factors below 1.
    #[derive(Debug, Clone, Copy)]
    pub struct Reciprocal(v128, v128);

    impl Eight {
        /// From memory.
        #[inline(always)]
        pub fn load(from: &[i16; 8]) -> Self {
            Self(bytemuck::cast(*from))
        }

        /// The first four; the others are zero.
        #[inline(always)]
        pub fn load_four(from: &[i16; 4]) -> Self {
            Self(i64x2(bytemuck::cast(*from), 0))
        }

        /// A pair, four times.
        #[inline(always)]
        pub fn pairs(even: i16, odd: i16) -> Self {
            Self(i32x4_splat(i32::from(odd) << 16 | i32::from(even as u16)))
        }

        /// The sums.
        #[inline(always)]
        pub fn plus(self, other: Self) -> Self {
            Self(i16x8_add(self.0, other.0))
        }

        /// The differences.
        #[inline(always)]
        pub fn minus(self, other: Self) -> Self {
            Self(i16x8_sub(self.0, other.0))
        }

        /// The products, their lower 16 bits.
        #[inline(always)]
        pub fn times(self, other: Self) -> Self {
            Self(i16x8_mul(self.0, other.0))
        }

        /// The lower four of both, in turns.
        #[inline(always)]
        pub fn mixed_low(self, other: Self) -> Self {
            Self(i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(self.0, other.0))
        }

        /// The upper four of both, in turns.
        #[inline(always)]
        pub fn mixed_high(self, other: Self) -> Self {
            Self(i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(self.0, other.0))
        }

        /// Products of neighbours, added in pairs.
        #[inline(always)]
        pub fn dot(self, other: Self) -> Four {
            Four(i32x4_dot_i16x8(self.0, other.0))
        }

        /// The lower four, shifted left by 13.
        #[inline(always)]
        pub fn low_scaled(self) -> Four {
            Four(i32x4_shl(i32x4_extend_low_i16x8(self.0), 13))
        }

        /// The upper four, shifted left by 13.
        #[inline(always)]
        pub fn high_scaled(self) -> Four {
            Four(i32x4_shl(i32x4_extend_high_i16x8(self.0), 13))
        }

        /// Rows as columns.
        #[inline(always)]
        pub fn transposed(rows: [Self; 8]) -> [Self; 8] {
            let [a, b, c, d, e, f, g, h] = rows.map(|row| row.0);
            let low = |x, y| i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(x, y);
            let high = |x, y| i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(x, y);
            let (ae, ae2, bf, bf2) = (low(a, e), high(a, e), low(b, f), high(b, f));
            let (cg, cg2, dh, dh2) = (low(c, g), high(c, g), low(d, h), high(d, h));
            let (aceg, aceg2, bdfh, bdfh2) = (low(ae, cg), high(ae, cg), low(bf, dh), high(bf, dh));
            let (aceg3, aceg4, bdfh3, bdfh4) = (low(ae2, cg2), high(ae2, cg2), low(bf2, dh2), high(bf2, dh2));
            [
                low(aceg, bdfh),
                high(aceg, bdfh),
                low(aceg2, bdfh2),
                high(aceg2, bdfh2),
                low(aceg3, bdfh3),
                high(aceg3, bdfh3),
                low(aceg4, bdfh4),
                high(aceg4, bdfh4),
            ]
            .map(Self)
        }

        /// Rows of four, two in each, as columns in the lower halves.
        #[inline(always)]
        pub fn columns_of_four(first: Self, second: Self) -> [Self; 4] {
            let (a, b) = (first.0, second.0);
            let even = i16x8_shuffle::<0, 4, 8, 12, 1, 5, 9, 13>(a, b);
            let odd = i16x8_shuffle::<2, 6, 10, 14, 3, 7, 11, 15>(a, b);
            let upper = |pair| i64x2_shuffle::<1, 1>(pair, pair);
            [even, upper(even), odd, upper(odd)].map(Self)
        }

        /// As bytes, with 128 added first and held within their range.
        #[inline(always)]
        pub fn to_samples(self) -> [u8; 8] {
            let shifted = i16x8_add_sat(self.0, i16x8_splat(128));
            let bytes = u8x16_narrow_i16x8(shifted, shifted);
            i64x2_extract_lane::<0>(bytes).to_le_bytes()
        }

        /// Samples as numbers around zero.
        #[inline(always)]
        pub fn from_samples(samples: [u8; 8]) -> Self {
            let bytes = i64x2(i64::from_le_bytes(samples), 0);
            Self(i16x8_sub(u16x8_extend_low_u8x16(bytes), i16x8_splat(128)))
        }

        /// Four bytes as numbers; the others are zero.
        #[inline(always)]
        pub fn of_bytes(bytes: [u8; 4]) -> Self {
            let bytes = i32x4(i32::from_le_bytes(bytes), 0, 0, 0);
            Self(u16x8_extend_low_u8x16(bytes))
        }

        /// The lower bytes of the first four.
        #[inline(always)]
        pub fn lower_bytes(self) -> [u8; 4] {
            let bytes = u8x16_narrow_i16x8(v128_and(self.0, i16x8_splat(255)), i16x8_splat(0));
            i32x4_extract_lane::<0>(bytes).to_le_bytes()
        }

        /// The sums of what is below 256, modulo that.
        #[inline(always)]
        pub fn plus_modulo(self, other: Self) -> Self {
            Self(v128_and(i16x8_add(self.0, other.0), i16x8_splat(255)))
        }

        /// Of the pixels to the left, above and in the corner between them the one
        /// that is nearest to left + above - corner; of those that are as near the
        /// first. What PNG's fourth filter foretells (section 9.4), in a way with
        /// few steps from `self` on, which was computed last: that of stb_image.
        #[inline(always)]
        pub fn foretold(self, above: Self, corner: Self) -> Self {
            let (a, b, c) = (self.0, above.0, corner.0);
            let tripled = i16x8_add(i16x8_add(c, c), c);
            let threshold = i16x8_sub(i16x8_sub(tripled, b), a);
            let (low, high) = (i16x8_min(a, b), i16x8_max(a, b));
            let inner = v128_bitselect(c, low, i16x8_gt(high, threshold));
            Self(v128_bitselect(inner, high, i16x8_gt(threshold, low)))
        }

        /// As an array.
        #[inline(always)]
        pub fn to_array(self) -> [i16; 8] {
            bytemuck::cast(self.0)
        }

        /// A bit for each that is not zero.
        #[inline(always)]
        pub fn nonzero(self) -> u8 {
            !i16x8_bitmask(i16x8_eq(self.0, i16x8_splat(0)))
        }

        /// Multiplied and rounded.
        #[inline(always)]
        pub fn quantized(self, by: &Reciprocal) -> Self {
            // Adding this leaves a whole number in the lowest bits of a float.
            let magic = f32x4_splat(12_582_912.0);
            let times = |four, factors| {
                let product = f32x4_mul(f32x4_convert_i32x4(four), factors);
                i32x4_sub(f32x4_add(product, magic), magic)
            };
            let low = times(i32x4_extend_low_i16x8(self.0), by.0);
            Self(i16x8_narrow_i32x4(low, times(i32x4_extend_high_i16x8(self.0), by.1)))
        }
    }

    impl Reciprocal {
        /// In their order.
        pub fn new([a, b, c, d, e, f, g, h]: [f32; 8]) -> Self {
            Self(f32x4(a, b, c, d), f32x4(e, f, g, h))
        }
    }

    impl Sixteen {
        /// From memory.
        #[inline(always)]
        pub fn load(from: &[u8; 16]) -> Self {
            Self(bytemuck::cast(*from))
        }

        /// Both, byte by byte in turns, as numbers.
        #[inline(always)]
        pub fn mixed(self, other: Self) -> [Eight; 4] {
            let (a, b) = (self.0, other.0);
            let low = i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(a, b);
            let high = i8x16_shuffle::<8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(a, b);
            [
                u16x8_extend_low_u8x16(low),
                u16x8_extend_high_u8x16(low),
                u16x8_extend_low_u8x16(high),
                u16x8_extend_high_u8x16(high),
            ]
            .map(Eight)
        }

        /// Numbers, held within the range of bytes.
        #[inline(always)]
        pub fn narrowed(low: Eight, high: Eight) -> [u8; 16] {
            bytemuck::cast(u8x16_narrow_i16x8(low.0, high.0))
        }
    }

    impl Four {
        /// The same, four times.
        #[inline(always)]
        pub fn splat(value: i32) -> Self {
            Self(i32x4_splat(value))
        }

        /// The sums.
        #[inline(always)]
        pub fn plus(self, other: Self) -> Self {
            Self(i32x4_add(self.0, other.0))
        }

        /// The differences.
        #[inline(always)]
        pub fn minus(self, other: Self) -> Self {
            Self(i32x4_sub(self.0, other.0))
        }

        /// Divided by a power of two, rounded, and held within 16 bits.
        #[inline(always)]
        pub fn narrowed<const SHIFT: u32>(low: Self, high: Self) -> Eight {
            let half = i32x4_splat(1 << (SHIFT - 1));
            let divided = |four| i32x4_shr(i32x4_add(four, half), SHIFT);
            Eight(i16x8_narrow_i32x4(divided(low.0), divided(high.0)))
        }
    }
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[expect(unsafe_code, reason = "the compiler does not know yet that these need no check")]
mod implementation {
    use core::arch::x86_64::*;

    /// Sixteen bytes.
    #[derive(Debug, Clone, Copy)]
    pub struct Sixteen(__m128i);

    /// Eight numbers of 16 bits.
    #[derive(Debug, Clone, Copy)]
    pub struct Eight(__m128i);

    /// Four numbers of 32 bits.
    #[derive(Debug, Clone, Copy)]
    pub struct Four(__m128i);

    /// Eight factors below 1.
    #[derive(Debug, Clone, Copy)]
    pub struct Reciprocal(__m128, __m128);

    impl Eight {
        /// From memory.
        #[inline(always)]
        pub fn load(from: &[i16; 8]) -> Self {
            Self(bytemuck::cast(*from))
        }

        /// The first four; the others are zero.
        #[inline(always)]
        pub fn load_four(from: &[i16; 4]) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe { Self(_mm_set_epi64x(0, bytemuck::cast(*from))) }
        }

        /// A pair, four times.
        #[inline(always)]
        pub fn pairs(even: i16, odd: i16) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe { Self(_mm_set1_epi32(i32::from(odd) << 16 | i32::from(even as u16))) }
        }

        /// The sums.
        #[inline(always)]
        pub fn plus(self, other: Self) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe { Self(_mm_add_epi16(self.0, other.0)) }
        }

        /// The differences.
        #[inline(always)]
        pub fn minus(self, other: Self) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe { Self(_mm_sub_epi16(self.0, other.0)) }
        }

        /// The products, their lower 16 bits.
        #[inline(always)]
        pub fn times(self, other: Self) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe { Self(_mm_mullo_epi16(self.0, other.0)) }
        }

        /// The lower four of both, in turns.
        #[inline(always)]
        pub fn mixed_low(self, other: Self) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe { Self(_mm_unpacklo_epi16(self.0, other.0)) }
        }

        /// The upper four of both, in turns.
        #[inline(always)]
        pub fn mixed_high(self, other: Self) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe { Self(_mm_unpackhi_epi16(self.0, other.0)) }
        }

        /// Products of neighbours, added in pairs.
        #[inline(always)]
        pub fn dot(self, other: Self) -> Four {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe { Four(_mm_madd_epi16(self.0, other.0)) }
        }

        /// The lower four, shifted left by 13.
        #[inline(always)]
        pub fn low_scaled(self) -> Four {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe { Four(_mm_srai_epi32::<3>(_mm_unpacklo_epi16(_mm_setzero_si128(), self.0))) }
        }

        /// The upper four, shifted left by 13.
        #[inline(always)]
        pub fn high_scaled(self) -> Four {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe { Four(_mm_srai_epi32::<3>(_mm_unpackhi_epi16(_mm_setzero_si128(), self.0))) }
        }

        /// Rows as columns.
        #[inline(always)]
        pub fn transposed(rows: [Self; 8]) -> [Self; 8] {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe {
                let [a, b, c, d, e, f, g, h] = rows.map(|row| row.0);
                let low = |x, y| _mm_unpacklo_epi16(x, y);
                let high = |x, y| _mm_unpackhi_epi16(x, y);
                let (ae, ae2, bf, bf2) = (low(a, e), high(a, e), low(b, f), high(b, f));
                let (cg, cg2, dh, dh2) = (low(c, g), high(c, g), low(d, h), high(d, h));
                let (aceg, aceg2, bdfh, bdfh2) = (low(ae, cg), high(ae, cg), low(bf, dh), high(bf, dh));
                let (aceg3, aceg4, bdfh3, bdfh4) =
                    (low(ae2, cg2), high(ae2, cg2), low(bf2, dh2), high(bf2, dh2));
                [
                    low(aceg, bdfh),
                    high(aceg, bdfh),
                    low(aceg2, bdfh2),
                    high(aceg2, bdfh2),
                    low(aceg3, bdfh3),
                    high(aceg3, bdfh3),
                    low(aceg4, bdfh4),
                    high(aceg4, bdfh4),
                ]
                .map(Self)
            }
        }

        /// Rows of four, two in each, as columns in the lower halves.
        #[inline(always)]
        pub fn columns_of_four(first: Self, second: Self) -> [Self; 4] {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe {
                let (a, b) = (first.0, second.0);
                // Rows 0 and 2, then 1 and 3, in turns; then all four.
                let (even, odd) = (_mm_unpacklo_epi16(a, b), _mm_unpackhi_epi16(a, b));
                let (low, high) = (_mm_unpacklo_epi16(even, odd), _mm_unpackhi_epi16(even, odd));
                let upper = |pair| _mm_unpackhi_epi64(pair, pair);
                [low, upper(low), high, upper(high)].map(Self)
            }
        }

        /// As bytes, with 128 added first and held within their range.
        #[inline(always)]
        pub fn to_samples(self) -> [u8; 8] {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe {
                let shifted = _mm_adds_epi16(self.0, _mm_set1_epi16(128));
                let bytes = _mm_packus_epi16(shifted, shifted);
                _mm_cvtsi128_si64(bytes).to_le_bytes()
            }
        }

        /// Samples as numbers around zero.
        #[inline(always)]
        pub fn from_samples(samples: [u8; 8]) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe {
                let bytes = _mm_cvtsi64_si128(i64::from_le_bytes(samples));
                Self(_mm_sub_epi16(_mm_unpacklo_epi8(bytes, _mm_setzero_si128()), _mm_set1_epi16(128)))
            }
        }

        /// Four bytes as numbers; the others are zero.
        #[inline(always)]
        pub fn of_bytes(bytes: [u8; 4]) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe {
                let bytes = _mm_cvtsi32_si128(i32::from_le_bytes(bytes));
                Self(_mm_unpacklo_epi8(bytes, _mm_setzero_si128()))
            }
        }

        /// The lower bytes of the first four.
        #[inline(always)]
        pub fn lower_bytes(self) -> [u8; 4] {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe {
                let bytes = _mm_and_si128(self.0, _mm_set1_epi16(255));
                _mm_cvtsi128_si32(_mm_packus_epi16(bytes, bytes)).to_le_bytes()
            }
        }

        /// The sums of what is below 256, modulo that.
        #[inline(always)]
        pub fn plus_modulo(self, other: Self) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe { Self(_mm_and_si128(_mm_add_epi16(self.0, other.0), _mm_set1_epi16(255))) }
        }

        /// Of the pixels to the left, above and in the corner between them the one
        /// that is nearest to left + above - corner; of those that are as near the
        /// first. What PNG's fourth filter foretells (section 9.4), in a way with
        /// few steps from `self` on, which was computed last: that of stb_image.
        #[inline(always)]
        pub fn foretold(self, above: Self, corner: Self) -> Self {
            let (a, b, c) = (self.0, above.0, corner.0);
            // SAFETY: every x86-64 processor has SSE2.
            unsafe {
                let select =
                    |mask, yes, no| _mm_or_si128(_mm_and_si128(mask, yes), _mm_andnot_si128(mask, no));
                let tripled = _mm_add_epi16(_mm_add_epi16(c, c), c);
                let threshold = _mm_sub_epi16(_mm_sub_epi16(tripled, b), a);
                let (low, high) = (_mm_min_epi16(a, b), _mm_max_epi16(a, b));
                let inner = select(_mm_cmpgt_epi16(high, threshold), c, low);
                Self(select(_mm_cmpgt_epi16(threshold, low), inner, high))
            }
        }

        /// As an array.
        #[inline(always)]
        pub fn to_array(self) -> [i16; 8] {
            bytemuck::cast(self.0)
        }

        /// A bit for each that is not zero.
        #[inline(always)]
        pub fn nonzero(self) -> u8 {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe {
                let zero = _mm_cmpeq_epi16(self.0, _mm_setzero_si128());
                !_mm_movemask_epi8(_mm_packs_epi16(zero, zero)) as u8
            }
        }

        /// Multiplied and rounded.
        #[inline(always)]
        pub fn quantized(self, by: &Reciprocal) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe {
                let times = |four, factors| {
                    _mm_cvtps_epi32(_mm_mul_ps(_mm_cvtepi32_ps(_mm_srai_epi32::<16>(four)), factors))
                };
                let low = times(_mm_unpacklo_epi16(self.0, self.0), by.0);
                Self(_mm_packs_epi32(low, times(_mm_unpackhi_epi16(self.0, self.0), by.1)))
            }
        }
    }

    impl Reciprocal {
        /// In their order.
        pub fn new([a, b, c, d, e, f, g, h]: [f32; 8]) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe { Self(_mm_setr_ps(a, b, c, d), _mm_setr_ps(e, f, g, h)) }
        }
    }

    impl Sixteen {
        /// From memory.
        #[inline(always)]
        pub fn load(from: &[u8; 16]) -> Self {
            Self(bytemuck::cast(*from))
        }

        /// Both, byte by byte in turns, as numbers.
        #[inline(always)]
        pub fn mixed(self, other: Self) -> [Eight; 4] {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe {
                let zero = _mm_setzero_si128();
                let (low, high) = (_mm_unpacklo_epi8(self.0, other.0), _mm_unpackhi_epi8(self.0, other.0));
                [
                    Eight(_mm_unpacklo_epi8(low, zero)),
                    Eight(_mm_unpackhi_epi8(low, zero)),
                    Eight(_mm_unpacklo_epi8(high, zero)),
                    Eight(_mm_unpackhi_epi8(high, zero)),
                ]
            }
        }

        /// Numbers, held within the range of bytes.
        #[inline(always)]
        pub fn narrowed(low: Eight, high: Eight) -> [u8; 16] {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe { bytemuck::cast(_mm_packus_epi16(low.0, high.0)) }
        }
    }

    impl Four {
        /// The same, four times.
        #[inline(always)]
        pub fn splat(value: i32) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe { Self(_mm_set1_epi32(value)) }
        }

        /// The sums.
        #[inline(always)]
        pub fn plus(self, other: Self) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe { Self(_mm_add_epi32(self.0, other.0)) }
        }

        /// The differences.
        #[inline(always)]
        pub fn minus(self, other: Self) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe { Self(_mm_sub_epi32(self.0, other.0)) }
        }

        /// Divided by a power of two, rounded, and held within 16 bits.
        #[inline(always)]
        pub fn narrowed<const SHIFT: u32>(low: Self, high: Self) -> Eight {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe {
                let half = _mm_set1_epi32(1 << (SHIFT - 1));
                let divided =
                    |four| _mm_sra_epi32(_mm_add_epi32(four, half), _mm_cvtsi32_si128(SHIFT as i32));
                Eight(_mm_packs_epi32(divided(low.0), divided(high.0)))
            }
        }
    }
}

#[cfg(not(any(
    all(target_arch = "wasm32", target_feature = "simd128"),
    all(target_arch = "x86_64", target_feature = "sse2")
)))]
mod implementation {
    /// Sixteen bytes.
    #[derive(Debug, Clone, Copy)]
    pub struct Sixteen([u8; 16]);

    /// Eight numbers of 16 bits.
    #[derive(Debug, Clone, Copy)]
    pub struct Eight([i16; 8]);

    /// Four numbers of 32 bits.
    #[derive(Debug, Clone, Copy)]
    pub struct Four([i32; 4]);

    /// Eight factors below 1.
    #[derive(Debug, Clone, Copy)]
    pub struct Reciprocal([f32; 8]);

    impl Eight {
        /// From memory.
        #[inline(always)]
        pub fn load(from: &[i16; 8]) -> Self {
            Self(*from)
        }

        /// The first four; the others are zero.
        #[inline(always)]
        pub fn load_four(&[a, b, c, d]: &[i16; 4]) -> Self {
            Self([a, b, c, d, 0, 0, 0, 0])
        }

        /// A pair, four times.
        #[inline(always)]
        pub fn pairs(even: i16, odd: i16) -> Self {
            Self([even, odd, even, odd, even, odd, even, odd])
        }

        #[inline(always)]
        fn with(self, other: Self, of: fn(i16, i16) -> i16) -> Self {
            Self(std::array::from_fn(|lane| of(self.0[lane], other.0[lane])))
        }

        /// The sums.
        #[inline(always)]
        pub fn plus(self, other: Self) -> Self {
            self.with(other, i16::wrapping_add)
        }

        /// The differences.
        #[inline(always)]
        pub fn minus(self, other: Self) -> Self {
            self.with(other, i16::wrapping_sub)
        }

        /// The products, their lower 16 bits.
        #[inline(always)]
        pub fn times(self, other: Self) -> Self {
            self.with(other, i16::wrapping_mul)
        }

        /// The lower four of both, in turns.
        #[inline(always)]
        pub fn mixed_low(self, other: Self) -> Self {
            let (a, b) = (self.0, other.0);
            Self([a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3]])
        }

        /// The upper four of both, in turns.
        #[inline(always)]
        pub fn mixed_high(self, other: Self) -> Self {
            let (a, b) = (self.0, other.0);
            Self([a[4], b[4], a[5], b[5], a[6], b[6], a[7], b[7]])
        }

        /// Products of neighbours, added in pairs.
        #[inline(always)]
        pub fn dot(self, other: Self) -> Four {
            let product = |lane: usize| i32::from(self.0[lane]) * i32::from(other.0[lane]);
            Four(std::array::from_fn(|lane| product(2 * lane).wrapping_add(product(2 * lane + 1))))
        }

        /// The lower four, shifted left by 13.
        #[inline(always)]
        pub fn low_scaled(self) -> Four {
            Four(std::array::from_fn(|lane| i32::from(self.0[lane]) << 13))
        }

        /// The upper four, shifted left by 13.
        #[inline(always)]
        pub fn high_scaled(self) -> Four {
            Four(std::array::from_fn(|lane| i32::from(self.0[lane + 4]) << 13))
        }

        /// Rows as columns.
        #[inline(always)]
        pub fn transposed(rows: [Self; 8]) -> [Self; 8] {
            std::array::from_fn(|column| Self(std::array::from_fn(|row| rows[row].0[column])))
        }

        /// Rows of four, two in each, as columns in the lower halves.
        #[inline(always)]
        pub fn columns_of_four(first: Self, second: Self) -> [Self; 4] {
            let (a, b) = (first.0, second.0);
            std::array::from_fn(|lane| Self([a[lane], a[lane + 4], b[lane], b[lane + 4], 0, 0, 0, 0]))
        }

        /// As bytes, with 128 added first and held within their range.
        #[inline(always)]
        pub fn to_samples(self) -> [u8; 8] {
            self.0.map(|value| value.saturating_add(128).clamp(0, 255) as u8)
        }

        /// Samples as numbers around zero.
        #[inline(always)]
        pub fn from_samples(samples: [u8; 8]) -> Self {
            Self(samples.map(|sample| i16::from(sample) - 128))
        }

        /// Four bytes as numbers; the others are zero.
        #[inline(always)]
        pub fn of_bytes(bytes: [u8; 4]) -> Self {
            Self(std::array::from_fn(|lane| bytes.get(lane).copied().map_or(0, i16::from)))
        }

        /// The lower bytes of the first four.
        #[inline(always)]
        pub fn lower_bytes(self) -> [u8; 4] {
            std::array::from_fn(|lane| self.0[lane] as u8)
        }

        /// The sums of what is below 256, modulo that.
        #[inline(always)]
        pub fn plus_modulo(self, other: Self) -> Self {
            Self(std::array::from_fn(|lane| self.0[lane].wrapping_add(other.0[lane]) & 255))
        }

        /// Of the pixels to the left, above and in the corner between them the one
        /// that is nearest to left + above - corner; of those that are as near the
        /// first. What PNG's fourth filter foretells (section 9.4), in a way with
        /// few steps from `self` on, which was computed last: that of stb_image.
        #[inline(always)]
        pub fn foretold(self, above: Self, corner: Self) -> Self {
            Self(std::array::from_fn(|lane| {
                let (a, b, c) = (self.0[lane], above.0[lane], corner.0[lane]);
                let threshold = c.wrapping_mul(3).wrapping_sub(b).wrapping_sub(a);
                let (low, high) = (a.min(b), a.max(b));
                let inner = if high > threshold { c } else { low };
                if threshold > low { inner } else { high }
            }))
        }

        /// As an array.
        #[inline(always)]
        pub fn to_array(self) -> [i16; 8] {
            self.0
        }

        /// A bit for each that is not zero.
        #[inline(always)]
        pub fn nonzero(self) -> u8 {
            self.0.iter().rev().fold(0, |bits, &value| bits << 1 | u8::from(value != 0))
        }

        /// Multiplied and rounded.
        #[inline(always)]
        pub fn quantized(self, by: &Reciprocal) -> Self {
            Self(std::array::from_fn(|lane| (f32::from(self.0[lane]) * by.0[lane]).round_ties_even() as i16))
        }
    }

    impl Reciprocal {
        /// In their order.
        pub fn new(factors: [f32; 8]) -> Self {
            Self(factors)
        }
    }

    impl Sixteen {
        /// From memory.
        #[inline(always)]
        pub fn load(from: &[u8; 16]) -> Self {
            Self(*from)
        }

        /// Both, byte by byte in turns, as numbers.
        #[inline(always)]
        pub fn mixed(self, other: Self) -> [Eight; 4] {
            std::array::from_fn(|quarter| {
                Eight(std::array::from_fn(|lane| {
                    let byte = 4 * quarter + lane / 2;
                    i16::from(if lane.is_multiple_of(2) { self.0[byte] } else { other.0[byte] })
                }))
            })
        }

        /// Numbers, held within the range of bytes.
        #[inline(always)]
        pub fn narrowed(low: Eight, high: Eight) -> [u8; 16] {
            std::array::from_fn(|lane| {
                let value = if lane < 8 { low.0[lane] } else { high.0[lane - 8] };
                value.clamp(0, 255) as u8
            })
        }
    }

    impl Four {
        /// The same, four times.
        #[inline(always)]
        pub fn splat(value: i32) -> Self {
            Self([value; 4])
        }

        /// The sums.
        #[inline(always)]
        pub fn plus(self, other: Self) -> Self {
            Self(std::array::from_fn(|lane| self.0[lane].wrapping_add(other.0[lane])))
        }

        /// The differences.
        #[inline(always)]
        pub fn minus(self, other: Self) -> Self {
            Self(std::array::from_fn(|lane| self.0[lane].wrapping_sub(other.0[lane])))
        }

        /// Divided by a power of two, rounded, and held within 16 bits.
        #[inline(always)]
        pub fn narrowed<const SHIFT: u32>(low: Self, high: Self) -> Eight {
            let divided = |four: i32| {
                let value = four.wrapping_add(1 << (SHIFT - 1)) >> SHIFT;
                value.clamp(i16::MIN.into(), i16::MAX.into()) as i16
            };
            Eight(std::array::from_fn(|lane| match lane.checked_sub(4) {
                None => divided(low.0[lane]),
                Some(lane) => divided(high.0[lane]),
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_mixed_as_numbers_without_a_sign() {
        let a = Sixteen::load(&std::array::from_fn(|at| at as u8));
        let b = Sixteen::load(&std::array::from_fn(|at| 255 - at as u8));
        let mixed: Vec<i16> = a.mixed(b).into_iter().flat_map(Eight::to_array).collect();
        let expected: Vec<i16> = (0..16).flat_map(|at| [at, 255 - at]).collect();
        assert_eq!(mixed, expected);
    }

    #[test]
    fn sums_of_products_are_rounded_and_held_within_their_range() {
        let values = Eight::load(&[100, -100, 32_767, 32_767, 5, 0, -7, 0]);
        let sums = values.dot(Eight::pairs(3, 1));
        let narrow = Four::narrowed::<2>(sums, Four::splat(6).plus(Four::splat(-20)));
        // 200, 131 068, 15 and -21 by four; then -14 by four.
        assert_eq!(narrow.to_array(), [50, 32_767, 4, -5, -3, -3, -3, -3]);
        assert_eq!(Sixteen::narrowed(narrow, narrow)[..8], [50, 255, 4, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn what_is_foretold_is_the_nearest_of_three_as_the_specification_computes_it() {
        for (a, b, c) in (0..52).flat_map(|a| (0..52).flat_map(move |b| (0..52).map(move |c| (a, b, c)))) {
            let [a, b, c] = [a, b, c].map(|level| (level * 5) as u8);
            let far = |from: u8| (i32::from(a) + i32::from(b) - i32::from(c) - i32::from(from)).abs();
            let nearest = if far(a) <= far(b) && far(a) <= far(c) {
                a
            } else if far(b) <= far(c) {
                b
            } else {
                c
            };
            let [left, above, corner] = [a, b, c].map(|level| Eight::of_bytes([level, 0, 9, 255 - level]));
            assert_eq!(left.foretold(above, corner).lower_bytes()[0], nearest, "{a} {b} {c}");
            assert_eq!(left.plus_modulo(above).lower_bytes()[0], a.wrapping_add(b));
        }
    }

    #[test]
    fn rows_become_columns() {
        let rows: [[i16; 8]; 8] = std::array::from_fn(|y| std::array::from_fn(|x| (10 * y + x) as i16));
        let columns = Eight::transposed(rows.map(|row| Eight::load(&row))).map(Eight::to_array);
        for (x, column) in columns.into_iter().enumerate() {
            assert_eq!(column, rows.map(|row| row[x]));
        }
    }
}
