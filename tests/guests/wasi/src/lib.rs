//! A plugin that tries everything that there is in WASI. Each operation is one interface, and its result
//! says in words what came of it.

#[allow(unsafe_code, missing_docs, clippy::all, reason = "generated code, which is not ours to style")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "wasi", generate_all });
}

use tintype_plugin::{Descriptor, Failure, Image, Params, Plugin, Task};

use self::bindings::wasi::cli::{environment, exit, stdin, stdout, terminal_stdin};
use self::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use self::bindings::wasi::filesystem::preopens;
use self::bindings::wasi::io::poll;
use self::bindings::wasi::random::{insecure, random};
use self::bindings::wasi::sockets::network::{ErrorCode, IpAddressFamily};
use self::bindings::wasi::sockets::{instance_network, ip_name_lookup, tcp_create_socket, udp_create_socket};

struct Wasi;

const COUNT: &str = r#"{"type": "object", "properties": {"count": {"type": "integer", "minimum": 0}}, "required": ["count"], "additionalProperties": false}"#;

/// Nanoseconds of a wait that outlasts every deadline.
const FOREVER: u64 = u64::MAX;

impl Plugin for Wasi {
    fn describe() -> Descriptor {
        // Another answer each time, which no plugin may give.
        let summary = format!("Tries everything that there is in WASI. {:?}", random::get_random_bytes(8));
        Descriptor::new("wasi", "1.0.0", summary)
            .produces("text/plain")
            .operation("environment", "Tells variables, arguments and folder of its process.")
            .operation("files", "Tells the folders that are open to it.")
            .operation("input", "Reads its standard input, and looks for a terminal.")
            .operation("clocks", "Tells the time, and whether it goes on.")
            .operation_with("random", "Asks for so many random bytes.", COUNT)
            .operation_with("insecure", "Asks for so many random bytes of the cheap kind.", COUNT)
            .operation("network", "Opens a socket of each kind and looks for a name.")
            .operation("exit-well", "Ends its process as if all were well.")
            .operation("exit-badly", "Ends its process with an error.")
            .operation("block", "Waits in the host for what never comes.")
            .operation("poll", "Waits in the host for the first of several things that never come.")
            .operation_with("poll-many", "Waits for one thing so many times over.", COUNT)
            .operation_with("print", "Writes so many lines to its standard output.", COUNT)
            .operation_with("zeroes", "Has the host write so many zeroes to its standard output.", COUNT)
            .operation_with("handles", "Takes so many handles and gives none back.", COUNT)
    }

    fn process(task: Task) -> Result<Vec<Image>, Failure> {
        let Some(step) = task.steps.first() else { return Err(Failure::failed("no step")) };
        let params = &step.params;
        let words = match step.operation.as_str() {
            "environment" => format!(
                "{:?} {:?} {:?}",
                environment::get_environment(),
                environment::get_arguments(),
                environment::initial_cwd()
            ),
            "files" => format!("{} folders", preopens::get_directories().len()),
            "input" => format!(
                "{:?} {}",
                stdin::get_stdin().blocking_read(1),
                terminal_stdin::get_terminal_stdin().is_some()
            ),
            "clocks" => clocks(),
            "random" => format!("{} bytes", random::get_random_bytes(count(params)?).len()),
            "insecure" => format!("{} bytes", insecure::get_insecure_random_bytes(count(params)?).len()),
            "network" => network(),
            "exit-well" => {
                exit::exit(Ok(()));
                "still here".to_owned()
            }
            "exit-badly" => {
                exit::exit(Err(()));
                "still here".to_owned()
            }
            "block" => {
                monotonic_clock::subscribe_duration(FOREVER).block();
                "awake".to_owned()
            }
            "poll" => {
                let never = [(); 3].map(|()| monotonic_clock::subscribe_duration(FOREVER));
                format!("{:?}", poll::poll(&never.each_ref()))
            }
            "poll-many" => {
                let never = monotonic_clock::subscribe_duration(FOREVER);
                let times = usize::try_from(count(params)?).unwrap_or(usize::MAX);
                format!("{:?}", poll::poll(&vec![&never; times]))
            }
            "print" => {
                let output = stdout::get_stdout();
                for line in 0..count(params)? {
                    let words = format!("line {line}\u{1b}[31m {}\n", "x".repeat(2000));
                    // What the host makes of it is for the log to show.
                    let _ = output.write(words.as_bytes());
                }
                "printed".to_owned()
            }
            "zeroes" => format!("{:?}", stdout::get_stdout().write_zeroes(count(params)?)),
            "handles" => {
                let handles: Vec<_> =
                    (0..count(params)?).map(|_| instance_network::instance_network()).collect();
                format!("{} handles", handles.len())
            }
            other => return Err(Failure::failed(format!("what is {other}?"))),
        };
        Ok(vec![Image::new("text/plain", words)])
    }
}

tintype_plugin::export!(Wasi);

fn count(params: &Params) -> Result<u64, Failure> {
    u64::try_from(params.require::<i64>("count")?).map_err(|_| Failure::invalid_parameters("too few"))
}

fn clocks() -> String {
    let before = monotonic_clock::now();
    while monotonic_clock::now() == before {}
    format!("{}", wall_clock::now().seconds)
}

fn network() -> String {
    let name = |error: ErrorCode| error.name();
    let tcp = tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4).map(drop).map_err(name);
    let udp = udp_create_socket::create_udp_socket(IpAddressFamily::Ipv6).map(drop).map_err(name);
    let network = instance_network::instance_network();
    let lookup = ip_name_lookup::resolve_addresses(&network, "localhost").map(drop).map_err(name);
    format!("{tcp:?} {udp:?} {lookup:?}")
}
