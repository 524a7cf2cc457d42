//! Compiles every `*/probe.bpf.c` with clang to `$OUT_DIR/<probe>.o`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo:rerun-if-changed=include");
    // Changes with every new folder.
    println!("cargo:rerun-if-changed=lib.rs");
    for entry in fs::read_dir(&here)? {
        let folder = entry?.path();
        let source = folder.join("probe.bpf.c");
        if source.is_file() {
            println!("cargo:rerun-if-changed={}", folder.display());
            let name = folder.file_name().ok_or("a folder without a name")?;
            compile(&source, &out.join(name).with_extension("o"))?;
        }
    }
    Ok(())
}

fn compile(source: &Path, object: &Path) -> Result<(), Box<dyn Error>> {
    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    let bpf_arch = match arch.as_str() {
        "x86_64" => "x86",
        "aarch64" => "arm64",
        other => return Err(format!("no BPF register layout is known for {other}").into()),
    };
    let clang = env::var("CLANG").unwrap_or_else(|_| "clang".into());
    run(Command::new(clang)
        .args(["-target", "bpf", "-mcpu=v3", "-O2", "-g", "-Wall", "-Wextra", "-Werror"])
        .args(["-Wno-unused-parameter", "-Wno-missing-declarations"])
        .arg(format!("-D__TARGET_ARCH_{bpf_arch}"))
        // Debian keeps asm/types.h below the multiarch folder, where `-target bpf` does not look.
        .arg(format!("-I/usr/include/{arch}-linux-gnu"))
        .arg("-c")
        .arg(source)
        .arg("-o")
        .arg(object))?;
    let strip = env::var("LLVM_STRIP").unwrap_or_else(|_| "llvm-strip".into());
    // Drops DWARF and keeps BTF.
    run(Command::new(strip).arg("-g").arg(object))
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program} failed: {status}").into()),
        Err(error) => {
            Err(format!("{program}: {error}; install clang, llvm and libbpf-dev (`make setup` does it)").into())
        }
    }
}
