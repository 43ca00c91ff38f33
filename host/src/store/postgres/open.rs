//! Opening the store: which database, whether its version and its settings will do, and its schema.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgConnection, Row as _};

use super::database;
use super::migrations::{self, Applied};
use super::promise::{Promise, PromiseError};

/// Version 15 is the first whose defaults and planner were tried here; every older one ends before long.
const OLDEST: i32 = 150_000;

/// What a server calls itself.
pub(super) const SERVER: &str = "tintype";
/// What a process calls itself that changes nothing.
pub(super) const LOOKS: &str = "tintype, looking";

/// For so long a start waits for a database that starts too.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(500);

/// How a store behaves.
#[derive(Clone)]
pub struct Settings {
    /// `postgres://…`. There may be a password in it.
    pub url: String,
    /// Connections to the database, beside the one that listens.
    pub connections: u32,
    /// Whether the schema is made, or brought up, when the store is opened.
    pub migrate: bool,
    /// Whether a database is used that can lose what it confirmed.
    pub accept_unsafe: bool,
    /// Most tasks that may wait, on all nodes together.
    pub max_queue: u64,
    /// How many tasks this process runs at once: as many are handed out.
    pub workers: usize,
    /// How often a task may be running when its process dies.
    pub max_attempts: u32,
    /// How long a worker may be silent.
    pub lease: Duration,
}

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is none.
    #[error("store is no address of a database: {0}; write postgres://USER@HOST/DATABASE")]
    Address(String),
    /// A file that the address names is not there, or not for this user.
    #[error("store names the file {} by {parameter}, and it cannot be read: {problem}", file.display())]
    File {
        /// In the address.
        parameter: String,
        /// As named.
        file: PathBuf,
        /// In the system's words.
        problem: std::io::Error,
    },
    /// Nobody is there, or it lets nobody in.
    #[error("the database {place} cannot be used: {problem}")]
    Unreachable {
        /// Host and database, without user and password.
        place: String,
        /// In its own words.
        problem: String,
    },
    /// It is too old.
    #[error("the database {place} is PostgreSQL {found}; tintype needs 15 or later")]
    TooOld {
        /// Host and database.
        place: String,
        /// Its version.
        found: String,
    },
    /// A later version of tintype has changed the schema.
    #[error(
        "the schema of the database is version {found}, and this tintype knows versions up to {known}: a newer \
         one has changed it. Start that one"
    )]
    Newer {
        /// As found.
        found: i32,
        /// The last one that this version knows.
        known: i32,
    },
    /// It is not what this version needs, and must not be changed.
    #[error(
        "the schema of the database is version {found}, and this tintype needs version {known}: run `tintype \
         migrate`, or set store_migrate = true"
    )]
    Older {
        /// As found; 0 if there is none.
        found: i32,
        /// The version that is needed.
        known: i32,
    },
    /// It could lose what it has confirmed.
    #[error(transparent)]
    Promise(#[from] PromiseError),
    /// Its tasks are on their way, or have gone.
    #[error(
        "the tasks of the database {place} are not to be worked with: {why}. If that is over or was given up, have \
         them served again by UPDATE tintype.identity SET moving = NULL"
    )]
    Moving {
        /// Host and database.
        place: String,
        /// What was noted.
        why: String,
    },
    /// Others work with it.
    #[error(
        "{0} connections of servers are open to the database {1}: stop all servers first, or what they do meanwhile \
         is left behind"
    )]
    Served(i64, String),
    /// There are tasks in it already.
    #[error("the database {0} holds tasks already: name one that is new")]
    NotEmpty(String),
    /// A statement failed.
    #[error("the schema of the database: {0}")]
    Schema(String),
}

/// The database of a URL.
///
/// # Errors
/// It is none, or names certificates that cannot be read.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, OpenError> {
    let options = parse(url)?;
    for (parameter, file) in certificates(url) {
        if let Err(problem) = std::fs::File::open(&file) {
            return Err(OpenError::File { parameter: parameter.to_owned(), file, problem });
        }
    }
    Ok(options)
}

fn parse(url: &str) -> Result<PgConnectOptions, OpenError> {
    let options = PgConnectOptions::from_str(url).map_err(|error| OpenError::Address(error.to_string()))?;
    // What a statement says is in the log of the database, and who sent it should be too.
    Ok(options.application_name(SERVER).disable_statement_logging())
}

