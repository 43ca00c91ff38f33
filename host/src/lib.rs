//! Tintype: a server that processes pictures asynchronously in sandboxed WebAssembly components.
//!
//! The way of one picture: [`http`] reads the message and streams the image into [`blob`]; [`task`]
//! checks the description against the plugins and writes a record through [`store`]; once both are
//! durable the client has its 202. A worker claims the task, [`plugin`] runs the components, the
//! result goes into [`blob`], and the record becomes OK or FAILED.
//!
//! Arrows point one way: `http → task → {store, blob, plugin}`. [`config`] is known to all, [`cli`]
//! knows everybody. [`client`] is the other end of the wire, and knows nothing of all this.

pub mod auth;
pub mod blob;
pub mod callback;
pub mod cli;
pub mod client;
pub mod config;
pub mod control;
pub mod data_folder;
pub mod digest;
pub mod figures;
mod group_commit;
pub mod harden;
pub mod http;
pub mod id;
pub mod media_type;
pub mod name;
pub mod plugin;
pub mod shown;
pub mod store;
pub mod task;
pub mod telemetry;
pub mod trace;
pub mod xml_text;
