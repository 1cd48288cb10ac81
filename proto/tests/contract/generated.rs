//! Generates `src/gen/` again and compares, or replaces it when `RATEKEEPER_REGENERATE=1` asks for that.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use protox::prost::Message;
use protox::prost_reflect::prost_types::FileDescriptorSet;
use protox::prost_reflect::prost_types::field_descriptor_proto::Type;

use crate::sources;

const DESCRIPTORS: &str = "descriptors.bin";

#[test]
fn committed_code_is_what_the_files_give() {
    let committed = sources::crate_folder().join("src/gen");
    let fresh = tempfile::tempdir().unwrap();
    generate(fresh.path());
    if std::env::var("RATEKEEPER_REGENERATE").as_deref() == Ok("1") {
        replace(&committed, &read(fresh.path()));
    }
    let (committed, fresh) = (read(&committed), read(fresh.path()));
    assert!(
        committed.keys().eq(fresh.keys()),
        "files: {:?}, generated: {:?}",
        committed.keys(),
        fresh.keys()
    );
    for (name, content) in &fresh {
        assert!(committed[name] == *content, "src/gen/{} is stale: run `make proto`", name.display());
    }
}

fn generate(folder: &Path) {
    let compiler = sources::compile_ours();
    let mut descriptors = compiler.file_descriptor_set();
    let mut for_code = descriptors.clone();
    turn_entries_into_bytes(&mut for_code);
    tonic_prost_build::configure()
        // `connect` would force tonic's transport on everybody; callers bring a channel of their own.
        .build_transport(false)
        .emit_rerun_if_changed(false)
        .bytes(".")
        .out_dir(folder)
        .compile_fds(for_code)
        .unwrap();
    for file in &mut descriptors.file {
        file.source_code_info = None;
    }
    fs::write(folder.join(DESCRIPTORS), descriptors.encode_to_vec()).unwrap();
}

/// Envoy copies header bytes into keys and values as they came. A decoder that insists on UTF-8 would fail the
/// call, and Envoy would let the request pass. The wire format of both types is the same.
fn turn_entries_into_bytes(descriptors: &mut FileDescriptorSet) {
    let entry = descriptors
        .file
        .iter_mut()
        .filter(|file| file.package() == "envoy.extensions.common.ratelimit.v3")
        .flat_map(|file| &mut file.message_type)
        .filter(|message| message.name() == "RateLimitDescriptor")
        .flat_map(|message| &mut message.nested_type)
        .find(|message| message.name() == "Entry")
        .unwrap();
    assert_eq!(entry.field.len(), 2);
    for field in &mut entry.field {
        assert_eq!(field.r#type(), Type::String);
        field.set_type(Type::Bytes);
    }
}

fn read(folder: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(Result::unwrap);
    files.map(|file| (file.file_name(), fs::read(file.path()).unwrap())).collect()
}

fn replace(folder: &Path, files: &BTreeMap<OsString, Vec<u8>>) {
    for stale in read(folder).keys() {
        fs::remove_file(folder.join(stale)).unwrap();
    }
    for (name, content) in files {
        fs::write(folder.join(name), content).unwrap();
    }
}
