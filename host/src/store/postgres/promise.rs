//! What the database's settings make of a 202: read at the start, said in one line, and refused where a
//! confirmed commit could be lost by a crash alone.

use std::collections::HashMap;
use std::fmt;

use sqlx::{PgConnection, Row as _};

/// The settings of the database that the promise rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promise {
    fsync: String,
    synchronous_commit: String,
    full_page_writes: String,
    standbys: String,
}

/// A database that can lose what it has confirmed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the database has {setting} = off: a crash can take away what was answered with 202. Set {setting} = on, or \
     accept that with store_accept_unsafe = true"
)]
pub struct PromiseError {
    setting: &'static str,
}

impl Promise {
    pub(super) async fn of(connection: &mut PgConnection) -> sqlx::Result<Self> {
        let rows = sqlx::query(
            "SELECT name, current_setting(name) AS setting FROM unnest(ARRAY['fsync', 'synchronous_commit', \
             'full_page_writes', 'synchronous_standby_names']) AS name",
        )
        .fetch_all(connection)
        .await?;
        let mut settings = HashMap::new();
        for row in rows {
            settings.insert(row.try_get::<String, _>("name")?, row.try_get::<String, _>("setting")?);
        }
        let mut take = |name: &str| settings.remove(name).unwrap_or_default();
        Ok(Self {
            fsync: take("fsync"),
            synchronous_commit: take("synchronous_commit"),
            full_page_writes: take("full_page_writes"),
            standbys: take("synchronous_standby_names"),
        })
    }

    /// Refuses what can be lost by a crash of the database's machine, unless the operator accepts that.
    pub(super) fn check(&self, accept_unsafe: bool) -> Result<(), PromiseError> {
        let off = [("fsync", &self.fsync), ("synchronous_commit", &self.synchronous_commit)];
        let setting = off.into_iter().find(|(_, value)| value.as_str() == "off");
        match setting {
            Some((setting, _)) if !accept_unsafe => Err(PromiseError { setting }),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let worth = match (self.fsync.as_str(), self.synchronous_commit.as_str()) {
            ("off", _) | (_, "off") => "a 202 can be lost when the database's machine crashes",
            _ if self.full_page_writes == "off" => {
                "a 202 survives a power cut only where the file system writes whole pages"
            }
            (_, "local") => "a 202 survives a power cut of the database's machine, not its loss",
            _ if self.standbys.is_empty() => {
                "a 202 survives a power cut of the database's machine, not its loss"
            }
            (_, "remote_write") => {
                "a 202 survives a power cut of the database's machine, and its loss if the standby's system lives"
            }
            _ => "a 202 survives a power cut and the loss of the database's machine",
        };
        let standbys = if self.standbys.is_empty() { "none" } else { self.standbys.as_str() };
        write!(
            f,
            "{worth} (fsync {}, synchronous_commit {}, full_page_writes {}, synchronous standbys: {standbys})",
            self.fsync, self.synchronous_commit, self.full_page_writes
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promise(fsync: &str, synchronous_commit: &str, standbys: &str) -> Promise {
        Promise {
            fsync: fsync.to_owned(),
            synchronous_commit: synchronous_commit.to_owned(),
            full_page_writes: "on".to_owned(),
            standbys: standbys.to_owned(),
        }
    }

    #[test]
    fn a_database_that_confirms_what_it_has_not_written_is_refused_unless_that_is_accepted() {
        for (unsafe_one, setting) in
            [(promise("off", "on", ""), "fsync"), (promise("on", "off", "a"), "synchronous_commit")]
        {
            assert!(unsafe_one.check(false).is_err_and(|error| error.to_string().contains(setting)));
            assert!(unsafe_one.check(true).is_ok());
            assert!(unsafe_one.to_string().contains("can be lost"));
        }
        assert!(promise("on", "local", "").check(false).is_ok());
    }

    #[test]
    fn the_loss_of_the_machine_is_survived_only_where_a_standby_confirms() {
        assert!(promise("on", "on", "").to_string().contains("not its loss"));
        assert!(promise("on", "local", "a").to_string().contains("not its loss"));
        assert!(promise("on", "on", "a").to_string().contains("and the loss of"));
    }
}
