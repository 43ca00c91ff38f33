//! Which task store: the setting `store`.

use std::fmt;

use super::{Secret, SettingValue};

/// Where tasks are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum TaskStoreAt {
    /// In the data folder, for one process.
    Sled,
    /// In a database that several processes share, by its URL. There may be a password in it.
    Postgres(Secret),
}

/// What is shown in place of a password.
const HIDDEN: &str = "(set)";

impl TaskStoreAt {
    /// The URL of the database, if there is one.
    #[must_use]
    pub fn database(&self) -> Option<&str> {
        match self {
            Self::Sled => None,
            Self::Postgres(url) => Some(url.expose()),
        }
    }
}

impl SettingValue for TaskStoreAt {
    fn parse(text: &str) -> Result<Self, String> {
        let rule = "sled, or a database such as postgres://USER@HOST/DATABASE";
        match text {
            "sled" => Ok(Self::Sled),
            url if url.contains(HIDDEN) => {
                Err("the database with its password, which `tintype config` doesn't show".to_owned())
            }
            url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Secret::parse(url).map(Self::Postgres)
            }
            _ => Err(rule.to_owned()),
        }
    }

    fn show(&self) -> String {
        self.database().map_or_else(|| "sled".to_owned(), without_password)
    }

    const SECRET: bool = true;
}

impl fmt::Debug for TaskStoreAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.show())
    }
}

/// A password can stand before the host, and among the parameters.
fn without_password(url: &str) -> String {
    let (rest, parameters) = url.split_once('?').map_or((url, None), |(rest, query)| (rest, Some(query)));
    let (scheme, rest) = rest.split_once("://").unwrap_or(("postgres", rest));
    let rest = match rest.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{user}:{HIDDEN}@{host}"),
            None => format!("{user}@{host}"),
        },
        None => rest.to_owned(),
    };
    let Some(parameters) = parameters else { return format!("{scheme}://{rest}") };
    let shown: Vec<String> = parameters
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if name.contains("password") => format!("{name}={HIDDEN}"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{scheme}://{rest}?{}", shown.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_shown_without_its_password() {
        for (url, shown) in [
            ("postgres://ada@db/tasks", "postgres://ada@db/tasks"),
            ("postgres://ada:hush@db:5433/tasks", "postgres://ada:(set)@db:5433/tasks"),
            (
                "postgres://ada:hu@sh@db/tasks?sslmode=require",
                "postgres://ada:(set)@db/tasks?sslmode=require",
            ),
            ("postgresql://db/tasks?user=ada&password=hush", "postgresql://db/tasks?user=ada&password=(set)"),
        ] {
            let store = TaskStoreAt::parse(url);
            assert_eq!(store.as_ref().map(SettingValue::show), Ok(shown.to_owned()));
            assert!(!format!("{store:?}").contains("hush"));
        }
    }

    #[test]
    fn only_sled_and_postgresql_are_stores_and_what_is_shown_of_a_password_is_none() {
        assert_eq!(TaskStoreAt::parse("sled"), Ok(TaskStoreAt::Sled));
        for wrong in ["", "mysql://db/tasks", "/var/lib/tasks", "postgres://ada:(set)@db/tasks"] {
            assert!(TaskStoreAt::parse(wrong).is_err(), "{wrong}");
        }
    }
}
