//! Is the committed page of operators the one of this program?

use bitgauge_models::onnx::operators_page;

#[test]
fn committed_page_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/operators.md");
    let page = operators_page();
    if std::env::var_os("BITGAUGE_BLESS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == page,
        "docs/reference/operators.md is out of date: run `cargo xtask operators` and commit the file"
    );
}
