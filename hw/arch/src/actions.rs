//! The actions that a simulator counts and an energy table prices.

use serde::{Deserialize, Serialize};

macro_rules! actions {
    ($($(#[$meta:meta])* $variant:ident = $name:literal;)*) => {
        /// One kind of event in the hardware.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Action { $($(#[$meta])* $variant,)* }

        impl Action {
            /// All actions, in the order of reports.
            pub const ALL: &'static [Action] = &[$(Action::$variant,)*];

            /// Name in tables and files.
            #[must_use]
            pub fn name(self) -> &'static str { match self { $(Action::$variant => $name,)* } }
        }
    };
}

actions! {
    /// A multiply-accumulate of the array that belongs to the layer.
    ArrayMac = "array_mac";
    /// A multiply-accumulate of the array on padding: rows, columns or values beyond the layer's.
    ArrayPaddingMac = "array_padding_mac";
    /// One bit of an activation times one bit of a weight, in an element of `serial`, that belongs to the layer.
    ArrayBitProduct = "array_bit_product";
    /// The same on padding.
    ArrayPaddingBitProduct = "array_padding_bit_product";
    /// A bit written to a register of a processing element that hands operands and flags on, or holds the term.
    PeRegisterBit = "pe_register_bit";
    /// A bit written to a processing element's accumulator, or to the shadow that a fold's sum goes to.
    PeAccumulatorBit = "pe_accumulator_bit";
    /// A byte read from the activation scratchpad.
    ActivationReadByte = "activation_read_byte";
    /// A byte written to the activation scratchpad.
    ActivationWriteByte = "activation_write_byte";
    /// A byte read from the weight scratchpad.
    WeightReadByte = "weight_read_byte";
    /// A byte written to the weight scratchpad.
    WeightWriteByte = "weight_write_byte";
    /// A byte read from a parameter memory.
    ParameterReadByte = "parameter_read_byte";
    /// A byte written to a parameter memory.
    ParameterWriteByte = "parameter_write_byte";
    /// A byte read from a lane's copy of the tables.
    TableReadByte = "table_read_byte";
    /// A byte written to a lane's copy of the tables.
    TableWriteByte = "table_write_byte";
    /// An accumulator that goes through the post-processor.
    PostRequantize = "post_requantize";
    /// A multiply-accumulate of the vector unit.
    VectorMac = "vector_mac";
    /// A code handled by the vector unit in any other way (each pass counts).
    VectorOperation = "vector_operation";
    /// A byte read from external memory.
    ExternalReadByte = "external_read_byte";
    /// A byte written to external memory.
    ExternalWriteByte = "external_write_byte";
}

/// A count per action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionCounts(std::collections::BTreeMap<Action, u64>);

impl ActionCounts {
    /// Adds `count` events.
    pub fn add(&mut self, action: Action, count: u64) {
        if count > 0 {
            *self.0.entry(action).or_default() += count;
        }
    }

    /// Events of one kind.
    #[must_use]
    pub fn get(&self, action: Action) -> u64 {
        self.0.get(&action).copied().unwrap_or(0)
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &ActionCounts) {
        for (action, count) in other.iter() {
            self.add(action, count);
        }
    }

    /// All counts that are not zero, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Action, u64)> + '_ {
        self.0.iter().map(|(&action, &count)| (action, count))
    }
}
