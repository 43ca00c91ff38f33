//! What a server takes hold of before it has a second thread, and so before it confines itself: what it
//! could not open afterwards, and folders that must be there for a rule to name them.

use std::sync::Arc;

use crate::callback::Sender;
use crate::config::Config;
use crate::data_folder::DataFolder;
use crate::http::{Certificate, Listening};
use crate::plugin::CompiledCode;
use crate::trace::{Exporter, Tracer};

/// See the module.
pub(super) struct Ground {
    pub(super) listening: Listening,
    pub(super) certificate: Option<Arc<Certificate>>,
    /// To be held until the end: nobody else may touch the folder while this process does.
    pub(super) data: DataFolder,
    /// Of the data folder.
    pub(super) format: u32,
    pub(super) compiled: CompiledCode,
    pub(super) sender: Option<Arc<Sender>>,
    pub(super) tracer: Tracer,
    pub(super) exporter: Option<Exporter>,
}

impl Ground {
    pub(super) fn prepare(config: &Config) -> anyhow::Result<Self> {
        let certificate = Certificate::from_settings(&config.http)?.map(Arc::new);
        // These read the certificate authorities of this machine, once.
        let sender = Sender::from_settings(&config.callback)?.map(Arc::new);
        let (tracer, exporter) = Tracer::from_settings(&config.otlp)?;
        // Before the data folder is touched: of two servers the second leaves without a trace.
        let listening = Listening::on(config.http.listen)?;
        let (data, format) = DataFolder::open(&config.storage.data_dir)?;
        let compiled = CompiledCode::open(&config.plugins.compiled_dir(&config.storage));
        Ok(Self { listening, certificate, data, format, compiled, sender, tracer, exporter })
    }
}
