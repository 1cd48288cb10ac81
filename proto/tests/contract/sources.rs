//! Where `.proto` files lie, ours and Envoy's, and how they are compiled to descriptors.

use std::path::{Path, PathBuf};
use std::process::Command;

use protox::Compiler;

/// Our files, as other files import them.
pub(crate) const OURS: [&str; 4] = [
    "envoy/config/core/v3/base.proto",
    "envoy/extensions/common/ratelimit/v3/ratelimit.proto",
    "envoy/service/ratelimit/v3/rls.proto",
    "envoy/type/v3/ratelimit_unit.proto",
];

/// The folder of this crate.
pub(crate) fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Our files and what they import, with comments.
pub(crate) fn compile_ours() -> Compiler {
    compile(&[crate_folder().join("protos")])
}

/// The same files as Envoy's project publishes them, which the crate envoy-types carries.
pub(crate) fn compile_envoys() -> Compiler {
    let roots = envoy_types_folder().join("proto");
    compile(&["data-plane-api", "xds", "protoc-gen-validate"].map(|root| roots.join(root)))
}

fn compile(roots: &[PathBuf]) -> Compiler {
    let mut compiler = Compiler::new(roots).unwrap();
    compiler.include_imports(true).include_source_info(true).open_files(OURS).unwrap();
    compiler
}

/// Cargo alone knows where it keeps a dependency's sources.
fn envoy_types_folder() -> PathBuf {
    let metadata = Command::new(std::env::var_os("CARGO").unwrap())
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", "host-tuple"])
        .current_dir(crate_folder())
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let envoy_types = packages.iter().find(|package| package["name"] == "envoy-types").unwrap();
    Path::new(envoy_types["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned()
}
