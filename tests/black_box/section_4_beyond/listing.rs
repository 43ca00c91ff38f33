//! `GET /images/tasks`: a client's tasks, newest first, page by page.

use tintype_tests::server::Setup;
use tintype_tests::{Answer, Client, Server};

use crate::steps::{busy_server, garbage, hostile, hostile_server, id_of, resize};

fn list(client: &Client, query: &str) -> Answer {
    let path = format!("/images/tasks{query}");
    let answer = client.send("GET", &path, &[("Accept", "application/json")], &[]);
    assert_eq!(answer.code, 200, "{answer:?}");
    answer
}

fn ids(answer: &Answer) -> Vec<String> {
    let tasks = answer.json()["tasks"].as_array().unwrap().clone();
    tasks.iter().map(|task| task["id"].as_str().unwrap().to_owned()).collect()
}

/// Where the next page is, which header and document must agree on.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link").map(|link| {
        let inside = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
        inside.unwrap_or_else(|| panic!("{link}")).to_owned()
    });
    assert_eq!(answer.json()["next"].as_str(), link.as_deref());
    link
}

#[test]
fn tasks_are_listed_newest_first_and_every_one_once_over_all_pages() {
    let server = hostile_server();
    let client = server.client();
    let mut tasks: Vec<String> =
        (0..25).map(|_| id_of(&client.accepted(&hostile("echo", &[]))).to_owned()).collect();
    tasks.reverse();
    assert_eq!(ids(&list(&client, "")), tasks[..20], "a page has 20 unless told");
    assert_eq!(ids(&list(&client, "?limit=100")), tasks);

    let (mut page, mut seen) = (list(&client, "?limit=10&operation=echo"), vec![]);
    loop {
        seen.extend(ids(&page));
        let Some(next) = next(&page) else { break };
        assert!(next.contains("operation=echo") && next.contains("limit=10"), "{next}");
        // What is submitted meanwhile is newer than any page that is still to come.
        client.accepted(&hostile("echo", &[]));
        page = client.send("GET", &next, &[("Accept", "application/json")], &[]);
    }
    assert_eq!(seen, tasks);
}

#[test]
fn an_empty_list_is_a_list() {
    let server = Server::new();
    let client = server.client();
    let answer = list(&client, "");
    assert_eq!((ids(&answer).len(), next(&answer)), (0, None));
    let xml = client.get("/images/tasks").text();
    assert!(roxmltree::Document::parse(&xml).unwrap().root_element().has_tag_name("tasks"), "{xml}");
}

#[test]
fn tasks_are_chosen_by_state_and_by_operation() {
    let (_server, client, spinning) = busy_server(Setup::default());
    let (one, other) = (client.accepted(&resize()), client.accepted(&hostile("echo", &[])));
    let cancelled = client.accepted(&resize());
    assert_eq!(client.delete(&cancelled).code, 200);
    let chosen = |query: &str| ids(&list(&client, query));
    let [spinning_id, one, other, cancelled] = [&spinning, &one, &other, &cancelled].map(|task| id_of(task));
    assert_eq!(chosen("?state=pending"), [other, one, spinning_id]);
    assert_eq!(chosen("?state=running"), [spinning_id]);
    assert_eq!(chosen("?state=queued"), [other, one]);
    assert_eq!(chosen("?state=FAILED"), [cancelled]);
    assert_eq!(chosen("?state=cancelled"), [cancelled]);
    assert_eq!(chosen("?operation=resize"), [cancelled, one]);
    assert_eq!(chosen("?operation=resize&state=queued"), [one]);
    assert!(chosen("?operation=rotate").is_empty() && chosen("?state=OK").is_empty());

    assert_eq!(client.delete(&spinning).code, 200);
    client.process(&garbage());
    assert_eq!(chosen("?state=OK"), [other, one]);
    assert_eq!(chosen("?state=FAILED").len(), 3);
    assert_eq!(chosen("?state=cancelled"), [cancelled, spinning_id]);
    assert_eq!(client.delete(&format!("/images/task/{one}")).code, 204);
    assert_eq!(chosen("?state=OK"), [other], "what is deleted is not listed");
}

#[test]
fn a_page_in_xml_says_the_same() {
    let server = Server::new();
    let client = server.client();
    let tasks: Vec<String> = (0..3).map(|_| client.accepted(&resize())).collect();
    tasks.iter().for_each(|task| drop(client.wait(task)));
    let answer = client.get("/images/tasks?limit=2");
    assert_eq!(answer.header("content-type"), Some("application/xml;charset=UTF-8"));
    let text = answer.text();
    let document = roxmltree::Document::parse(&text).unwrap();
    let children: Vec<_> = document.root_element().children().filter(roxmltree::Node::is_element).collect();
    let next = children[0].attribute("href").unwrap();
    assert!(answer.header("link").unwrap().contains(next), "{text}");
    let hrefs = children[1..].iter().map(|status| {
        assert!(status.has_tag_name("status"), "{text}");
        let link = status.children().find(|child| child.attribute("rel") == Some("self")).unwrap();
        id_of(link.attribute("href").unwrap()).to_owned()
    });
    assert_eq!(hrefs.collect::<Vec<_>>(), [id_of(&tasks[2]), id_of(&tasks[1])]);
}

#[test]
fn a_query_that_means_nothing_is_refused_with_what_would() {
    let server = Server::new();
    let client = server.client();
    for (query, word) in [
        ("state=done", "cancelled"),
        ("state=ok", "OK"),
        ("limit=0", "1 to 100"),
        ("limit=101", "1 to 100"),
        ("limit=-1", "1 to 100"),
        ("limit=ten", "1 to 100"),
        ("after=1", "after"),
        ("page=2", "page"),
    ] {
        let problem = client.get(&format!("/images/tasks?{query}")).refused(400, "bad-request");
        assert!(problem.detail.contains(word), "{query}: {problem:?}");
    }
    assert_eq!(client.send("HEAD", "/images/tasks", &[], &[]).code, 200);
}
