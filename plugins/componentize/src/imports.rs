//! What a component asks of its host, and whether Tintype would give it.

use anyhow::{Result, bail};
use wasmparser::{Encoding, Parser, Payload};

const OURS: &str = "tintype:plugin/";
const WASI: &str = "wasi:";

/// The names of a component's own imports, in their order; not those of the
/// modules and components within.
pub(crate) fn of(component: &[u8]) -> Result<Vec<String>> {
    let mut imports = Vec::new();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                bail!("it is a core module, not a component");
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(imports)
}

/// Refuses imports that no Tintype host has, by name.
pub(crate) fn check(imports: &[String], allow_wasi: bool) -> Result<()> {
    let foreign: Vec<_> = imports
        .iter()
        .map(String::as_str)
        .filter(|name| !name.starts_with(OURS))
        .filter(|name| !allow_wasi || !name.starts_with(WASI))
        .collect();
    if foreign.is_empty() {
        return Ok(());
    }
    let hint = match foreign.iter().all(|name| name.starts_with(WASI)) {
        true => "; operators may permit WASI, and --allow-wasi does so here",
        false => "",
    };
    bail!("it imports what a plugin may not: {}{hint}", foreign.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_contract_of_any_version_may_be_imported() {
        assert!(check(&names(&["tintype:plugin/host@0.1.0", "tintype:plugin/types@0.2.0"]), false).is_ok());
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        let error = check(&names(&["tintype:plugin/host@0.1.0", "acme:net/http"]), true);
        assert!(error.err().unwrap().to_string().ends_with("may not: acme:net/http"));
    }

    #[test]
    fn wasi_is_refused_unless_it_is_allowed() {
        let imports = names(&["wasi:cli/stdout@0.2.3"]);
        assert!(check(&imports, false).err().unwrap().to_string().contains("--allow-wasi"));
        assert!(check(&imports, true).is_ok());
    }
}
