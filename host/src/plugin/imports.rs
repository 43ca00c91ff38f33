//! What a component may import, checked by name before anything is linked or run.

use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::interface;

/// Names of a component's imports, in their order.
pub(super) fn names(engine: &wasmtime::Engine, component: &Component) -> Vec<String> {
    component.component_type().imports(engine).map(|(name, _)| name.to_owned()).collect()
}

/// Names of a component's exports.
pub(super) fn exports(engine: &wasmtime::Engine, component: &Component) -> Vec<String> {
    component.component_type().exports(engine).map(|(name, _)| name.to_owned()).collect()
}

/// A function that is imported from an interface of ours and that this server's doesn't have: the
/// import's name, and the function's.
pub(super) fn missing(engine: &wasmtime::Engine, component: &Component) -> Option<(String, String)> {
    let component = component.component_type();
    component.imports(engine).find_map(|(import, item)| {
        let ComponentItem::ComponentInstance(instance) = item.ty else { return None };
        let interface = import.strip_prefix(interface::PACKAGE)?;
        let is_host = interface.split('@').next() == Some("host");
        let mut functions = instance
            .exports(engine)
            .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)))
            .map(|(name, _)| name.to_owned());
        let unknown = functions.find(|name| !(is_host && interface::HOST_FUNCTIONS.contains(&name.as_str())));
        unknown.map(|function| (import.to_owned(), function))
    })
}

/// Whether an export of this name makes a component a plugin.
pub(super) fn is_export(name: &str) -> bool {
    interface::EXPORTS.iter().any(|export| name.starts_with(export))
}

/// Which of `imports` a plugin has no right to.
pub(super) fn refused(imports: &[String], allow_wasi: bool) -> Vec<String> {
    imports
        .iter()
        .filter(|name| {
            let ours = interface::IMPORTS.iter().any(|allowed| name.starts_with(allowed));
            let wasi = allow_wasi && is_wasi(name);
            !(ours || wasi)
        })
        .cloned()
        .collect()
}

/// The packages of WASI 0.2 that are linked, with nothing behind them.
pub(super) const WASI_PACKAGES: [&str; 6] =
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

/// Whether this is an interface of WASI 0.2's command line world.
pub(super) fn is_wasi(name: &str) -> bool {
    WASI_PACKAGES.iter().any(|package| name.starts_with(package)) && name.contains("@0.2.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_contract_and_if_allowed_the_empty_wasi_may_be_imported() {
        let imports: Vec<String> = [
            "tintype:plugin/host@0.1.0",
            "tintype:plugin/host@0.1.7",
            "tintype:plugin/host@0.2.0",
            "wasi:io/poll@0.2.6",
            "wasi:http/outgoing-handler@0.2.6",
            "wasi:clocks/monotonic-clock@0.3.0",
            "evil:files/everything@1.0.0",
        ]
        .map(str::to_owned)
        .to_vec();
        assert_eq!(
            refused(&imports, true),
            [
                "tintype:plugin/host@0.2.0",
                "wasi:http/outgoing-handler@0.2.6",
                "wasi:clocks/monotonic-clock@0.3.0",
                "evil:files/everything@1.0.0"
            ]
        );
        assert!(refused(&imports, false).contains(&"wasi:io/poll@0.2.6".to_owned()));
    }
}
