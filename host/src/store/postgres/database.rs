//! The connections to the database, and how long a call goes on trying when one is lost.
//!
//! A lost connection is not a dead store. What was not sent is sent again, and so is what can be done twice
//! without harm; all else is answered with [`StoreError::Unavailable`], because nobody knows whether it
//! happened.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{Connection as _, Error, PgConnection, PgPool, Postgres};
use tokio::time::{Instant, timeout};

use super::open::Settings;
use crate::task::StoreError;

/// For so long a call goes on trying: a restart of the database takes some seconds, and no HTTP client
/// should wait much longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest time to get a connection, new or used.
const ACQUIRE: Duration = Duration::from_secs(5);
/// Longest time for one statement: all of them take milliseconds. The server ends them a little earlier
/// by itself (see [`SESSION`]).
const STATEMENT: Duration = Duration::from_secs(20);
/// Pauses between tries begin with this and double.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What every session begins with. A statement that hangs must not hang for ever, and one whose client has
/// vanished must not keep its locks. Who switches `synchronous_commit` off for a role or a database does not
/// mean this one: that is asked for by `store_accept_unsafe`.
const SESSION: &str = "SELECT set_config('statement_timeout', '15s', false),
       set_config('lock_timeout', '10s', false),
       set_config('idle_in_transaction_session_timeout', '15s', false),
       set_config('client_connection_check_interval', '2s', false),
       set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') = 'off' AND NOT $1
                  THEN 'on' ELSE current_setting('synchronous_commit') END, false)";

/// Whether a statement may be sent a second time when nobody knows whether the first was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// It changes nothing, or what it changes it changes only once.
    Harmless,
    /// It would do something else than the first.
    Never,
}

/// What a statement gave.
pub(super) struct Answer {
    pub(super) rows: Vec<PgRow>,
    /// Whether it was sent more than once, so that an earlier one may have done what it says was done.
    pub(super) repeated: bool,
}

impl Answer {
    /// The first row, of a statement that gives one.
    pub(super) fn first(&self) -> Option<&PgRow> {
        self.rows.first()
    }
}

/// See the module.
pub(super) struct Database {
    pool: PgPool,
    /// Why it cannot be reached, if that is so.
    unreachable: Mutex<Option<String>>,
    /// When it was last found so.
    lost_at: Mutex<Option<Instant>>,
}

/// Builds the arguments of a statement. A value that cannot be written is a fault of ours.
macro_rules! bind {
    ($($value:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut arguments = sqlx::postgres::PgArguments::default();
        let bound = Ok::<(), sqlx::error::BoxDynError>(());
        $( let bound = bound.and_then(|()| sqlx::Arguments::add(&mut arguments, $value)); )*
        bound.map(|()| arguments).map_err(|error| $crate::task::StoreError::Failed(error.to_string()))
    }};
}
pub(super) use bind;

