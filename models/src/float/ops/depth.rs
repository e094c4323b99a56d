//! DepthToSpace-13 and SpaceToDepth-13, lowered to Reshape, Transpose, Reshape.

use super::reshape::Reshape;
use super::transpose::Transpose;
use super::{Built, OnnxOperator, Op, OpError};
use crate::onnx::reader::NodeReader;

pub(super) const BUILDERS: &[OnnxOperator] = &[
    OnnxOperator::new("DepthToSpace", &[11, 13], to_space, ""),
    OnnxOperator::new("SpaceToDepth", &[1, 13], to_depth, ""),
];

/// `[N, C, H, W]` and the block size.
fn map(r: &mut NodeReader<'_>) -> Result<([usize; 4], usize), OpError> {
    r.expect_inputs(1, 1)?;
    let block = r.int_if("blocksize")?.and_then(|b| usize::try_from(b).ok());
    let block = block.filter(|b| (1..=1 << 12).contains(b));
    let block = block.ok_or_else(|| OpError::new("attribute `blocksize` must be 1 to 4096"))?;
    match *r.shape(0)? {
        [n, c, h, w] => Ok(([n, c, h, w], block)),
        ref other => Err(OpError::new(format!("needs x of rank 4 [N, C, H, W], has {other:?}"))),
    }
}

fn moved(
    r: &mut NodeReader<'_>,
    split: Vec<usize>,
    perm: [usize; 6],
    shape: Vec<usize>,
) -> Result<Built, OpError> {
    let x = r.float(0)?;
    let x = r.emit(Op::Reshape(Reshape { shape: split }), vec![x])?;
    let x = r.emit(Op::Transpose(Transpose { perm: perm.to_vec() }), vec![x])?;
    Ok(Built { op: Op::Reshape(Reshape { shape }), inputs: vec![x] })
}

fn to_space(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    let ([n, c, h, w], b) = map(r)?;
    let depth = c / (b * b);
    if depth * b * b != c {
        return Err(OpError::new(format!("{c} channels do not divide into blocks of {b} x {b}")));
    }
    let shape = vec![n, depth, h * b, w * b];
    match r.text("mode")? {
        None | Some("DCR") => moved(r, vec![n, b, b, depth, h, w], [0, 3, 4, 1, 5, 2], shape),
        Some("CRD") => moved(r, vec![n, depth, b, b, h, w], [0, 1, 4, 2, 5, 3], shape),
        Some(other) => Err(OpError::new(format!("mode `{other}` is not supported (supported: DCR, CRD)"))),
    }
}

fn to_depth(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    let ([n, c, h, w], b) = map(r)?;
    if h % b != 0 || w % b != 0 {
        return Err(OpError::new(format!("a map of {h} x {w} does not divide into blocks of {b} x {b}")));
    }
    let (rows, cols) = (h / b, w / b);
    let shape = vec![n, c * b * b, rows, cols];
    moved(r, vec![n, c, rows, b, cols, b], [0, 3, 5, 1, 2, 4], shape)
}
