//! What nodes tell each other in passing: NOTIFY and LISTEN. Whatever is lost here is found by looking.
//!
//! A commit with a NOTIFY in it waits for every other one that has one too. So hints are sent by a
//! statement of their own, many at a time, a moment after what they tell of.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::sync::{broadcast, mpsc};
use uuid::Uuid;

use super::core::Core;
use super::database::{Again, bind};
use crate::task::{News, TaskId};

const CHANNEL: &str = "tintype";
/// Hints are gathered for this long: nobody notices, and a busy node sends a hundred notes a second at most.
const GATHER: Duration = Duration::from_millis(10);
/// Hints of one note. Of more than these the rest is left to be found.
const MOST: usize = 1000;
/// News that a slow receiver may lag behind.
const BACKLOG: usize = 1024;
/// Pause before listening again after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// Where news go to, and come from.
#[derive(Debug)]
pub(super) struct Hints {
    to_others: mpsc::UnboundedSender<News>,
    from_others: broadcast::Sender<News>,
}

impl Hints {
    /// With what is to be sent, for [`tell`].
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<News>) {
        let (to_others, outbox) = mpsc::unbounded_channel();
        (Self { to_others, from_others: broadcast::Sender::new(BACKLOG) }, outbox)
    }

    /// Tells the other nodes.
    pub(super) fn tell(&self, news: News) {
        // Nobody sends any more: the store is closed.
        let _ = self.to_others.send(news);
    }

    /// Tells those who listen in this process.
    pub(super) fn hear(&self, news: News) {
        // Nobody may be listening.
        let _ = self.from_others.send(news);
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<News> {
        self.from_others.subscribe()
    }
}

/// Sends what is to be told, for as long as the store is open.
pub(super) async fn tell(core: Arc<Core>, mut outbox: mpsc::UnboundedReceiver<News>) {
    let mut batch = vec![];
    while outbox.recv_many(&mut batch, MOST).await > 0 {
        tokio::time::sleep(GATHER).await;
        while batch.len() < MOST
            && let Ok(news) = outbox.try_recv()
        {
            batch.push(news);
        }
        let mut notes: Vec<String> = batch.drain(..).map(|news| written(core.node, news)).collect();
        notes.sort_unstable();
        notes.dedup();
        let sql = "SELECT pg_notify($1, note) FROM unnest($2::text[]) AS note";
        // What could not be told is found by looking.
        let _ = core.database.ask(sql, bind![CHANNEL, &notes], Again::Harmless).await;
    }
}

/// Listens for as long as the store is open.
pub(super) async fn listen(core: Arc<Core>) {
    loop {
        if let Err(error) = listen_once(&core).await {
            tracing::debug!(%error, "the hints of other nodes are not heard just now");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen_once(core: &Core) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(core.database.pool()).await?;
    listener.listen(CHANNEL).await?;
    // What was told before is lost.
    core.hints.hear(News::Waiting);
    loop {
        // None: the connection was lost, and is made again by the next call.
        match listener.try_recv().await? {
            Some(note) => {
                if let Some((node, news)) = read(note.payload())
                    && node != core.node
                {
                    core.hints.hear(news);
                }
            }
            None => core.hints.hear(News::Waiting),
        }
    }
}

/// As a note: who tells it, what it is, of which task.
fn written(node: Uuid, news: News) -> String {
    let node = node.simple();
    match news {
        News::Waiting => format!("{node} w"),
        News::Changed(id) => format!("{node} c {id}"),
        News::Ended(id) => format!("{node} e {id}"),
    }
}

fn read(note: &str) -> Option<(Uuid, News)> {
    let mut words = note.split(' ');
    let node = Uuid::try_parse(words.next()?).ok()?;
    let news = match (words.next()?, words.next()) {
        ("w", None) => News::Waiting,
        ("c", Some(id)) => News::Changed(TaskId::parse(id)?),
        ("e", Some(id)) => News::Ended(TaskId::parse(id)?),
        _ => return None,
    };
    Some((node, news))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::IdSource;

    #[test]
    fn a_note_is_read_as_it_was_written_and_a_strange_one_is_passed_over() {
        let (node, id) = (Uuid::new_v4(), IdSource::after(None).next());
        for news in [News::Waiting, News::Changed(id), News::Ended(id)] {
            assert_eq!(read(&written(node, news)), Some((node, news)));
        }
        for strange in ["", "x", "w", "00000000000000000000000000000000 q", "no e x"] {
            assert_eq!(read(strange), None, "{strange}");
        }
    }
}
