//! `tintype-componentize CORE COMPONENT`: makes a component of the core module
//! that `cargo build --target wasm32-unknown-unknown` leaves behind.
//!
//! The component's type is already in the module, in a custom section that
//! `wit-bindgen` wrote; this only wraps, validates, and refuses what the host
//! would refuse as well, while its author is still looking.

#![cfg_attr(test, allow(clippy::unwrap_used))]

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use wit_component::ComponentEncoder;

mod imports;
mod unbound;

const USAGE: &str = "usage: tintype-componentize [--allow-wasi] CORE.wasm COMPONENT.wasm";

fn main() -> ExitCode {
    match run(env::args_os().skip(1)) {
        Ok(report) => {
            // A closed pipe is no reason to fail: the component is written.
            let _ = writeln!(std::io::stdout(), "{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("tintype-componentize: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: impl Iterator<Item = OsString>) -> Result<String> {
    let mut allow_wasi = false;
    let mut paths = Vec::new();
    for argument in arguments {
        match argument.to_str() {
            Some("--allow-wasi") => allow_wasi = true,
            Some("--help" | "-h") => return Ok(USAGE.to_owned()),
            Some(option) if option.starts_with('-') => bail!("unknown option {option}\n{USAGE}"),
            _ => paths.push(argument),
        }
    }
    let [core, component] = paths.as_slice() else { bail!("two files are needed\n{USAGE}") };
    let (core, target) = (Path::new(core), Path::new(component));

    let module = fs::read(core).with_context(|| format!("cannot read {}", core.display()))?;
    let component =
        encode(&module).with_context(|| format!("{} cannot become a component", core.display()))?;
    let imports = imports::of(&component)?;
    imports::check(&imports, allow_wasi)?;
    write(target, &component).with_context(|| format!("cannot write {}", target.display()))?;

    let imports = if imports.is_empty() { "nothing".to_owned() } else { imports.join(", ") };
    Ok(format!("{}: {} bytes, imports {imports}", target.display(), component.len()))
}

fn encode(module: &[u8]) -> Result<Vec<u8>> {
    // The same four bytes begin a component; the version after them tells.
    if module.get(4..8) == Some(&[0x0d, 0, 1, 0]) {
        bail!("it is a component already");
    }
    let mut encoder = ComponentEncoder::default();
    encoder.module(module)?;
    for (name, stand_in) in unbound::stand_ins(module)? {
        encoder.adapter(&name, &stand_in)?;
    }
    encoder.validate(true).encode()
}

/// Beside its target first, so that nobody ever sees half a component.
fn write(target: &Path, component: &[u8]) -> Result<()> {
    let mut beside = target.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    fs::write(&beside, component)?;
    if let Err(error) = fs::rename(&beside, target) {
        let _ = fs::remove_file(&beside);
        return Err(error.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(arguments: &[&str]) -> String {
        format!("{:#}", run(arguments.iter().map(OsString::from)).err().unwrap())
    }

    #[test]
    fn a_wrong_number_of_files_is_answered_with_the_usage() {
        assert!(error_of(&["only-one.wasm"]).contains(USAGE));
        assert!(error_of(&["--frobnicate"]).contains("unknown option --frobnicate"));
    }

    #[test]
    fn bytes_that_are_no_module_are_refused() {
        assert!(encode(b"not a module").is_err());
    }

    #[test]
    fn a_component_is_not_wrapped_again() {
        let error = encode(b"\0asm\x0d\0\x01\0").err().unwrap();
        assert_eq!(error.to_string(), "it is a component already");
    }
}
