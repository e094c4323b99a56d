//! Axis arithmetic shared by the operators: negative axes, broadcasting, squeezed shapes.

use super::OpError;

/// Axis (or index) `a` of `n`, negative ones counted from the end.
pub fn axis_index(a: i64, n: usize) -> Result<usize, OpError> {
    let shifted = if a < 0 { a.saturating_add(n as i64) } else { a };
    usize::try_from(shifted)
        .ok()
        .filter(|&i| i < n)
        .ok_or_else(|| OpError::new(format!("{a} is out of range for {n}")))
}

/// As [`axis_index`] for a list without repetition; sorted.
pub fn axis_indices(axes: &[i64], n: usize) -> Result<Vec<usize>, OpError> {
    let mut out: Vec<usize> = axes.iter().map(|&a| axis_index(a, n)).collect::<Result<_, _>>()?;
    out.sort_unstable();
    if out.windows(2).any(|w| w[0] == w[1]) {
        return Err(OpError::new(format!("axes {axes:?} name one axis twice")));
    }
    Ok(out)
}

/// The shape that two operands broadcast to (NumPy's rule).
pub fn broadcast_shapes(a: &[usize], b: &[usize]) -> Result<Vec<usize>, OpError> {
    let n = a.len().max(b.len());
    let at = |s: &[usize], i: usize| (i + s.len()).checked_sub(n).map_or(1, |i| s[i]);
    (0..n)
        .map(|i| match (at(a, i), at(b, i)) {
            (x, y) if x == y => Ok(x),
            (1, y) => Ok(y),
            (x, 1) => Ok(x),
            _ => Err(OpError::new(format!("{a:?} and {b:?} do not broadcast"))),
        })
        .collect()
}

/// Element strides of `shape` as an operand broadcast to `out` (0 along repeated axes).
#[must_use]
pub fn broadcast_strides(shape: &[usize], out: &[usize]) -> Vec<usize> {
    let own = crate::float::tensor::strides(shape);
    let lead = out.len().saturating_sub(shape.len());
    let stride = |i: usize| match i.checked_sub(lead) {
        Some(j) if shape[j] != 1 => own[j],
        _ => 0,
    };
    (0..out.len()).map(stride).collect()
}

/// `shape` without the axes (all of size 1 where none are given).
pub fn squeezed(shape: &[usize], axes: Option<&[i64]>) -> Result<Vec<usize>, OpError> {
    let drop = match axes {
        Some(axes) => axis_indices(axes, shape.len())?,
        None => (0..shape.len()).filter(|&i| shape[i] == 1).collect(),
    };
    if let Some(&i) = drop.iter().find(|&&i| shape[i] != 1) {
        return Err(OpError::new(format!("axis {i} of {shape:?} is not 1")));
    }
    let kept = shape.iter().enumerate().filter(|(i, _)| !drop.contains(i));
    Ok(kept.map(|(_, &d)| d).collect())
}

/// `shape` with axes of size 1 put in (positions in the result).
pub fn unsqueezed(shape: &[usize], axes: &[i64]) -> Result<Vec<usize>, OpError> {
    if axes.len() > 16 {
        return Err(OpError::new("more than 16 new axes"));
    }
    let n = shape.len() + axes.len();
    let new = axis_indices(axes, n)?;
    let mut old = shape.iter();
    let dim = |i: usize| {
        if new.contains(&i) { Some(1) } else { old.next().copied() }
    };
    Ok((0..n).filter_map(dim).collect())
}

/// `(outer, axis, inner)` element counts around an axis.
#[must_use]
pub fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    let outer = shape[..axis].iter().product();
    let inner = shape[axis + 1..].iter().product();
    (outer, shape[axis], inner)
}

/// Walks `out` in row-major order and calls `f` with the offset that `strides` give each element.
pub fn for_each_offset(out: &[usize], strides: &[isize], start: isize, mut f: impl FnMut(usize)) {
    let (Some((&inner, outer)), Some(&step)) = (out.split_last(), strides.last()) else {
        return f(start as usize);
    };
    let n: usize = outer.iter().product();
    let mut index = vec![0usize; outer.len()];
    let mut offset = start;
    for _ in 0..n {
        for i in 0..inner {
            f((offset + i as isize * step) as usize);
        }
        for axis in (0..outer.len()).rev() {
            index[axis] += 1;
            offset += strides[axis];
            if index[axis] < outer[axis] {
                break;
            }
            offset -= strides[axis] * outer[axis] as isize;
            index[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules() {
        assert_eq!(axis_index(-1, 3), Ok(2));
        assert!(axis_index(3, 3).is_err() && axis_index(i64::MIN, 3).is_err());
        assert_eq!(broadcast_shapes(&[2, 1, 3], &[4, 1]), Ok(vec![2, 4, 3]));
        assert!(broadcast_shapes(&[2], &[3]).is_err());
        assert_eq!(broadcast_strides(&[4, 1], &[2, 4, 3]), [0, 1, 0]);
        assert_eq!(squeezed(&[1, 3, 1], Some(&[-1])), Ok(vec![1, 3]));
        assert_eq!(unsqueezed(&[3], &[0, -1]), Ok(vec![1, 3, 1]));
    }
}
