//! Steps that many stories begin with.

use tintype_tests::server::Setup;
use tintype_tests::{Client, Related, Server, pictures, task_xml};

/// A message with its Content-Type.
pub type Message = (String, Vec<u8>);

/// A server with the hostile plugin beside the bundled one.
pub fn hostile_server() -> Server {
    Setup::default().hostile().start()
}

/// A server whose single worker spins until long after the test, and the task that keeps it busy.
pub fn busy_server(setup: Setup) -> (Server, Client, String) {
    let server = setup.hostile().with("workers", 1).with("deadline", "10m").start();
    let client = server.client();
    let spinning = client.accepted(&hostile("spin", &[]));
    client.wait_until_running(&spinning);
    (server, client, spinning)
}

/// A task that ends well with a small picture.
pub fn resize() -> Message {
    Related::simple(&task_xml("resize", &[("width", "8")], ""), "image/png", &pictures::png(16, 16))
}

/// A task that ends as `invalid-image`.
pub fn garbage() -> Message {
    Related::simple(&task_xml("resize", &[("width", "8")], ""), "image/png", b"this is no picture")
}

/// A task for the hostile plugin.
pub fn hostile(operation: &str, params: &[(&str, &str)]) -> Message {
    Related::simple(&task_xml(operation, params, ""), "application/octet-stream", b"bytes")
}

/// The id at the end of a task's URI.
pub fn id_of(task: &str) -> &str {
    task.rsplit('/').next().unwrap()
}
