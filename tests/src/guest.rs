//! Plugins written in WebAssembly text, for what no compiler would make: lengths that lie, text that is no
//! text, a start that never ends.
//!
//! A guest here is a core module against the contract in `wit/`. What it exports is well-behaved until a
//! test puts other instructions in its place.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const CONTRACT: &str = include_str!("../../wit/plugin.wit");

/// The media type that every guest here gives.
pub const MEDIA_TYPE: &str = "application/octet-stream";

/// Where the data of a guest's description lie: six times an address and a length, then what they refer to.
/// What is below is for its results.
pub const DESCRIPTION: usize = 4096;

/// A plugin of one operation, which has the plugin's name.
#[derive(Clone, Debug)]
pub struct Guest {
    name: String,
    schema: String,
    fields: String,
    describe: String,
    process: String,
    realloc: String,
    post_return: Option<String>,
}

impl Guest {
    /// A well-behaved one, which gives a result of one byte.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            schema: r#"{"type": "object"}"#.to_owned(),
            fields: String::new(),
            describe: format!("(i32.const {DESCRIPTION})"),
            process:
                "(call $image (global.get $media) (global.get $media-length) (i32.const 0) (i32.const 1))"
                    .to_owned(),
            realloc: "(call $allocate (local.get $size))".to_owned(),
            post_return: None,
        }
    }

    /// The name of the plugin, of its operation and, with `.wasm`, of its file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The JSON Schema of its parameters, those of its operation and those of its format.
    #[must_use]
    pub fn schema(mut self, schema: &str) -> Self {
        schema.clone_into(&mut self.schema);
        self
    }

    /// Further fields of the module.
    #[must_use]
    pub fn fields(mut self, fields: &str) -> Self {
        self.fields.push_str(fields);
        self
    }

    /// What `describe` does, up to the address of a descriptor.
    #[must_use]
    pub fn describe(mut self, instructions: &str) -> Self {
        self.describe = format!("{instructions} (i32.const {DESCRIPTION})");
        self
    }

    /// What `process` does, up to the address of its result. There are the functions `$images` (of a list
    /// and its length), `$image` (of two texts) and `$failed` (of a text) to make one, and `$log` and
    /// `$progress` of the host.
    #[must_use]
    pub fn process(mut self, instructions: &str) -> Self {
        self.process = instructions.to_owned();
        self
    }

    /// What happens where the host asks for `$size` bytes with an alignment of `$align`, to put the next
    /// argument of `process` there; up to their address.
    #[must_use]
    pub fn realloc(mut self, instructions: &str) -> Self {
        self.realloc = instructions.to_owned();
        self
    }

    /// What happens when the host has read the result of `process`.
    #[must_use]
    pub fn post_return(mut self, instructions: &str) -> Self {
        self.post_return = Some(instructions.to_owned());
        self
    }

    /// The component.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let text = self.module();
        let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let mut resolve = Resolve::default();
        let package = resolve.push_str("plugin.wit", CONTRACT).unwrap();
        let world = resolve.select_world(&[package], Some("image-processor")).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
        let component = ComponentEncoder::default().module(&module).and_then(|encoder| encoder.encode());
        component.unwrap_or_else(|error| panic!("{error:?}\n{text}"))
    }

    fn module(&self) -> String {
        let Self { fields, describe, process, realloc, post_return, .. } = self;
        let (description, (media, media_length)) = self.description();
        let escaped: String = description.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let post_return = post_return.as_ref().map_or(String::new(), |instructions| {
            format!(
                r#"(func (export "cabi_post_tintype:plugin/processor@0.1.1#process") (param i32) {instructions})"#
            )
        });
        format!(
            r#"(module
  (import "tintype:plugin/host@0.1.1" "log" (func $log (param $level i32) (param $text i32) (param $length i32)))
  (import "tintype:plugin/host@0.1.1" "progress" (func $progress (param f32)))
  (memory $memory (export "memory") 2)
  (data (i32.const {DESCRIPTION}) "{escaped}")
  (global $media i32 (i32.const {media}))
  (global $media-length i32 (i32.const {media_length}))

  ;; Memory is given from the second page on and never taken back.
  (global $free (mut i32) (i32.const 65536))
  (func $allocate (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $free))
    (global.set $free
      (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 15)) (i32.const -16)))
    (block $fits
      (loop $more
        (br_if $fits (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
        (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
      (unreachable))
    (local.get $at))

  ;; A result lies at 16: whether it is a failure, then a list, or which failure and its text.
  (func $images (param $list i32) (param $count i32) (result i32)
    (i32.store (i32.const 16) (i32.const 0))
    (i32.store (i32.const 20) (local.get $list))
    (i32.store (i32.const 24) (local.get $count))
    (i32.const 16))
  (func $image (param $type i32) (param $type-length i32) (param $bytes i32) (param $length i32) (result i32)
    (i32.store (i32.const 64) (local.get $type))
    (i32.store (i32.const 68) (local.get $type-length))
    (i32.store (i32.const 72) (local.get $bytes))
    (i32.store (i32.const 76) (local.get $length))
    (call $images (i32.const 64) (i32.const 1)))
  (func $failed (param $text i32) (param $length i32) (result i32)
    (i32.store (i32.const 16) (i32.const 1))
    (i32.store (i32.const 20) (i32.const 3))
    (i32.store (i32.const 24) (local.get $text))
    (i32.store (i32.const 28) (local.get $length))
    (i32.const 16))

  (func (export "cabi_realloc")
    (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    {realloc})
  (func (export "tintype:plugin/processor@0.1.1#describe") (result i32)
    {describe})
  (func (export "tintype:plugin/processor@0.1.1#process")
    (param $input-type i32) (param $input-type-length i32) (param $input i32) (param $input-length i32)
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    {process})
  {post_return}
  {fields})"#
        )
    }

    /// The bytes of a descriptor, and where in memory its media type is.
    fn description(&self) -> (Vec<u8>, (usize, usize)) {
        // Six fields of a pointer and a length, then one format, then one operation, then their texts.
        let (format, operation) = (DESCRIPTION + 48, DESCRIPTION + 64);
        let mut texts: Vec<u8> = vec![];
        let mut text = |text: &str| {
            let at = DESCRIPTION + 88 + texts.len();
            texts.extend(text.as_bytes());
            (at, text.len())
        };
        let (name, media) = (text(&self.name), text(MEDIA_TYPE));
        let (version, summary, schema) = (text("1.0.0"), text("Misbehaves."), text(&self.schema));
        let fields = [name, version, summary, (0, 0), (format, 1), (operation, 1)];
        let records = [media, schema, name, summary, schema];
        let mut bytes = vec![];
        for (at, length) in fields.into_iter().chain(records) {
            bytes.extend(u32::try_from(at).unwrap().to_le_bytes());
            bytes.extend(u32::try_from(length).unwrap().to_le_bytes());
        }
        bytes.extend(texts);
        (bytes, media)
    }
}
