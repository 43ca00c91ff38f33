//! Many clients at once: no task is lost, none mixed up with another.

use std::thread;

use tintype_tests::{Client, Related, Server, pictures, task_xml};

const CLIENTS: u32 = 16;
const TASKS: u32 = 200;

#[test]
fn two_hundred_tasks_of_sixteen_clients_all_end_well_each_with_its_own_picture() {
    let server = Server::new();
    let png = pictures::png(120, 90);
    thread::scope(|scope| {
        for first in 0..CLIENTS {
            let (client, png) = (server.client(), &png);
            scope.spawn(move || {
                let widths: Vec<u32> = (first..TASKS).step_by(CLIENTS as usize).map(|n| n + 1).collect();
                let tasks: Vec<(u32, String)> =
                    widths.iter().map(|width| (*width, submit(&client, png, *width))).collect();
                for (width, task) in tasks {
                    let status = client.wait(&task);
                    let picture = pictures::decode(&client.result(&status).body);
                    assert_eq!((picture.width(), picture.height()), (width, 7), "{task}");
                }
            });
        }
    });
    assert_eq!(server.unfinished_uploads(), 0);
    assert_eq!(server.kept_pictures(), 2 * TASKS as usize);
}

fn submit(client: &Client, png: &[u8], width: u32) -> String {
    let params = [("width", &*width.to_string()), ("height", "7"), ("fit", "fill")];
    client.accepted(&Related::simple(&task_xml("resize", &params, ""), "image/png", png))
}
