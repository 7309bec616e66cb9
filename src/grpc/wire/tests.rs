//! Generates from `api/auth.proto` again what is committed, without `protoc`.

use std::fs;
use std::path::Path;

use prost::Message;

/// What is generated: where it stands, and what it is called by the generator.
fn generate() -> [(&'static str, Vec<u8>); 2] {
    let folder = tempfile::tempdir().expect("a directory");
    let api = Path::new(env!("CARGO_MANIFEST_DIR")).join("api");
    let mut compiler = protox::Compiler::new([api]).expect("a compiler");
    compiler.include_source_info(true);
    compiler.open_file("auth.proto").expect("a contract");
    let mut described = compiler.file_descriptor_set();
    tonic_prost_build::configure()
        .build_transport(false)
        .out_dir(folder.path())
        .compile_fds(described.clone())
        .expect("code");
    for file in &mut described.file {
        file.source_code_info = None;
    }
    let code = fs::read(folder.path().join("auth.v1.rs")).expect("the code");
    [
        ("auth.v1.rs.in", code),
        ("auth.v1.bin", described.encode_to_vec()),
    ]
}

#[test]
fn what_is_committed_is_what_the_contract_generates() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/grpc/wire");
    let is_updated = std::env::var_os("UPDATE_API").is_some();
    for (name, generated) in generate() {
        let path = committed.join(name);
        if is_updated {
            fs::write(&path, &generated).expect("written");
        }
        let found = fs::read(&path).expect("committed");
        assert!(found == generated, "{name} is not what api/auth.proto says");
    }
}
