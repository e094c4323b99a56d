//! What a store command says, as the rest of the unit wants to know it.

use crate::prelude::*;
use crate::units::Shape;
use crate::units::fields::{FieldAt, field};
use bitgauge_arch::codec::Codec;
use bitgauge_arch::command::Store;
use rust_hdl::prelude::*;

/// Registers of a store command.
pub const REGISTERS: usize = 12;

/// What the codecs of a shape add to a module's name.
#[must_use]
pub fn suffix(shape: &Shape) -> &'static str {
    match (shape.pack, shape.zvc) {
        (_, true) => "_zvc",
        (true, false) => "_pack",
        (false, false) => "",
    }
}

documented! {
    /// Fields of a store command, by wires alone but for a few gates.
    #[derive(LogicBlock)]
    pub struct StoreDecode {
        name: Named,
        /// register file of the command
        pub registers: Vec<Sig>,
        /// byte address of block 0
        pub address: Sig,
        /// bytes from a block to the next in memory
        pub stride: Sig,
        /// first line
        pub line: Sig,
        /// lines from a pixel to the next
        pub pixel_stride: Sig,
        /// lines from a block to the next
        pub block_stride: Sig,
        /// blocks
        pub blocks: Sig,
        /// pixels of a block
        pub pixels: Sig,
        /// container bytes of a pixel
        pub pixel_bytes: Sig,
        /// bits in memory of each container byte, 2 to 8
        pub bits: Sig,
        /// the codec is `zvc`
        pub zvc: Signal<Out, Bit>,
        /// the code that `zvc` leaves out
        pub zero_code: Sig,
        /// byte address of the length table
        pub table: Sig,
        /// the command stores nothing
        pub empty: Signal<Out, Bit>,
        channels: Sig,
        codec: Sig,
        value_bits: Sig,
        dense: Signal<Local, Bit>,
        none: Const,
        pack: Const,
        zvc_code: Const,
        zvc_there: Const,
        address_low: Const,
        stride_low: Const,
        line_low: Const,
        pixel_stride_low: Const,
        block_stride_low: Const,
        blocks_low: Const,
        pixels_low: Const,
        channels_low: Const,
        codec_low: Const,
        value_bits_low: Const,
        zero_code_low: Const,
        table_low: Const,
        address_register: Const,
        stride_register: Const,
        line_register: Const,
        pixel_stride_register: Const,
        block_stride_register: Const,
        blocks_register: Const,
        pixels_register: Const,
        channels_register: Const,
        codec_register: Const,
        value_bits_register: Const,
        zero_code_register: Const,
        table_register: Const,
        _address_register: usize,
        _stride_register: usize,
        _line_register: usize,
        _pixel_stride_register: usize,
        _block_stride_register: usize,
        _blocks_register: usize,
        _pixels_register: usize,
        _channels_register: usize,
        _codec_register: usize,
        _value_bits_register: usize,
        _zero_code_register: usize,
        _table_register: usize
    }
}

