//! Where a run's memory is bounded: all linear memories of a run together, and its tables.

use wasmtime::ResourceLimiter;

/// Bytes that a table element takes in the host.
const TABLE_ELEMENT: usize = 16;

/// Counts what a run has and refuses what passes its limit.
#[derive(Debug)]
pub(super) struct MemoryLimiter {
    limit: usize,
    used: usize,
    peak: usize,
    refused: bool,
}

impl MemoryLimiter {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, used: 0, peak: 0, refused: false }
    }

    /// The most bytes that were in use at once.
    pub(super) fn peak(&self) -> usize {
        self.peak
    }

    /// Whether the run asked for more than its limit.
    pub(super) fn refused(&self) -> bool {
        self.refused
    }

    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.limit {
            self.refused = true;
            return false;
        }
        self.used = used;
        self.peak = self.peak.max(used);
        true
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current.saturating_mul(TABLE_ELEMENT), desired.saturating_mul(TABLE_ELEMENT)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use wasmtime::{Engine, Instance, Module, Store};

    use super::*;

    fn run(wat: &str, limit: usize) -> (Option<i32>, MemoryLimiter) {
        let engine = Engine::default();
        let module = Module::new(&engine, wat::parse_str(wat).unwrap()).unwrap();
        let mut store = Store::new(&engine, MemoryLimiter::new(limit));
        store.limiter(|limiter| limiter);
        let result = Instance::new(&mut store, &module, &[])
            .and_then(|instance| instance.get_typed_func::<(), i32>(&mut store, "run"))
            .and_then(|run| run.call(&mut store, ()));
        (result.ok(), store.into_data())
    }

    const PAGE: usize = 64 << 10;

    #[test]
    fn growing_to_the_limit_succeeds_and_past_it_fails() {
        let wat = r#"(module (memory 1) (func (export "run") (result i32)
            (drop (memory.grow (i32.const 3))) (memory.grow (i32.const 1))))"#;
        let (grown, limiter) = run(wat, 4 * PAGE);
        assert_eq!((grown, limiter.peak(), limiter.refused()), (Some(-1), 4 * PAGE, true));
        let (grown, limiter) = run(wat, 5 * PAGE);
        assert_eq!((grown, limiter.peak(), limiter.refused()), (Some(4), 5 * PAGE, false));
    }

    #[test]
    fn several_memories_share_one_limit() {
        let wat = r#"(module (memory $a 2) (memory $b 2) (func (export "run") (result i32)
            (memory.grow $b (i32.const 1))))"#;
        assert_eq!(run(wat, 4 * PAGE).0, Some(-1));
        assert_eq!(run(wat, 3 * PAGE).0, None, "what an instance begins with counts too");
    }

    #[test]
    fn a_table_counts_as_memory() {
        let wat = r#"(module (table 1 funcref) (func (export "run") (result i32)
            (table.grow (ref.null func) (i32.const 10000))))"#;
        assert_eq!(run(wat, PAGE).0, Some(-1));
    }
}