impl Database {
    /// Prepares connections; none is opened yet.
    pub(super) fn new(options: PgConnectOptions, settings: &Settings) -> Self {
        let accept_unsafe = settings.accept_unsafe;
        let pool = PgPoolOptions::new()
            .max_connections(settings.connections)
            .acquire_timeout(ACQUIRE)
            // One that is broken says so when it is used, and then another is taken.
            .test_before_acquire(false)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    sqlx::query(SESSION).bind(accept_unsafe).execute(connection).await.map(drop)
                })
            })
            .connect_lazy_with(options);
        Self { pool, unreachable: Mutex::default(), lost_at: Mutex::default() }
    }

    /// For who listens on a connection of its own.
    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Why it cannot be reached, if that is so.
    pub(super) fn unreachable(&self) -> Option<String> {
        self.lock().clone()
    }

    /// Sends a statement and gives its rows.
    pub(super) async fn ask(
        &self,
        sql: &'static str,
        arguments: Result<PgArguments, StoreError>,
        again: Again,
    ) -> Result<Answer, StoreError> {
        self.send(sql, arguments, again, true).await
    }

    /// The same for a read whose best plan depends on its arguments: it is planned each time. A plan for all
    /// arguments takes every limit for a tenth of the table.
    pub(super) async fn ask_planned(
        &self,
        sql: &'static str,
        arguments: Result<PgArguments, StoreError>,
    ) -> Result<Answer, StoreError> {
        self.send(sql, arguments, Again::Harmless, false).await
    }

    async fn send(
        &self,
        sql: &'static str,
        arguments: Result<PgArguments, StoreError>,
        again: Again,
        keeps_plan: bool,
    ) -> Result<Answer, StoreError> {
        let arguments = arguments?;
        let mut tries = Tries::begin();
        loop {
            let mut sent = false;
            let asked = async {
                let mut connection = self.pool.acquire().await?;
                sent = true;
                let query = sqlx::query_with(sql, arguments.clone()).persistent(keeps_plan);
                let rows = timeout(STATEMENT, query.fetch_all(&mut *connection)).await;
                kept(connection, rows.unwrap_or_else(|_| Err(silent())))
            };
            match asked.await {
                Ok(rows) => {
                    self.reached();
                    return Ok(Answer { rows, repeated: tries.repeated });
                }
                Err(error) => {
                    let fault = Fault::of(&error);
                    let harmless = !sent || fault == Fault::Undone || again == Again::Harmless;
                    self.judge(&mut tries, &error, fault, harmless).await?;
                    tries.repeated |= sent && fault == Fault::Lost;
                }
            }
        }
    }

    /// A connection with a transaction begun on it, for what takes several statements.
    pub(super) async fn begin(&self) -> Result<Transaction<'_>, StoreError> {
        let mut tries = Tries::begin();
        loop {
            let begun = async {
                let mut connection = self.pool.acquire().await?;
                let begin = timeout(STATEMENT, sqlx::query("BEGIN").execute(&mut *connection)).await;
                let done = begin.unwrap_or_else(|_| Err(silent())).map(drop);
                match kept_open(connection, done) {
                    Ok(connection) => Ok(connection),
                    Err(error) => Err(error),
                }
            };
            match begun.await {
                Ok(connection) => return Ok(Transaction { connection: Some(connection), database: self }),
                Err(error) => self.judge(&mut tries, &error, Fault::of(&error), true).await?,
            }
        }
    }

    /// Waits before the next try, or gives up.
    async fn judge(
        &self,
        tries: &mut Tries,
        error: &Error,
        fault: Fault,
        harmless: bool,
    ) -> Result<(), StoreError> {
        if fault == Fault::Lost {
            self.lost(error);
        }
        let words = store_error(error);
        if matches!(fault, Fault::Refused) || !harmless || !tries.pause().await {
            return Err(words);
        }
        Ok(())
    }

    /// Notes that it answered.
    pub(super) fn reached(&self) {
        if self.lock().take().is_some() {
            tracing::info!("the database can be reached again");
        }
    }

    /// Notes that it did not, and says it once.
    pub(super) fn lost(&self, error: &Error) {
        let mut unreachable = self.lock();
        if unreachable.is_none() {
            tracing::error!(%error, "the database cannot be reached: tasks are refused until it can");
        }
        *unreachable = Some(error.to_string());
        *self.lost_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether it was out of reach within so much time: then others may not have reached it either.
    pub(super) fn was_lost_within(&self, time: Duration) -> bool {
        let lost_at = *self.lost_at.lock().unwrap_or_else(PoisonError::into_inner);
        lost_at.is_some_and(|lost_at| lost_at.elapsed() < time)
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.unreachable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Several statements that happen together or not. Dropped, it never happened.
pub(super) struct Transaction<'a> {
    connection: Option<PoolConnection<Postgres>>,
    database: &'a Database,
}

impl Transaction<'_> {
    pub(super) async fn ask(
        &mut self,
        sql: &'static str,
        arguments: Result<PgArguments, StoreError>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let query = sqlx::query_with(sql, arguments?);
        let rows = timeout(STATEMENT, query.fetch_all(self.connection()?)).await;
        rows.unwrap_or_else(|_| Err(silent())).map_err(|error| self.note(&error))
    }

    /// Makes it happen. After [`StoreError::Unavailable`] nobody knows whether it did.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        let committed = timeout(STATEMENT, sqlx::query("COMMIT").execute(self.connection()?)).await;
        committed.unwrap_or_else(|_| Err(silent())).map_err(|error| self.note(&error))?;
        // It goes back to the others.
        drop(self.connection.take());
        Ok(())
    }

    /// Takes it back, and keeps the connection: refusals are frequent, and connections are dear.
    pub(super) async fn roll_back(mut self) {
        let Ok(connection) = self.connection() else { return };
        let done = timeout(STATEMENT, sqlx::query("ROLLBACK").execute(connection)).await;
        if matches!(done, Ok(Ok(_))) {
            drop(self.connection.take());
        }
    }

    fn connection(&mut self) -> Result<&mut PgConnection, StoreError> {
        self.connection.as_deref_mut().ok_or_else(|| StoreError::Failed("a transaction has ended".to_owned()))
    }

    fn note(&self, error: &Error) -> StoreError {
        if Fault::of(error) == Fault::Lost {
            self.database.lost(error);
        }
        store_error(error)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // The server takes back what was not committed when its connection ends; nobody waits for that.
        if let Some(mut connection) = self.connection.take() {
            connection.close_on_drop();
        }
    }
}

