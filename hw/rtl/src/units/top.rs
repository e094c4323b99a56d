//! The whole accelerator without its AXI names.
//!
//! ```text
//!  s_axi ─ Control ── go ─► Controller ─ start, registers ─► Load  Compute  Vector  Store
//!                              │ fetch                        │ │     │       │      │ │
//!  m_axi ─ MemoryPort ◄────────┴──────────────────────────────┘ │     │       │      │ │
//!             ▲                                                 ▼     ▼       ▼      ▼ │
//!             │                     activation and weight scratchpads, parameters,     │
//!             │                     tables                                             │
//!             └────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Nothing is decided here: the block only joins ports of the same name.

mod kernel;

use super::compute::Compute;
use super::control::Control;
use super::control::map::ADDRESS_BITS;
use super::controller::Controller;
use super::load::Load;
use super::memory_port::MemoryPort;
use super::parameters::Parameters;
use super::scratchpad::Scratchpad;
use super::shape::Shape;
use super::store::Store;
use super::tables::Tables;
use super::vector::Vector;
use crate::hash::fnv1a;
use crate::prelude::*;
use crate::verilog::{Design, Error, Options, elaborate};
use bitgauge_arch::Accelerator;
use rust_hdl::prelude::*;

documented! {
    /// The accelerator: control, controller, the four units and the memories on the chip.
    ///
    /// Lanes of buses are ports of their own here; the outermost module joins them.
    #[derive(LogicBlock)]
    pub struct Top {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// AXI4-Lite write address
        pub s_axi_awvalid: Signal<In, Bit>,
        /// AXI4-Lite write address
        pub s_axi_awready: Signal<Out, Bit>,
        /// AXI4-Lite write address, bytes
        pub s_axi_awaddr: Sig,
        /// AXI4-Lite write data
        pub s_axi_wvalid: Signal<In, Bit>,
        /// AXI4-Lite write data
        pub s_axi_wready: Signal<Out, Bit>,
        /// AXI4-Lite write data
        pub s_axi_wdata: Sig,
        /// AXI4-Lite write data: bytes to write
        pub s_axi_wstrb: Sig,
        /// AXI4-Lite write response
        pub s_axi_bvalid: Signal<Out, Bit>,
        /// AXI4-Lite write response
        pub s_axi_bready: Signal<In, Bit>,
        /// AXI4-Lite read address
        pub s_axi_arvalid: Signal<In, Bit>,
        /// AXI4-Lite read address
        pub s_axi_arready: Signal<Out, Bit>,
        /// AXI4-Lite read address, bytes
        pub s_axi_araddr: Sig,
        /// AXI4-Lite read data
        pub s_axi_rvalid: Signal<Out, Bit>,
        /// AXI4-Lite read data
        pub s_axi_rready: Signal<In, Bit>,
        /// AXI4-Lite read data
        pub s_axi_rdata: Sig,
        /// AXI4 read address
        pub m_axi_arvalid: Signal<Out, Bit>,
        /// AXI4 read address
        pub m_axi_arready: Signal<In, Bit>,
        /// AXI4 read address, bytes
        pub m_axi_araddr: Sig,
        /// AXI4 read address: beats less one
        pub m_axi_arlen: Sig,
        /// AXI4 read data
        pub m_axi_rvalid: Signal<In, Bit>,
        /// AXI4 read data
        pub m_axi_rready: Signal<Out, Bit>,
        /// AXI4 read data, words of 32 bits from the lowest byte up
        pub m_axi_rdata: Vec<Sig>,
        /// AXI4 read data: response
        pub m_axi_rresp: Sig,
        /// AXI4 read data: last beat of its burst
        pub m_axi_rlast: Signal<In, Bit>,
        /// AXI4 write address
        pub m_axi_awvalid: Signal<Out, Bit>,
        /// AXI4 write address
        pub m_axi_awready: Signal<In, Bit>,
        /// AXI4 write address, bytes
        pub m_axi_awaddr: Sig,
        /// AXI4 write address: beats less one
        pub m_axi_awlen: Sig,
        /// AXI4 write data
        pub m_axi_wvalid: Signal<Out, Bit>,
        /// AXI4 write data
        pub m_axi_wready: Signal<In, Bit>,
        /// AXI4 write data, words of 32 bits from the lowest byte up
        pub m_axi_wdata: Vec<Sig>,
        /// AXI4 write data: last beat of its burst
        pub m_axi_wlast: Signal<Out, Bit>,
        /// AXI4 write response
        pub m_axi_bvalid: Signal<In, Bit>,
        /// AXI4 write response
        pub m_axi_bresp: Sig,
        /// AXI4 write response
        pub m_axi_bready: Signal<Out, Bit>,
        /// a run begins: its cycle 0
        pub trace_go: Signal<Out, Bit>,
        /// last cycle of a run
        pub trace_finished: Signal<Out, Bit>,
        /// a command starts in this cycle: load, compute, vector, store
        pub trace_started: Vec<Signal<Out, Bit>>,
        /// a command has ended: the first cycle in which others may know
        pub trace_ended: Vec<Signal<Out, Bit>>,
        /// a run is over: all but the host's registers return to their reset values
        restart: Signal<Local, Bit>,
        control: Control,
        controller: Controller,
        memory_port: MemoryPort,
        load: Load,
        compute: Compute,
        vector: Vector,
        store: Store,
        activation: Scratchpad,
        weight: Scratchpad,
        post_parameters: Parameters,
        vector_parameters: Parameters,
        post_tables: Tables,
        vector_tables: Tables,
        line: Const,
        _line: usize,
        _words: usize,
        _post_lanes: usize,
        _vector_lanes: usize
    }
}

