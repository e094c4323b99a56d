//! Names: what Verilog and SystemVerilog reserve, and how field names become identifiers.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The reserved words of IEEE 1800-2017, which include those of IEEE 1364-2005.
const KEYWORDS: &str = "
accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin
bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos
config const constraint context continue cover covergroup coverpoint cross deassign default defparam design
disable dist do edge else end endcase endchecker endclass endclocking endconfig endfunction endgenerate
endgroup endinterface endmodule endpackage endprimitive endprogram endproperty endsequence endspecify
endtable endtask enum event eventually expect export extends extern final first_match for force foreach
forever fork forkjoin function generate genvar global highz0 highz1 if iff ifnone ignore_bins illegal_bins
implements implies import incdir include initial inout input inside instance int integer interconnect
interface intersect join join_any join_none large let liblist library local localparam logic longint
macromodule matches medium modport module nand negedge nettype new nexttime nmos nor noshowcancelled not
notif0 notif1 null or output package packed parameter pmos posedge primitive priority program property
protected pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase
randsequence rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran
rtranif0 rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint
shortreal showcancelled signed small soft solve specify specparam static string strong strong0 strong1
struct super supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout time
timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef union unique
unique0 unsigned until until_with untyped use uwire var vectored virtual void wait wait_order wand weak
weak0 weak1 while wildcard wire with within wor xnor xor";

/// Whether a word is reserved.
pub(super) fn is_keyword(word: &str) -> bool {
    // Every name of a design is asked for.
    static SORTED: LazyLock<BTreeSet<&str>> = LazyLock::new(|| KEYWORDS.split_whitespace().collect());
    SORTED.contains(word)
}

/// An identifier for a signal: `pe$0$1$a` becomes `pe_0_1_a`, a reserved word gets an underscore.
pub(crate) fn legal(name: &str) -> String {
    let plain = name.replace('$', "_").trim_end_matches('_').to_string();
    if is_keyword(&plain) { plain + "_" } else { plain }
}

/// Whether a name can be that of a module and of its file.
#[must_use]
pub fn is_module_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !is_keyword(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_avoided() {
        assert_eq!(KEYWORDS.split_whitespace().count(), 248);
        assert_eq!(legal("input"), "input_");
        assert_eq!(legal("pe$0$1$a"), "pe_0_1_a");
        assert_eq!(legal("out_"), "out");
    }

    #[test]
    fn module_names_are_lower_case_identifiers() {
        assert!(is_module_name("pe_a9_w8"));
        assert!(!is_module_name("Pe") && !is_module_name("9pe") && !is_module_name("pe-1"));
        assert!(!is_module_name("table") && !is_module_name(""));
    }
}
