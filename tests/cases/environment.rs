//! What comes from outside of the command line's grammar: bytes that are no text, variables, files without end.

use std::process::Command;

use crate::folder::{Data, Folder};
use crate::net::{Net, X};

fn folder() -> Folder {
    let mut net = Net::new(&[1, 3, 8, 8]);
    let y = net.conv(X, [3, 4], 3, 1);
    Folder::new(&net.model(&[&y]), &Data { count: 2, image: [8, 8, 3], labels: None })
}

const RUN: [&str; 7] = ["run", "--model", "model.onnx", "--data", "data.toml", "--images", "1"];

#[cfg(unix)]
#[test]
fn names_that_are_no_text() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let folder = folder();
    let name = OsStr::from_bytes(b"rep\xffort");
    let mut run = Command::new(env!("CARGO_BIN_EXE_bitgauge"));
    let output = run.args(RUN).arg("--output").arg(name).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(folder.path().join(name).join("index.html").is_file());
}

#[test]
fn kernels_that_do_not_exist() {
    let folder = folder();
    let run = |kernel: &str| {
        let mut run = Command::new(env!("CARGO_BIN_EXE_bitgauge"));
        run.args(RUN).env("BITGAUGE_KERNEL", kernel).current_dir(folder.path()).output().unwrap()
    };
    let output = run("fast");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("BITGAUGE_KERNEL is `fast`") && said.contains("portable, avx2, vnni"), "{said}");
    for kernel in ["portable", "avx2", "vnni", ""] {
        assert!(run(kernel).status.success(), "{kernel}");
    }
}

/// A sparse file costs no disk; a device has no length.
#[test]
fn files_that_are_too_large() {
    let folder = folder();
    let file = std::fs::File::create(folder.path().join("huge")).unwrap();
    file.set_len(5 << 30).unwrap();
    for arguments in [
        &["quantize", "--model", "huge", "--data", "data.toml"][..],
        &["quantize", "--model", "model.onnx", "--data", "huge"],
        &["check", "huge"],
        &["compile", "--quantized", "huge"],
        &["simulate", "huge", "--timing-only"],
    ] {
        assert!(folder.refusal(arguments, 2).contains("the file has more than"), "{arguments:?}");
    }
    if cfg!(unix) {
        let said = folder.refusal(&["check", "/dev/zero"], 2);
        assert!(said.contains("the file has more than 16777216 bytes"), "{said}");
    }
}
