//! Simplification passes: one file each, run in the order of [`PASSES`].
//!
//! Contract: every pass keeps the graph valid and its outputs equal up to rounding. Fusions keep
//! the name of the value that they replace, so a tensor can still be found by its ONNX name.

use super::graph::{FloatGraph, GraphError, Node};
use super::ops::OpError;

pub mod average_to_linear;
pub mod batch_norm_to_conv;
pub mod bounds_to_clip;
mod chain;
mod channels_last;
pub mod channels_to_conv;
pub mod constant_folding;
pub mod divide_to_multiply;
pub mod dynamic_codes;
pub mod factor_to_conv;
pub mod fold_batch_norm;
pub mod fold_channel_affine;
pub mod fold_pad;
pub mod functions_before_views;
pub mod fuse_functions;
pub mod fuse_gelu;
pub mod fuse_layer_norm;
pub mod fuse_sigmoid;
pub mod fuse_swish;
pub mod gemm_to_products;
mod image_input;
pub mod join_to_sums;
pub mod masks_to_sums;
mod matcher;
pub mod mean_to_linear;
pub mod merge_affine;
pub mod merge_views;
pub mod moves_to_conv;
pub mod norm_to_last;
pub mod patches_to_conv;
pub mod picks_to_linear;
pub mod reals_between_codes;
pub mod reduce_to_pool;
pub mod remove_identity;
pub mod remove_neutral;
pub mod resize_to_conv;
pub mod resize_to_linear;
pub mod select_channels;
mod separable;
pub mod separate_pools;
pub mod slices_apart;
pub mod softmax_to_last;
pub mod split_linear;
pub mod steps_joined_to_conv;
pub mod steps_to_pool;
pub mod sum_to_mean;
pub mod take_codes;
#[cfg(test)]
mod testing;
pub mod to_linear;
pub mod to_sums;
pub mod tokens_norm;

pub use image_input::image_input;

/// A pass; returns how often it found its pattern.
pub type Pass = fn(&mut FloatGraph) -> Result<usize, OpError>;

/// All passes with their names, in the order in which they run.
pub const PASSES: &[(&str, Pass)] = &[
    ("reals_between_codes", reals_between_codes::run),
    ("dynamic_codes", dynamic_codes::run),
    // Before the constants of the codes are folded.
    ("take_codes", take_codes::run),
    // Early, so that the patterns below see through Identity and meet plain constants.
    ("remove_identity", remove_identity::run),
    ("constant_folding", constant_folding::run),
    // Behind constant_folding, which finds the constants; before the patterns that these would hide.
    ("remove_neutral", remove_neutral::run),
    // Before to_sums, which writes the differences otherwise.
    ("masks_to_sums", masks_to_sums::run),
    // One spelling for what follows.
    ("merge_views", merge_views::run),
    ("divide_to_multiply", divide_to_multiply::run),
    ("sum_to_mean", sum_to_mean::run),
    ("bounds_to_clip", bounds_to_clip::run),
    ("softmax_to_last", softmax_to_last::run),
    ("slices_apart", slices_apart::run),
    // Before select_channels, which makes a convolution of what this leaves.
    ("fold_pad", fold_pad::run),
    // Before fold_batch_norm, which may fold into the convolution.
    ("select_channels", select_channels::run),
    ("fold_batch_norm", fold_batch_norm::run),
    ("fold_channel_affine", fold_channel_affine::run),
    // What the passes before have left.
    ("batch_norm_to_conv", batch_norm_to_conv::run),
    ("fuse_gelu", fuse_gelu::run),
    ("fuse_sigmoid", fuse_sigmoid::run),
    ("fuse_swish", fuse_swish::run),
    // Before to_linear, which would not touch it, but a bias Add is then no candidate any more.
    ("fuse_layer_norm", fuse_layer_norm::run),
    ("norm_to_last", norm_to_last::run),
    ("gemm_to_products", gemm_to_products::run),
    ("to_linear", to_linear::run),
    // Behind to_linear, whose layers take them in; before split_linear, which would have to cut them.
    ("tokens_norm", tokens_norm::run),
    ("split_linear", split_linear::run),
    ("patches_to_conv", patches_to_conv::run),
    // What the fusions by name have left; before what takes sums and products apart.
    ("fuse_functions", fuse_functions::run),
    // What fold_channel_affine and the fusions have left.
    ("merge_affine", merge_affine::run),
    ("factor_to_conv", factor_to_conv::run),
    ("average_to_linear", average_to_linear::run),
    ("resize_to_linear", resize_to_linear::run),
    ("resize_to_conv", resize_to_conv::run),
    // Behind to_linear, whose layers tell where the channels are; before channels_to_conv.
    ("steps_joined_to_conv", steps_joined_to_conv::run),
    ("steps_to_pool", steps_to_pool::run),
    // Behind those that look for the patterns which these break up.
    ("moves_to_conv", moves_to_conv::run),
    ("channels_to_conv", channels_to_conv::run),
    // What those before have left of channels that are joined or picked.
    ("join_to_sums", join_to_sums::run),
    ("picks_to_linear", picks_to_linear::run),
    ("to_sums", to_sums::run),
    ("reduce_to_pool", reduce_to_pool::run),
    ("mean_to_linear", mean_to_linear::run),
    // Behind reduce_to_pool, which makes pools.
    ("separate_pools", separate_pools::run),
    // Behind the passes whose patterns have functions in them.
    ("functions_before_views", functions_before_views::run),
];

/// Elements of new constants after which the constants that they replace are dropped.
const MAX_UNSWEPT: usize = 1 << 23;

/// Puts what `nodes` makes in the place of each node, where it makes any; how often it did.
fn replace_each(
    graph: &mut FloatGraph,
    nodes: impl Fn(&mut FloatGraph, usize) -> Result<Vec<Node>, OpError>,
) -> Result<usize, OpError> {
    let (mut count, mut seen, mut unswept) = (0, graph.values.len(), 0);
    let mut order = Vec::with_capacity(graph.nodes.len());
    // What is made stands at the end for the time being, so that every other node keeps its place.
    for i in 0..graph.nodes.len() {
        let made = nodes(graph, i)?;
        if made.is_empty() {
            order.push(i);
            continue;
        }
        count += 1;
        graph.nodes.bury(i);
        for node in made {
            order.push(graph.nodes.len());
            graph.nodes.push(node);
        }
        let new = graph.values[seen..].iter().filter_map(|value| value.constant.as_ref());
        unswept += new.map(|t| t.len()).sum::<usize>();
        seen = graph.values.len();
        if unswept > MAX_UNSWEPT {
            graph.bury_dead_nodes();
            unswept = 0;
        }
    }
    if count > 0 {
        graph.nodes.reorder(&order);
    }
    Ok(count)
}

/// Runs every pass, removes what nothing needs, and validates the result. Value ids change.
pub fn simplify(graph: &mut FloatGraph) -> Result<(), GraphError> {
    for (name, pass) in PASSES {
        pass(graph).map_err(|source| GraphError::Node {
            node: (*name).to_owned(),
            op: "pass".to_owned(),
            source,
        })?;
        graph.remove_dead_nodes();
        graph.drop_all_unread();
    }
    graph.compact();
    graph.validate()
}