/// Readers of the activation scratchpad: feeder, residual, vector unit, store.
const ACTIVATION_READERS: usize = 4;
/// Writers of the activation scratchpad: load, drain, vector unit.
const ACTIVATION_WRITERS: usize = 3;
/// Readers of the weight scratchpad: feeder, vector unit.
const WEIGHT_READERS: usize = 2;
/// Writers of the weight scratchpad: load, vector unit.
const WEIGHT_WRITERS: usize = 2;

impl Top {
    /// The accelerator of a shape, whose description has this hash.
    #[must_use]
    pub fn new(shape: &Shape, configuration: u64) -> Top {
        let Shape { line, bus, post_lanes, vector_lanes, .. } = *shape;
        let (address, word, words) = (u(ADDRESS_BITS), u(32), bus / 4);
        Top {
            name: Named::of(
                format!("accelerator_core_{}x{}_line{line}_bus{bus}", shape.rows, shape.cols),
                &Top::DOCS,
            )
            .restart("restart", &["control"]),
            clock: Signal::default(),
            s_axi_awvalid: Signal::default(),
            s_axi_awready: Signal::default(),
            s_axi_awaddr: Sig::input(address),
            s_axi_wvalid: Signal::default(),
            s_axi_wready: Signal::default(),
            s_axi_wdata: Sig::input(word),
            s_axi_wstrb: Sig::input(u(4)),
            s_axi_bvalid: Signal::default(),
            s_axi_bready: Signal::default(),
            s_axi_arvalid: Signal::default(),
            s_axi_arready: Signal::default(),
            s_axi_araddr: Sig::input(address),
            s_axi_rvalid: Signal::default(),
            s_axi_rready: Signal::default(),
            s_axi_rdata: Sig::output(word),
            m_axi_arvalid: Signal::default(),
            m_axi_arready: Signal::default(),
            m_axi_araddr: Sig::output(word),
            m_axi_arlen: Sig::output(u(8)),
            m_axi_rvalid: Signal::default(),
            m_axi_rready: Signal::default(),
            m_axi_rdata: Sig::inputs(word, words),
            m_axi_rresp: Sig::input(u(2)),
            m_axi_rlast: Signal::default(),
            m_axi_awvalid: Signal::default(),
            m_axi_awready: Signal::default(),
            m_axi_awaddr: Sig::output(word),
            m_axi_awlen: Sig::output(u(8)),
            m_axi_wvalid: Signal::default(),
            m_axi_wready: Signal::default(),
            m_axi_wdata: Sig::outputs(word, words),
            m_axi_wlast: Signal::default(),
            m_axi_bvalid: Signal::default(),
            m_axi_bresp: Sig::input(u(2)),
            m_axi_bready: Signal::default(),
            trace_go: Signal::default(),
            trace_finished: Signal::default(),
            trace_started: vec![Signal::default(); 4],
            trace_ended: vec![Signal::default(); 4],
            restart: Signal::default(),
            control: Control::new(configuration, bus),
            controller: Controller::new(shape),
            memory_port: MemoryPort::new(shape),
            load: Load::new(shape),
            compute: Compute::new(shape),
            vector: Vector::new(shape),
            store: Store::new(shape),
            activation: Scratchpad::new(
                "activation",
                shape.activation_banks,
                shape.activation_bank_lines,
                line,
                ACTIVATION_READERS,
                ACTIVATION_WRITERS,
            ),
            weight: Scratchpad::new(
                "weight",
                shape.weight_banks,
                shape.weight_bank_lines,
                line,
                WEIGHT_READERS,
                WEIGHT_WRITERS,
            ),
            post_parameters: Parameters::post(shape),
            vector_parameters: Parameters::vector(shape),
            post_tables: Tables::new(1, line, post_lanes),
            vector_tables: Tables::new(2, line, vector_lanes),
            line: Const::new(line),
            _line: line,
            _words: words,
            _post_lanes: post_lanes,
            _vector_lanes: vector_lanes,
        }
    }
}

/// The hash that the configuration registers hold: FNV-1a over the resolved description, so that software
/// can tell whether a program was compiled for this hardware.
#[must_use]
pub fn configuration_hash(accelerator: &Accelerator) -> u64 {
    fnv1a(accelerator.to_toml().as_bytes())
}

/// The Verilog of a description.
///
/// # Errors
/// Where the design cannot be printed; never for a checked description.
pub fn design(accelerator: &Accelerator, options: &Options) -> Result<Design, Error> {
    let mut top = Top::new(&Shape::of(accelerator), configuration_hash(accelerator));
    top.connect_all();
    elaborate(&top, options)
}
