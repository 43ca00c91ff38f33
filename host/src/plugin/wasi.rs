//! WASI 0.2 with nothing in it: no files, no sockets, no environment, no arguments, an empty standard
//! input. Components made from JavaScript, Python or Go import it whether they use it or not.
//!
//! Standard output and error become the plugin's log lines. The two functions with which a guest can
//! wait inside the host are replaced, because no epoch interrupts a guest that isn't running.

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::pipe::ClosedInputStream;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_io::bindings::wasi::io::poll::{Host as _, HostPollable as _};
use wasmtime_wasi_io::poll::{DynPollable, Pollable};
use wasmtime_wasi_io::streams::{OutputStream, StreamResult};

use super::guest::GuestState;

/// The version whose functions are replaced; wasmtime matches other 0.2 versions to it.
const POLL: &str = "wasi:io/poll@0.2.12";

/// Most bytes of random numbers in one call: the host holds them before the guest does.
const MOST_RANDOM: u64 = 1 << 20;

/// Most bytes of one write to standard output.
const LARGEST_WRITE: usize = 4096;

/// Most handles (streams, pollables, errors) that a guest may hold.
const MOST_HANDLES: usize = 10_000;

/// A run's WASI, made when the guest first touches it.
pub(super) struct Wasi {
    context: WasiCtx,
    table: ResourceTable,
}

impl Wasi {
    pub(super) fn new(lines: &LineSink) -> Self {
        let mut builder = WasiCtx::builder();
        builder
            .stdin(ClosedInputStream)
            .stdout(lines.clone())
            .stderr(lines.clone())
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .max_random_size(MOST_RANDOM);
        let mut table = ResourceTable::new();
        table.set_max_capacity(MOST_HANDLES);
        Self { context: builder.build(), table }
    }
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self.wasi();
        WasiCtxView { ctx: &mut wasi.context, table: &mut wasi.table }
    }
}

pub(super) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    let mut poll = linker.instance(POLL)?;
    poll.func_wrap(
        "poll",
        |mut store: StoreContextMut<'_, GuestState>, (pollables,): (Vec<Resource<DynPollable>>,)| {
            let interrupt = store.data().interrupt();
            let table = store.data_mut().ctx().table;
            let ready = wasmtime_wasi::runtime::in_tokio(interrupt.bound(table.poll(pollables)))??;
            Ok((ready,))
        },
    )?;
    poll.func_wrap(
        "[method]pollable.block",
        |mut store: StoreContextMut<'_, GuestState>, (pollable,): (Resource<DynPollable>,)| {
            let interrupt = store.data().interrupt();
            let table = store.data_mut().ctx().table;
            wasmtime_wasi::runtime::in_tokio(interrupt.bound(table.block(pollable)))??;
            Ok(())
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Where a guest's standard output and error go: lines, drained into the log after the run.
#[derive(Clone, Default)]
pub(super) struct LineSink(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

/// Bytes of output that are kept for the log.
const KEPT_OUTPUT: usize = 64 << 10;

impl LineSink {
    fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let room = KEPT_OUTPUT.saturating_sub(kept.len());
        kept.extend(bytes.iter().take(room));
    }

    /// Everything written since the last call.
    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl IsTerminal for LineSink {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LineSink {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for this one, and that is not linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for LineSink {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LARGEST_WRITE)
    }
}

#[async_trait::async_trait]
impl Pollable for LineSink {
    async fn ready(&mut self) {}
}
