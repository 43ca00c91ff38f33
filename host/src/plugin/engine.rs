//! How wasmtime is set up: one engine for all plugins, with every number's reason beside it.

use std::sync::Arc;

use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use super::figures::Figures;
use super::guest::GuestState;
use super::interrupt::Ticker;
use super::limits::RunLimits;
use super::{interface, wasi};

/// Core instances of one component. A JavaScript component has a handful, a Python one some thirty.
const CORE_INSTANCES_PER_RUN: u32 = 100;
/// Linear memories of one component: one for nearly all, a few for components made of several.
const MEMORIES_PER_RUN: u32 = 8;
/// Tables of one component: one a core instance is usual.
const TABLES_PER_RUN: u32 = 100;
/// Elements of one table: CPython's has some 7,000.
const TABLE_ELEMENTS: usize = 100_000;
/// Bytes of a component's own bookkeeping in the host.
const INSTANCE_SIZE: usize = 4 << 20;
/// Bytes of a slot's memory that stay mapped between runs: they fault no pages in, which was a tenth of
/// the time for a picture of three megapixels. What is kept is zeroed before the next run sees it. It is
/// also what each worker keeps of the machine's memory when there is nothing to do.
const KEEP_RESIDENT: usize = 16 << 20;

/// Bytes of address space of a linear memory: all that 32 bits reach.
const RESERVATION: u64 = 4 << 30;

/// Why the sandbox cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox cannot be set up: {0}")]
pub struct SandboxError(wasmtime::Error);

/// The engine, what guests may link to, and the clock that interrupts them.
pub struct Sandbox {
    pub(super) engine: Engine,
    linker: Linker<GuestState>,
    /// The same, and WASI.
    wasi_linker: Linker<GuestState>,
    pub(super) ticker: Ticker,
    pub(super) limits: RunLimits,
    /// Whether plugins of which nothing else is said may import WASI.
    pub(super) allow_wasi: bool,
    pub(super) figures: Figures,
    pooled: bool,
}

impl Sandbox {
    /// Sets up a sandbox for `workers` runs at once.
    ///
    /// # Errors
    /// The machine can't do it.
    pub fn new(limits: RunLimits, workers: usize, allow_wasi: bool) -> Result<Arc<Self>, SandboxError> {
        // A pool reserves address space for every slot in advance; where there isn't that much
        // (a small ulimit -v, a 32-bit container), memory is mapped for each run instead.
        let (engine, pooled) = match Engine::new(config(&limits).allocation_strategy(pool(workers))) {
            Ok(engine) => (engine, true),
            Err(error) => {
                tracing::warn!(%error, "no address space for a pool of instances, each run will map its own memory");
                (Engine::new(&config(&limits)).map_err(SandboxError)?, false)
            }
        };
        let mut linker = Linker::new(&engine);
        interface::add_to_linker(&mut linker).map_err(SandboxError)?;
        let mut wasi_linker = linker.clone();
        wasi::add_to_linker(&mut wasi_linker).map_err(SandboxError)?;
        let ticker = Ticker::start(&engine);
        let figures = Figures::default();
        figures.has_room_for(runs(workers));
        Ok(Arc::new(Self { engine, linker, wasi_linker, ticker, limits, allow_wasi, figures, pooled }))
    }

    /// What a plugin may link to.
    pub(super) fn linker(&self, allow_wasi: bool) -> &Linker<GuestState> {
        if allow_wasi { &self.wasi_linker } else { &self.linker }
    }

    /// The limits of a run for which nothing else is said.
    #[must_use]
    pub fn limits(&self) -> &RunLimits {
        &self.limits
    }

    /// What is counted of all runs.
    #[must_use]
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Whether instances come from a pool.
    #[must_use]
    pub fn is_pooled(&self) -> bool {
        self.pooled
    }
}

fn config(limits: &RunLimits) -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        .max_wasm_stack(limits.stack)
        // Async components need machinery in the host that two of 2026's panics rode on.
        .concurrency_support(false)
        // Shared memories would escape the memory limit; threads are not even compiled in.
        .shared_memory(false)
        // No guest toolchain that we know makes 64-bit memories, and they need bounds checks.
        .wasm_memory64(false)
        .memory_init_cow(true)
        // The whole 32-bit range and a guard: no bounds check remains in the code.
        .memory_reservation(RESERVATION)
        .memory_guard_size(32 << 20)
        // Frames go to the log when a plugin traps; names and lines come from the guest's own sections.
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(20));
    without_avx(&mut config);
    config
}

/// What encodes vectors in another way than SSE does.
#[cfg(target_arch = "x86_64")]
const AVX: [&str; 8] = [
    "has_avx",
    "has_avx2",
    "has_fma",
    "has_avx512bitalg",
    "has_avx512dq",
    "has_avx512f",
    "has_avx512vbmi",
    "has_avx512vl",
];

/// Has vectors compiled to SSE alone. Cranelift computes with AVX where there is some, but moves registers
/// from and to the stack with SSE; and wherever the upper halves of the registers are in use, each change
/// between the two costs some 70 cycles. The C library's `memset` and `memcpy` leave them in use, on the
/// same thread: of two runs of a resize, one took 14 ms and the next one 2 seconds. SSE alone costs nothing
/// that could be measured.
#[cfg(target_arch = "x86_64")]
fn without_avx(config: &mut Config) {
    for flag in AVX {
        // SAFETY: code without these instructions runs wherever code with them does.
        #[allow(unsafe_code)]
        unsafe {
            config.cranelift_flag_set(flag, "false");
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn without_avx(_: &mut Config) {}

/// One run more than workers: a plugin's description is asked for while others run.
fn runs(workers: usize) -> u32 {
    u32::try_from(workers).unwrap_or(u32::MAX).saturating_add(1)
}

fn pool(workers: usize) -> InstanceAllocationStrategy {
    let runs = runs(workers);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(runs)
        .total_core_instances(runs.saturating_mul(CORE_INSTANCES_PER_RUN))
        .total_memories(runs.saturating_mul(MEMORIES_PER_RUN))
        .total_tables(runs.saturating_mul(TABLES_PER_RUN))
        .max_core_instances_per_component(CORE_INSTANCES_PER_RUN)
        .max_memories_per_component(MEMORIES_PER_RUN)
        .max_tables_per_component(TABLES_PER_RUN)
        // One module may have all of its component's: what is bounded is their sum.
        .max_memories_per_module(MEMORIES_PER_RUN)
        .max_tables_per_module(TABLES_PER_RUN)
        .max_component_instance_size(INSTANCE_SIZE)
        .max_core_instance_size(INSTANCE_SIZE)
        .table_elements(TABLE_ELEMENTS)
        // A slot has this much address space anyway, and a plugin may be allowed more memory than the
        // others: what bounds a run is its own limit.
        .max_memory_size(usize::try_from(RESERVATION).unwrap_or(usize::MAX))
        .linear_memory_keep_resident(KEEP_RESIDENT)
        // Linux 6.7 and later say which pages a run wrote to; only those are zeroed then.
        .pagemap_scan(Enabled::Auto);
    InstanceAllocationStrategy::Pooling(pool)
}
