//! Memory checks of the code that goes through raw pointers: AddressSanitizer over every kernel of this host, and
//! Miri, which knows every rule of Rust, over the portable ones.

use std::process::Command;

use anyhow::Result;

use crate::shell::{cargo, command, run, works};

/// Tests of the kernels: those of integers, and the float product.
const PACKAGES: [(&str, &str); 2] = [("bitgauge-arch", "arith::"), ("bitgauge-models", "float::gemm::")];

/// What `BITGAUGE_KERNEL` may say: each choice takes other copies of the kernels.
const KERNELS: [&str; 3] = ["vnni", "avx2", "portable"];

/// The target whose runtime of AddressSanitizer comes with the toolchain.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Runs both; what cannot be had is said in a line each. Gives how many were skipped.
pub fn run_all() -> Result<usize> {
    Ok(usize::from(!address()?) + usize::from(!miri()?))
}

fn skip(what: &str, why: &str) -> Result<bool> {
    eprintln!("SKIPPED: {what}: {why}");
    Ok(false)
}

/// The kernels' tests with AddressSanitizer; `false` where it cannot be had.
fn address() -> Result<bool> {
    let what = "AddressSanitizer over the vector kernels";
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return skip(what, &format!("run `cargo xtask long` on {TARGET}"));
    }
    let tests = |package: &str, arguments: &[&str]| {
        let head = ["test", "--release", "--package", package, "--lib", "--target", TARGET];
        let mut tests = cargo(&[&head[..], &["--target-dir", "target/asan"], arguments].concat());
        // The stable compiler has the sanitizer, and takes its flag for nightly's only so.
        tests.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zsanitizer=address");
        tests
    };
    for (package, filter) in PACKAGES {
        if run(tests(package, &["--no-run"])).is_err() {
            return skip(what, "this compiler does not build with -Zsanitizer=address; rustup's does");
        }
        for kernel in KERNELS {
            let mut tests = tests(package, &["--", filter]);
            tests.env("BITGAUGE_KERNEL", kernel);
            run(tests)?;
        }
    }
    Ok(true)
}

/// The same tests of the portable kernels under Miri; `false` where it cannot be had. Tests that take Miri too long
/// do less there (`cfg!(miri)`).
fn miri() -> Result<bool> {
    let what = "Miri over the portable kernels";
    let nightly = |arguments: &[&str]| command("cargo", &[&["+nightly", "miri"], arguments].concat());
    if !works(nightly(&["--version"])) {
        let install = ["toolchain", "install", "nightly", "--profile", "minimal", "--component", "miri"];
        // Ends with an error where there is no rustup, or no network.
        let _ = run(command("rustup", &[&install[..], &["--component", "rust-src"]].concat()));
    }
    if !works(nightly(&["--version"])) || run(nightly(&["setup"])).is_err() {
        let how = "`rustup toolchain install nightly --component miri,rust-src` brings it";
        return skip(what, how);
    }
    // The float product is a library's, which asks the processor in assembly: Miri runs none.
    let head =
        ["test", "--package", "bitgauge-arch", "--lib", "--target-dir", "target/miri", "--", "arith::"];
    let mut tests: Command = nightly(&head);
    // Tests look at the environment.
    tests.env("MIRIFLAGS", "-Zmiri-disable-isolation").env("BITGAUGE_KERNEL", "portable");
    run(tests)?;
    Ok(true)
}
