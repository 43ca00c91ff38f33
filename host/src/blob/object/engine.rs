//! From a location to the crate's client for its engine.

use std::fs;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};

use super::error;
use super::location::{Engine, Location};
use super::transport::Transport;

/// Further tries of a request. What lasts longer than the seconds that these take is an outage: clients are
/// told so, and tasks wait.
const RETRIES: usize = 3;
/// From the first try to the last.
const RETRY_TIME: Duration = Duration::from_secs(10);
/// Before the second try, doubled before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The most that it grows to.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Why there is no object store to work with.
#[derive(Debug, thiserror::Error)]
pub enum BadStore {
    /// The environment lacks something, or contradicts itself.
    #[error("{0}: {1}. {2}")]
    Settings(Location, String, &'static str),
    /// There is no such bucket.
    #[error("{0}: there is no {1} {2:?}: create it, or name another one ({3})")]
    NoBucket(Location, &'static str, String, String),
    /// It is not this server's.
    #[error(
        "{0}: the credentials are refused: {1}. {2} They must be allowed to read, write, list and delete there"
    )]
    Refused(Location, String, &'static str),
    /// Nobody answers.
    #[error("{0}: a probe could not be written, read and deleted: {1}. {2}")]
    Unusable(Location, String, &'static str),
    /// The folder cannot be made.
    #[error("{0}: {1}. Let the user that runs the server write there, or name another folder")]
    Folder(Location, io::Error),
    /// Its pictures are those of other tasks.
    #[error(
        "{0}: the pictures there belong to another task store, and those that belong to no task here would be \
         deleted: choose another prefix"
    )]
    OfOthers(Location),
    /// What is read is not what was written.
    #[error("{0}: a probe came back with other bytes than were written")]
    Lies(Location),
}

impl BadStore {
    /// What a probe's failure tells.
    pub(super) fn of(location: &Location, error: &object_store::Error) -> Self {
        let (location, why) = (location.clone(), error::why(error));
        let engine = location.engine();
        if error::lacks_bucket(error) {
            let bucket = location.bucket().to_owned();
            return Self::NoBucket(location, engine.bucket(), bucket, why);
        }
        if error::is_refused(error) {
            return Self::Refused(location, why, engine.credentials());
        }
        Self::Unusable(location, why, engine.address())
    }
}

impl Engine {
    /// What it calls a bucket.
    fn bucket(self) -> &'static str {
        match self {
            Self::Azure => "container",
            Self::S3 | Self::Google => "bucket",
            Self::Folder => "folder",
        }
    }

    /// Where its credentials come from.
    pub(super) fn credentials(self) -> &'static str {
        match self {
            Self::S3 => "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION.",
            Self::Google => "Check GOOGLE_SERVICE_ACCOUNT or GOOGLE_APPLICATION_CREDENTIALS.",
            Self::Azure => "Check AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY.",
            Self::Folder => "Check whose the folder is.",
        }
    }

    /// Where it is looked for.
    pub(super) fn address(self) -> &'static str {
        match self {
            Self::S3 => {
                "Check AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that this machine reaches the endpoint"
            }
            Self::Google => {
                "Check GOOGLE_SERVICE_ACCOUNT or GOOGLE_APPLICATION_CREDENTIALS, and that this machine reaches storage.googleapis.com"
            }
            Self::Azure => {
                "Check AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, and that this machine reaches the account's address"
            }
            Self::Folder => "Let the user that runs the server write there, or name another folder",
        }
    }
}

/// Makes the client. What it is told by files and environment variables it reads now, but for tokens that
/// change.
pub(super) fn client(location: &Location) -> Result<Arc<dyn ObjectStore>, BadStore> {
    let bad = |error: object_store::Error| {
        BadStore::Settings(location.clone(), error::why(&error), location.engine().credentials())
    };
    if let Some(folder) = location.folder() {
        fs::create_dir_all(folder).map_err(|error| BadStore::Folder(location.clone(), error))?;
        let folder = LocalFileSystem::new_with_prefix(folder).map_err(bad)?;
        // A period's folder goes with its last picture.
        return Ok(Arc::new(folder.with_fsync(true).with_automatic_cleanup(true)));
    }
    let (transport, bucket) = (Transport::of_this_machine(), location.bucket());
    Ok(match location.engine() {
        Engine::Google => Arc::new(
            GoogleCloudStorageBuilder::from_env()
                .with_bucket_name(bucket)
                .with_retry(retries())
                .with_http_connector(transport)
                .build()
                .map_err(bad)?,
        ),
        Engine::Azure => Arc::new(
            MicrosoftAzureBuilder::from_env()
                .with_container_name(bucket)
                .with_retry(retries())
                .with_http_connector(transport)
                // An endpoint that is written http:// is meant so.
                .with_allow_http(true)
                .build()
                .map_err(bad)?,
        ),
        Engine::S3 | Engine::Folder => Arc::new(
            AmazonS3Builder::from_env()
                .with_bucket_name(bucket)
                .with_retry(retries())
                .with_http_connector(transport)
                .with_allow_http(true)
                .build()
                .map_err(bad)?,
        ),
    })
}

pub(super) fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig { init_backoff: FIRST_PAUSE, max_backoff: LONGEST_PAUSE, base: 2.0 },
        max_retries: RETRIES,
        retry_timeout: RETRY_TIME,
    }
}
