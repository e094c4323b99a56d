//! What commands can count, in words about layers: a user knows no field of a command.

use bitgauge_arch::command::FieldError;

use crate::error::CompileError;

/// What a field counts.
fn counted(field: &str) -> &'static str {
    match field {
        "kernel_rows" => "rows of a window",
        "kernel_cols" => "columns of a window",
        "stride_rows" => "rows from a window to the next",
        "stride_cols" => "columns from a window to the next",
        "dilation_rows" => "rows from a tap of a window to the next",
        "dilation_cols" => "columns from a tap of a window to the next",
        "pad_top" => "rows of padding above the map",
        "pad_left" => "columns (of gathered windows: bytes) of padding left of the map",
        "in_rows" | "out_rows" => "rows of a map on chip",
        "in_cols" | "out_cols" => "columns of a map on chip",
        "channels" => "channels of a pixel",
        "outputs" => "output channels at once",
        "segments" => "groups of channels",
        "blocks" => "rows moved at once",
        "pixels" => "pixels moved at once",
        "external_address" | "external_block_stride" | "length_table" => "bytes of external memory",
        "run_bytes" | "run_step_bytes" | "row_bytes" => "bytes of a row of the map",
        "pixel_stride" | "output_pixel_stride" | "residual_pixel_stride" | "second_pixel_stride" => {
            "scratchpad lines of a pixel"
        }
        "weight_stride" => "scratchpad lines of the weights of an output",
        "row_stride" | "segment_stride" | "block_stride" => "scratchpad lines of a row of the map",
        "line" | "activation_line" | "weight_line" | "output_line" | "residual_line" | "source_line"
        | "second_line" => "lines of a scratchpad",
        "parameter_base" => "entries of the parameter memory",
        _ => "a constant of the layer's arithmetic",
    }
}

/// A layer that needs more of something than a command can say.
pub(crate) fn beyond(layer: &str, source: &FieldError) -> CompileError {
    CompileError::Beyond {
        layer: layer.to_owned(),
        what: counted(source.field),
        value: source.value,
        low: source.low,
        high: source.high,
    }
}

#[cfg(test)]
mod tests {
    use bitgauge_arch::command::{Compute, Field, Load, RegisterFile, Store, Vector};

    use super::*;

    #[test]
    fn whatever_depends_on_sizes_has_its_words() {
        // Codes, switches and bank masks, which no size of a network reaches.
        let arithmetic = [
            "target",
            "group_width",
            "codec",
            "value_bits",
            "zero_code",
            "signed",
            "pad_code",
            "activation_signed",
            "grouped",
            "accumulate",
            "parameter_per_row",
            "output_wide",
            "table_enable",
            "table_select",
            "residual_enable",
            "residual_wide",
            "tag_shift",
            "zero_point",
            "residual_shift",
            "activation_bits",
            "weight_bits",
            "container",
            "clamp_low",
            "clamp_high",
            "residual_mantissa",
            "residual_zero_point",
            "activation_read",
            "residual_read",
            "activation_write",
            "weight_read",
            "weight_write",
            "function",
            "source_signed",
            "source_wide",
            "second_wide",
            "second_enable",
            "to_weight",
            "output_bits",
            "source_zero_point",
            "source_mantissa",
            "source_shift",
            "second_zero_point",
            "second_mantissa",
            "second_shift",
            "epsilon_low",
            "epsilon_high",
            "tag_shift",
        ];
        let files: [&[Field]; 4] = [Load::FIELDS, Compute::FIELDS, Vector::FIELDS, Store::FIELDS];
        for field in files.into_iter().flatten() {
            let named = counted(field.name) != "a constant of the layer's arithmetic";
            assert_ne!(named, arithmetic.contains(&field.name), "{}", field.name);
        }
    }
}
