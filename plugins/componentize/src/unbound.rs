//! Imports that nothing ever calls.
//!
//! A crate that can also be built for browsers by `wasm-bindgen` leaves functions
//! behind that describe it to that tool, and these import others, which exist
//! only while the tool runs. No host has them. Here each gets a body that traps.

use std::collections::BTreeMap;

use anyhow::Result;
use wasm_encoder::{
    CodeSection, ExportKind, ExportSection, Function, FunctionSection, Module, TypeSection, ValType,
};
use wasmparser::{CompositeInnerType, FuncType, Parser, Payload, TypeRef};

/// How the names of the modules begin that the tool would have brought.
const TOOL: &str = "__wbindgen";

/// Modules, by the names that they are imported by, with all functions that are
/// imported of them.
pub(crate) fn stand_ins(module: &[u8]) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut types = vec![];
    let mut wanted: BTreeMap<String, Vec<(String, FuncType)>> = BTreeMap::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::TypeSection(section) => {
                for group in section {
                    types.extend(group?.into_types().map(|ty| match ty.composite_type.inner {
                        CompositeInnerType::Func(function) => Some(function),
                        _ => None,
                    }));
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    if let TypeRef::Func(index) = import.ty
                        && import.module.starts_with(TOOL)
                        && let Some(Some(function)) = types.get(index as usize)
                    {
                        let of_module = wanted.entry(import.module.to_owned()).or_default();
                        of_module.push((import.name.to_owned(), function.clone()));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(wanted.into_iter().map(|(name, functions)| (name, stand_in(&functions))).collect())
}

fn stand_in(functions: &[(String, FuncType)]) -> Vec<u8> {
    let (mut types, mut declared) = (TypeSection::new(), FunctionSection::new());
    let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());
    for (index, (name, function)) in (0u32..).zip(functions) {
        types.ty().function(numbers(function.params()), numbers(function.results()));
        declared.function(index);
        exports.export(name, ExportKind::Func, index);
        let mut body = Function::new([]);
        body.instructions().unreachable().end();
        code.function(&body);
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&exports).section(&code);
    module.finish()
}

/// The tool's functions take and give numbers only.
fn numbers(types: &[wasmparser::ValType]) -> Vec<ValType> {
    types
        .iter()
        .map(|ty| match ty {
            wasmparser::ValType::I64 => ValType::I64,
            wasmparser::ValType::F32 => ValType::F32,
            wasmparser::ValType::F64 => ValType::F64,
            _ => ValType::I32,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{EntityType, ImportSection};
    use wasmparser::Validator;

    use super::*;

    fn importing(functions: &[(&str, &str)]) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([ValType::I32, ValType::F64], [ValType::I64]);
        let mut imports = ImportSection::new();
        functions.iter().for_each(|(module, name)| {
            imports.import(module, name, EntityType::Function(0));
        });
        let mut module = Module::new();
        module.section(&types).section(&imports);
        module.finish()
    }

    #[test]
    fn only_what_the_tool_would_have_brought_gets_bodies_one_module_for_each_name() {
        let module = importing(&[
            ("__wbindgen_placeholder__", "__wbindgen_describe"),
            ("tintype:plugin/host@0.1.1", "log"),
            ("__wbindgen_placeholder__", "__wbindgen_throw"),
            ("__wbindgen_externref_xform__", "__wbindgen_externref_table_grow"),
        ]);
        let made = stand_ins(&module).unwrap();
        let names: Vec<&str> = made.keys().map(String::as_str).collect();
        assert_eq!(names, ["__wbindgen_externref_xform__", "__wbindgen_placeholder__"]);
        for module in made.values() {
            Validator::new().validate_all(module).unwrap();
        }
        assert!(stand_ins(&importing(&[("tintype:plugin/host@0.1.1", "log")])).unwrap().is_empty());
    }
}
