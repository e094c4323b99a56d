//! What elaboration refuses, with the message the author of a unit sees.
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used)]

use bitgauge_rtl::prelude::*;
use bitgauge_rtl::verilog::{Error, Options, elaborate};
use rust_hdl::prelude::*;

fn message(unit: &dyn Block) -> String {
    elaborate(unit, &Options::default()).unwrap_err().to_string()
}

macro_rules! unit {
    ($name:ident, $module:literal, { $($field:ident: $kind:ident($ty:expr)),* }) => {
        #[derive(LogicBlock)]
        struct $name { name: Named, $($field: Sig),* }
        impl $name {
            fn new() -> $name {
                $name { name: Named::new($module), $($field: Sig::$kind($ty)),* }
            }
        }
    };
}

unit!(Wide, "wide", { a: input(u(101)), y: output(u(8)) });
impl Logic for Wide {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = self.a.val();
    }
}

unit!(Latch, "latch", { a: input(u(8)), y: output(u(8)) });
impl Logic for Latch {
    #[hdl_gen]
    fn update(&mut self) {
        if self.a.val() > 3 {
            self.y.next = self.a.val();
        }
    }
}

unit!(Open, "open", { a: input(u(8)), x: local(u(8)), y: output(u(8)) });
impl Logic for Open {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = self.a.val() + self.x.val();
    }
}

unit!(Early, "early", { a: input(u(8)), x: local(u(8)), y: output(u(8)) });
impl Logic for Early {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = self.x.val();
        self.x.next = self.a.val();
    }
}

unit!(Product, "product", { a: input(s(60)), b: input(s(60)), y: output(u(1)) });
impl Logic for Product {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = (self.a.val() * self.b.val() > self.a.val()).into();
    }
}

unit!(Negative, "negative", { a: input(s(8)), k: input(s(3)), y: output(s(8)) });
impl Logic for Negative {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = self.a.val() >> self.k.val();
    }
}

unit!(Backwards, "backwards", { a: input(u(8)), y: output(u(8)) });
impl Logic for Backwards {
    #[hdl_gen]
    fn update(&mut self) {
        self.a.next = self.y.val();
        self.y.next = 0.into();
    }
}

unit!(Keyword, "table", { a: input(u(8)), y: output(u(8)) });
impl Logic for Keyword {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = self.a.val();
    }
}

unit!(Ports, "ports", { input_: input(u(8)), table: output(u(8)) });
impl Logic for Ports {
    #[hdl_gen]
    fn update(&mut self) {
        self.table.next = self.input_.val();
    }
}

unit!(Hidden, "hidden", { a: input(u(8)), byte: local(u(8)), y: output(u(8)) });
impl Logic for Hidden {
    #[hdl_gen]
    fn update(&mut self) {
        self.byte.next = self.a.val();
        self.y.next = 0.into();
        for byte in 0..2 {
            if self.a.val().get_bit(byte) {
                self.y.next = self.byte.val();
            }
        }
    }
}

/// Its loop variable hides a constant.
#[derive(LogicBlock)]
struct HiddenCount {
    name: Named,
    a: Sig,
    y: Sig,
    many: Const,
    _many: usize,
}
impl Logic for HiddenCount {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = 0.into();
        for many in 0..self._many {
            if self.a.val().get_bit(many) {
                self.y.next = self.many.val();
            }
        }
    }
}

#[test]
fn loop_variables_that_hide_fields_are_refused() {
    let wanted = |module: &str, name: &str| {
        format!(
            "module `{module}`: the loop variable `{name}` hides a field of that name: rename the variable"
        )
    };
    assert_eq!(message(&Hidden::new()), wanted("hidden", "byte"));
    let (a, y) = (Sig::input(u(8)), Sig::output(u(8)));
    let unit = HiddenCount { name: Named::new("count"), a, y, many: Const::new(3), _many: 3 };
    assert_eq!(message(&unit), wanted("count", "many"));
}

#[test]
fn widths_are_limited() {
    assert_eq!(
        message(&Wide::new()),
        "signal `top.a` has 101 bits; a signal has 1 to 100: use a vector of lanes"
    );
    assert_eq!(
        elaborate(&Product::new(), &Options::default()).unwrap_err(),
        Error::Exact { module: "product".into(), what: "an operand of a comparison", width: 120 }
    );
}

#[test]
fn incomplete_kernels_are_refused() {
    assert_eq!(
        message(&Latch::new()),
        "module `latch`: `y` is not assigned on every path and would latch: give it a default first"
    );
    assert_eq!(message(&Open::new()), "module `open`: `x` is never assigned");
    assert_eq!(message(&Early::new()), "module `early`: `x` is read before it is assigned");
    assert_eq!(message(&Backwards::new()), "module `backwards`: `a` is not for this unit to assign");
    assert_eq!(message(&Negative::new()), "module `negative`: a shift amount or bit number may be negative");
}

#[test]
fn reserved_words_are_refused_for_modules_and_mended_for_ports() {
    assert!(message(&Keyword::new()).starts_with("`table` is no name for a module"));
    let design = elaborate(&Ports::new(), &Options::default()).unwrap();
    assert!(design.text().contains("input wire [7:0] input_"), "{}", design.text());
    assert!(design.text().contains("assign table_ = input_;"), "{}", design.text());
}
