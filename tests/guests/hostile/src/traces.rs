//! What a run could leave for the next one: a pattern in static data and in all memory that it can get.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a page of linear memory.
const PAGE: usize = 64 << 10;

/// Words that stand in the module's own memory from the start.
static BOARD: [AtomicU64; 512] = [const { AtomicU64::new(1) }; 512];

/// What is written. It is computed, so that no constant of this module looks like it.
fn pattern() -> u64 {
    black_box(0x0123_4567_89ab_cdef_u64).rotate_left(11) ^ black_box(0x5eed_5eed_5eed_5eed_u64)
}

/// Takes all memory that there is, as words.
#[allow(unsafe_code, reason = "fresh pages belong to nobody until a slice is made of them")]
fn all_fresh_memory() -> &'static mut [u64] {
    let first = core::arch::wasm32::memory_size::<0>();
    while core::arch::wasm32::memory_grow::<0>(16) != usize::MAX {}
    while core::arch::wasm32::memory_grow::<0>(1) != usize::MAX {}
    let pages = core::arch::wasm32::memory_size::<0>() - first;
    // SAFETY: The pages from `first` on did not exist before, and the allocator, which grows memory only by
    // itself, knows nothing of them. They are zeroed or hold what this guest is to find; a u64 may hold
    // anything. Nothing else in this module makes a reference to them.
    unsafe { core::slice::from_raw_parts_mut((first * PAGE) as *mut u64, pages * PAGE / 8) }
}

/// Everything that the instance begins with, static data, stack and all, as it is right now.
#[allow(unsafe_code, reason = "a guest may read all of its own memory")]
fn count_in_first_memory(wanted: u64) -> usize {
    let words = core::arch::wasm32::memory_size::<0>() * PAGE / 8;
    // Read one by one and volatile: some of them belong to somebody, who may be this function.
    (1..words)
        // SAFETY: The address is aligned, below the end of memory, and not null; a u64 may hold anything.
        .filter(|word| unsafe { core::ptr::read_volatile((word * 8) as *const u64) } == wanted)
        .count()
}

/// Writes the pattern wherever it can, and says into how many bytes.
pub(crate) fn mark() -> Vec<u8> {
    let pattern = pattern();
    BOARD.iter().for_each(|word| word.store(pattern, Ordering::Relaxed));
    // What the allocator had already, as far as it gives it in one piece, and then the rest.
    let mut heap = vec![0_u64; PAGE / 8 * 4];
    heap.fill(pattern);
    black_box(&heap);
    let fresh = all_fresh_memory();
    fresh.fill(pattern);
    black_box(&fresh);
    format!("marked {} bytes", size_of_val(fresh) + size_of_val(heap.as_slice())).into_bytes()
}

/// Looks for the pattern wherever it can, and says how often it found it and in how many bytes.
pub(crate) fn seek() -> Vec<u8> {
    let pattern = pattern();
    let in_static = BOARD.iter().filter(|word| word.load(Ordering::Relaxed) != 1).count();
    let in_first = count_in_first_memory(pattern);
    let fresh = all_fresh_memory();
    let in_fresh = fresh.iter().filter(|word| **word != 0).count();
    format!(
        "found {in_static} in static data, {in_first} in first memory, {in_fresh} in {} fresh bytes",
        size_of_val(fresh)
    )
    .into_bytes()
}