/// One call's tries.
struct Tries {
    until: Instant,
    pause: Duration,
    repeated: bool,
}

impl Tries {
    fn begin() -> Self {
        Self { until: Instant::now() + PATIENCE, pause: FIRST_PAUSE, repeated: false }
    }

    /// Whether there is time for another one, after a pause.
    async fn pause(&mut self) -> bool {
        if Instant::now() + self.pause > self.until {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}

/// What an error says of the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The connection is gone, or the server cannot do anything now.
    Lost,
    /// The server took it back, because others were in its way. It can be tried again.
    Undone,
    /// It was refused, and would be again.
    Refused,
}

impl Fault {
    fn of(error: &Error) -> Self {
        match error {
            Error::Database(refused) => Self::of_code(refused.code().as_deref().unwrap_or_default()),
            Error::Io(_)
            | Error::Tls(_)
            | Error::Protocol(_)
            | Error::PoolTimedOut
            | Error::PoolClosed
            | Error::WorkerCrashed
            | Error::BeginFailed => Self::Lost,
            _ => Self::Refused,
        }
    }

    /// By SQLSTATE (PostgreSQL documentation, appendix A).
    fn of_code(code: &str) -> Self {
        match code {
            // serialization_failure, deadlock_detected, lock_not_available.
            "40001" | "40P01" | "55P03" => Self::Undone,
            // It runs on a standby, or has become one: another one will take its place.
            "25006" => Self::Lost,
            // too_many_connections and out_of_memory pass; disk_full has words of its own.
            "53100" => Self::Refused,
            _ => match code.get(..2) {
                // Connections, resources, an operator's doing.
                Some("08" | "53" | "57") => Self::Lost,
                _ => Self::Refused,
            },
        }
    }
}

/// The connection goes back to the others, unless nobody knows in which state it is.
fn kept<T>(connection: PoolConnection<Postgres>, done: Result<T, Error>) -> Result<T, Error> {
    match done {
        Ok(done) => Ok(done),
        Err(error) => Err(dropped(connection, error)),
    }
}

fn kept_open(
    connection: PoolConnection<Postgres>,
    done: Result<(), Error>,
) -> Result<PoolConnection<Postgres>, Error> {
    match done {
        Ok(()) => Ok(connection),
        Err(error) => Err(dropped(connection, error)),
    }
}

fn dropped(mut connection: PoolConnection<Postgres>, error: Error) -> Error {
    if Fault::of(&error) == Fault::Lost {
        connection.close_on_drop();
    }
    error
}

fn silent() -> Error {
    Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the database does not answer"))
}

/// In the words of the trait.
pub(super) fn store_error(error: &Error) -> StoreError {
    let code = error.as_database_error().and_then(DatabaseError::code).unwrap_or_default().into_owned();
    match (code.as_str(), Fault::of(error)) {
        ("53100", _) => StoreError::NoSpace,
        ("53300", _) => StoreError::Unavailable(format!(
            "{error}; raise max_connections of the database, or lower store_connections"
        )),
        ("25006", _) => StoreError::Unavailable(format!("{error}; it is a standby")),
        (_, Fault::Lost | Fault::Undone) => StoreError::Unavailable(error.to_string()),
        (_, Fault::Refused) => StoreError::Failed(error.to_string()),
    }
}

/// Closes a connection that was opened for one purpose.
pub(super) async fn close(connection: PgConnection) {
    // The server notices by itself what it is not told.
    let _ = timeout(ACQUIRE, connection.close()).await;
}