impl StoreDecode {
    /// The fields a store unit of this shape looks at.
    #[must_use]
    pub fn new(shape: &Shape) -> StoreDecode {
        let [
            address,
            stride,
            line,
            pixel_stride,
            block_stride,
            blocks,
            pixels,
            channels,
            codec,
            value_bits,
            zero_code,
            table,
        ] = [
            "external_address",
            "external_block_stride",
            "line",
            "pixel_stride",
            "block_stride",
            "blocks",
            "pixels",
            "channels",
            "codec",
            "value_bits",
            "zero_code",
            "length_table",
        ]
        .map(field::<Store>);
        let output = |field: FieldAt| Sig::output(field.ty());
        StoreDecode {
            name: Named::of(format!("store_decode{}", suffix(shape)), &StoreDecode::DOCS),
            registers: Sig::inputs(u(32), REGISTERS),
            address: output(address),
            stride: output(stride),
            line: output(line),
            pixel_stride: output(pixel_stride),
            block_stride: output(block_stride),
            blocks: output(blocks),
            pixels: output(pixels),
            pixel_bytes: Sig::output(u(17)),
            bits: Sig::output(u(4)),
            zvc: Signal::default(),
            zero_code: output(zero_code),
            table: output(table),
            empty: Signal::default(),
            channels: channels.local(),
            codec: codec.local(),
            value_bits: value_bits.local(),
            dense: Signal::default(),
            none: Const::new(i64::from(Codec::None.code())),
            pack: Const::new(shape.pack || shape.zvc),
            zvc_code: Const::new(i64::from(Codec::Zvc.code())),
            zvc_there: Const::new(shape.zvc),
            address_low: address.low_const(),
            stride_low: stride.low_const(),
            line_low: line.low_const(),
            pixel_stride_low: pixel_stride.low_const(),
            block_stride_low: block_stride.low_const(),
            blocks_low: blocks.low_const(),
            pixels_low: pixels.low_const(),
            channels_low: channels.low_const(),
            codec_low: codec.low_const(),
            value_bits_low: value_bits.low_const(),
            zero_code_low: zero_code.low_const(),
            table_low: table.low_const(),
            address_register: address.register_const(),
            stride_register: stride.register_const(),
            line_register: line.register_const(),
            pixel_stride_register: pixel_stride.register_const(),
            block_stride_register: block_stride.register_const(),
            blocks_register: blocks.register_const(),
            pixels_register: pixels.register_const(),
            channels_register: channels.register_const(),
            codec_register: codec.register_const(),
            value_bits_register: value_bits.register_const(),
            zero_code_register: zero_code.register_const(),
            table_register: table.register_const(),
            _address_register: address.register,
            _stride_register: stride.register,
            _line_register: line.register,
            _pixel_stride_register: pixel_stride.register,
            _block_stride_register: block_stride.register,
            _blocks_register: blocks.register,
            _pixels_register: pixels.register,
            _channels_register: channels.register,
            _codec_register: codec.register,
            _value_bits_register: value_bits.register,
            _zero_code_register: zero_code.register,
            _table_register: table.register,
        }
    }
}

impl Logic for StoreDecode {
    #[hdl_gen]
    fn update(&mut self) {
        self.address.next = self.registers[self._address_register].val() >> self.address_low.val();
        self.stride.next = self.registers[self._stride_register].val() >> self.stride_low.val();
        self.line.next = self.registers[self._line_register].val() >> self.line_low.val();
        self.pixel_stride.next =
            self.registers[self._pixel_stride_register].val() >> self.pixel_stride_low.val();
        self.block_stride.next =
            self.registers[self._block_stride_register].val() >> self.block_stride_low.val();
        self.blocks.next = self.registers[self._blocks_register].val() >> self.blocks_low.val();
        self.pixels.next = self.registers[self._pixels_register].val() >> self.pixels_low.val();
        self.channels.next = self.registers[self._channels_register].val() >> self.channels_low.val();
        self.codec.next = self.registers[self._codec_register].val() >> self.codec_low.val();
        self.value_bits.next = self.registers[self._value_bits_register].val() >> self.value_bits_low.val();
        self.zero_code.next = self.registers[self._zero_code_register].val() >> self.zero_code_low.val();
        self.table.next = self.registers[self._table_register].val() >> self.table_low.val();
        self.zvc.next = (self.codec.val() == self.zvc_code.val()) & (self.zvc_there.val() != 0);
        self.empty.next = (self.blocks.val() == 0) | (self.pixels.val() == 0) | (self.channels.val() == 0);
        // Codes of more than 8 bits have containers of two bytes.
        self.pixel_bytes.next = self.channels.val();
        if self.value_bits.val() > 8 {
            self.pixel_bytes.next = self.channels.val() << 1;
        }
        self.dense.next =
            (self.codec.val() != self.none.val()) & (self.value_bits.val() < 8) & (self.pack.val() != 0);
        self.bits.next = 8.into();
        if self.dense.val() {
            self.bits.next = self.value_bits.val();
        }
    }
}
