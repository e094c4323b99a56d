//! The AXI4-Lite side of the registers.
//!
//! ```text
//! cycle             t      t+1    t+2    t+3
//! awvalid, wvalid   ~~~~~~~~~~~\_______________   both must be there
//! awready, wready   ______/~~~~\_______________
//! write             ______/~~~~\_______________
//! bvalid            ____________/~~~~~\_______
//! arvalid           ~~~~\_______________
//! read_address      ______<address>_____   found is looked up in this cycle
//! rvalid            ______________/~~~~\
//! ```
//!
//! No output depends on an input of the same cycle: a crossbar may be as slow as it likes.

use super::map::ADDRESS_BITS;
use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// AXI4-Lite slave of 32 bits for a file of registers; its responses are always OK.
    #[derive(LogicBlock)]
    pub struct RegisterBus {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// AXI4-Lite write address
        pub awvalid: Signal<In, Bit>,
        /// AXI4-Lite write address: taken together with the data
        pub awready: Signal<Out, Bit>,
        /// AXI4-Lite write address, bytes
        pub awaddr: Sig,
        /// AXI4-Lite write data
        pub wvalid: Signal<In, Bit>,
        /// AXI4-Lite write data
        pub wready: Signal<Out, Bit>,
        /// AXI4-Lite write data
        pub wdata: Sig,
        /// AXI4-Lite write data: bytes to write
        pub wstrb: Sig,
        /// AXI4-Lite write response
        pub bvalid: Signal<Out, Bit>,
        /// AXI4-Lite write response
        pub bready: Signal<In, Bit>,
        /// AXI4-Lite read address
        pub arvalid: Signal<In, Bit>,
        /// AXI4-Lite read address
        pub arready: Signal<Out, Bit>,
        /// AXI4-Lite read address, bytes
        pub araddr: Sig,
        /// AXI4-Lite read data
        pub rvalid: Signal<Out, Bit>,
        /// AXI4-Lite read data
        pub rready: Signal<In, Bit>,
        /// AXI4-Lite read data
        pub rdata: Sig,
        /// a register is written
        pub write: Signal<Out, Bit>,
        /// byte address to write
        pub write_address: Sig,
        /// what to write
        pub write_data: Sig,
        /// bits to write
        pub write_mask: Sig,
        /// byte address to read
        pub read_address: Sig,
        /// what that register holds, in the same cycle
        pub found: Sig,
        /// the write that waits is taken in this cycle
        taking: State<Bit>,
        bvalid_r: State<Bit>,
        rvalid_r: State<Bit>,
        rdata_r: Reg,
        /// the address is looked up
        looking: State<Bit>,
        address: Reg,
        all_ones: Const
    }
}

impl Default for RegisterBus {
    fn default() -> RegisterBus {
        let (address, word) = (u(ADDRESS_BITS), u(32));
        RegisterBus {
            name: Named::of("register_bus", &RegisterBus::DOCS),
            clock: Signal::default(),
            awvalid: Signal::default(),
            awready: Signal::default(),
            awaddr: Sig::input(address),
            wvalid: Signal::default(),
            wready: Signal::default(),
            wdata: Sig::input(word),
            wstrb: Sig::input(u(4)),
            bvalid: Signal::default(),
            bready: Signal::default(),
            arvalid: Signal::default(),
            arready: Signal::default(),
            araddr: Sig::input(address),
            rvalid: Signal::default(),
            rready: Signal::default(),
            rdata: Sig::output(word),
            write: Signal::default(),
            write_address: Sig::output(address),
            write_data: Sig::output(word),
            write_mask: Sig::output(word),
            read_address: Sig::output(address),
            found: Sig::input(word),
            taking: State::default(),
            bvalid_r: State::default(),
            rvalid_r: State::default(),
            rdata_r: Reg::new(word),
            looking: State::default(),
            address: Reg::new(address),
            all_ones: Const::new(0xff),
        }
    }
}

impl Logic for RegisterBus {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, taking, bvalid_r, rvalid_r, rdata_r, looking, address);
        // Address and data of a write are taken together, while no response is waiting. A master keeps
        // both until then.
        self.taking.d.next =
            self.awvalid.val() & self.wvalid.val() & !self.taking.q.val() & !self.bvalid_r.q.val();
        self.write.next = self.awvalid.val() & self.wvalid.val() & self.taking.q.val();
        self.awready.next = self.taking.q.val();
        self.wready.next = self.taking.q.val();
        self.write_address.next = self.awaddr.val();
        self.write_data.next = self.wdata.val();
        self.write_mask.next = 0.into();
        for byte in 0..4 {
            if self.wstrb.val().get_bit(byte) {
                self.write_mask.next = self.write_mask.val() | (self.all_ones.val() << (8 * byte));
            }
        }
        self.bvalid.next = self.bvalid_r.q.val();
        self.bvalid_r.d.next = self.write.val() | (self.bvalid_r.q.val() & !self.bready.val());

        self.arready.next = !self.looking.q.val() & !self.rvalid_r.q.val();
        self.looking.d.next = self.arvalid.val() & self.arready.val();
        if self.arready.val() {
            self.address.d.next = self.araddr.val();
        }
        self.read_address.next = self.address.q.val();
        if self.looking.q.val() {
            self.rdata_r.d.next = self.found.val();
            self.rvalid_r.d.next = true;
        } else if self.rready.val() {
            self.rvalid_r.d.next = false;
        }
        self.rvalid.next = self.rvalid_r.q.val();
        self.rdata.next = self.rdata_r.q.val();
    }
}