/// Host and database, for people.
pub(super) fn place(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(socket) => format!("{database} at {}", socket.display()),
        None => format!("{database} at {}:{}", options.get_host(), options.get_port()),
    }
}

/// What a look at the database shows.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) connection: PgConnection,
    pub(super) version: String,
    pub(super) promise: Promise,
}

/// Connects, patiently where `patient`, and looks at version and settings.
pub(super) async fn look(options: &PgConnectOptions, patient: bool) -> Result<Look, OpenError> {
    let place = place(options);
    let unreachable =
        |error: sqlx::Error| OpenError::Unreachable { place: place.clone(), problem: error.to_string() };
    let until = tokio::time::Instant::now() + PATIENCE;
    let mut connection = loop {
        match options.connect().await {
            Ok(connection) => break connection,
            Err(error) if !patient || !may_pass(&error) || tokio::time::Instant::now() > until => {
                return Err(unreachable(error));
            }
            Err(error) => {
                tracing::warn!(%place, %error, "the database cannot be reached yet");
                tokio::time::sleep(PAUSE).await;
            }
        }
    };
    let row = sqlx::query(
        "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version",
    )
    .fetch_one(&mut connection)
    .await
    .map_err(&unreachable)?;
    let version: String = row.try_get("version").map_err(&unreachable)?;
    if row.try_get::<i32, _>("number").map_err(&unreachable)? < OLDEST {
        return Err(OpenError::TooOld { place, found: version });
    }
    let promise = Promise::of(&mut connection).await.map_err(&unreachable)?;
    Ok(Look { connection, version, promise })
}

/// A statement about the schema failed.
pub(super) fn failed(error: sqlx::Error) -> OpenError {
    OpenError::Schema(error.to_string())
}

/// Whether a server that starts, or has too many guests, says this.
fn may_pass(error: &sqlx::Error) -> bool {
    // Whoever it is has a certificate that is not believed, or none.
    let is_strange = match error {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    };
    if is_strange {
        return false;
    }
    matches!(database::store_error(error), crate::task::StoreError::Unavailable(_))
}

/// Makes sure of version, settings and schema.
pub(super) async fn prepare(options: &PgConnectOptions, settings: &Settings) -> Result<(), OpenError> {
    let Look { mut connection, version, promise } = look(options, true).await?;
    promise.check(settings.accept_unsafe)?;
    tracing::info!(place = place(options), version, "task store on PostgreSQL: {promise}");
    let applied = if settings.migrate {
        migrations::apply(&mut connection).await?
    } else {
        migrations::status(&mut connection).await?
    };
    let Applied { found, new } = applied;
    for name in &new {
        tracing::info!(name, "the schema of the database was changed");
    }
    database::close(connection).await;
    self::known(found)?;
    let known = migrations::newest();
    if found < known { Err(OpenError::Older { found, known }) } else { Ok(()) }
}

/// Refuses a schema that a newer version has changed.
pub(super) fn known(found: i32) -> Result<(), OpenError> {
    let known = migrations::newest();
    if found > known { Err(OpenError::Newer { found, known }) } else { Ok(()) }
}

/// The parameters of a URL that name files.
const FILES: &[&str] = &["sslrootcert", "sslcert", "sslkey"];

/// The files that a URL names, each with its parameter.
fn certificates(url: &str) -> impl Iterator<Item = (&str, PathBuf)> {
    let parameters = url.split_once('?').map(|(_, parameters)| parameters).unwrap_or_default();
    let pairs = parameters.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(name, _)| FILES.contains(&name.replace('-', "").as_str()))
        .map(|(name, value)| (name, PathBuf::from(value.replace("%2F", "/").replace("%2f", "/"))))
}

/// Files and folders that are read to reach the database: the folder of its socket, if it is reached by
/// one, and certificates that the address names.
///
/// # Errors
/// The address is none.
pub fn files(url: &str) -> Result<Vec<PathBuf>, OpenError> {
    let options = parse(url)?;
    let mut files: Vec<PathBuf> = options.get_socket().cloned().into_iter().collect();
    // A host that is a path is a folder of sockets, as in libpq.
    if options.get_host().starts_with('/') {
        files.push(PathBuf::from(options.get_host()));
    }
    files.extend(certificates(url).map(|(_, file)| file));
    Ok(files)
}
