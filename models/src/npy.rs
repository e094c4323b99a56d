//! NumPy `.npy` files, versions 1 and 2: C order, little-endian u8, i64 and f32.
//!
//! Contract: the reader checks every length against the bytes it has and never panics; the writer
//! gives version 1, as NumPy does. Source: `numpy.lib.format`.

use thiserror::Error;

/// Element data.
#[derive(Debug, Clone, PartialEq)]
pub enum NpyData {
    /// `|u1`.
    U8(Vec<u8>),
    /// `<i8`.
    I64(Vec<i64>),
    /// `<f4`.
    F32(Vec<f32>),
}

/// An array: shape and row-major data.
#[derive(Debug, Clone, PartialEq)]
pub struct Npy {
    /// Dimensions, outermost first; empty for a scalar.
    pub shape: Vec<usize>,
    /// Elements.
    pub data: NpyData,
}

/// Why bytes are no usable `.npy` array.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NpyError {
    /// The bytes end early.
    #[error("the file is truncated: {what} needs {needed} bytes, {given} are left")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Bytes that it needs.
        needed: usize,
        /// Bytes that are left.
        given: usize,
    },
    /// The magic bytes are missing.
    #[error("not a .npy file (the magic bytes are missing)")]
    Magic,
    /// A version other than 1 and 2.
    #[error("version {0} is not supported (supported: 1, 2)")]
    Version(u8),
    /// The header is not understood.
    #[error("header: {0}")]
    Header(String),
    /// More bytes than the array has.
    #[error("{0} bytes too many after the array")]
    Trailing(usize),
}

fn take<'a>(bytes: &mut &'a [u8], n: usize, what: &'static str) -> Result<&'a [u8], NpyError> {
    let (head, tail) =
        bytes.split_at_checked(n).ok_or(NpyError::Truncated { what, needed: n, given: bytes.len() })?;
    *bytes = tail;
    Ok(head)
}

/// The text after `'key':` in the header dictionary.
fn field<'a>(header: &'a str, key: &str) -> Result<&'a str, NpyError> {
    let missing = || NpyError::Header(format!("`{key}` is missing"));
    let (_, rest) = header.split_once(&format!("'{key}'")).ok_or_else(missing)?;
    let rest = rest.trim_start().strip_prefix(':').ok_or_else(missing)?;
    Ok(rest.trim_start())
}

/// Reads an array out of the bytes of a `.npy` file.
pub fn read(bytes: &[u8]) -> Result<Npy, NpyError> {
    let mut rest = bytes;
    if take(&mut rest, 6, "the magic")? != b"\x93NUMPY" {
        return Err(NpyError::Magic);
    }
    let version = take(&mut rest, 2, "the version")?[0];
    let length = match version {
        1 => take(&mut rest, 2, "the header length")?.iter().rev(),
        2 => take(&mut rest, 4, "the header length")?.iter().rev(),
        v => return Err(NpyError::Version(v)),
    };
    let length = length.fold(0usize, |n, &b| (n << 8) | usize::from(b));
    let header = take(&mut rest, length, "the header")?;
    let header = std::str::from_utf8(header).map_err(|_| NpyError::Header("not text".to_owned()))?;
    if !field(header, "fortran_order")?.starts_with("False") {
        return Err(NpyError::Header("only C order is supported".to_owned()));
    }
    let list = field(header, "shape")?.strip_prefix('(').and_then(|s| s.split_once(')'));
    let (list, _) = list.ok_or_else(|| NpyError::Header("`shape` is no tuple".to_owned()))?;
    let dims = list.split(',').map(str::trim).filter(|s| !s.is_empty());
    let shape: Vec<usize> = dims
        .map(|s| s.parse().map_err(|_| NpyError::Header(format!("dimension `{s}`"))))
        .collect::<Result<_, _>>()?;
    let descr = field(header, "descr")?.trim_start_matches(['\'', '"']);
    let descr = descr.split(['\'', '"']).next().unwrap_or("");
    let width = match descr {
        "|u1" | "u1" => 1,
        "<f4" => 4,
        "<i8" => 8,
        other => {
            return Err(NpyError::Header(format!(
                "element type `{other}` is not supported (supported: |u1, <i8, <f4)"
            )));
        }
    };
    let size = shape.iter().try_fold(width, |n: usize, &d| n.checked_mul(d));
    let size = size.ok_or_else(|| NpyError::Header(format!("shape {shape:?} overflows")))?;
    let raw = take(&mut rest, size, "the data")?;
    if !rest.is_empty() {
        return Err(NpyError::Trailing(rest.len()));
    }
    let data = match width {
        1 => NpyData::U8(raw.to_vec()),
        4 => NpyData::F32(raw.as_chunks().0.iter().map(|&c| f32::from_le_bytes(c)).collect()),
        _ => NpyData::I64(raw.as_chunks().0.iter().map(|&c| i64::from_le_bytes(c)).collect()),
    };
    Ok(Npy { shape, data })
}

/// The bytes of a version 1 `.npy` file (version 2 where the shape is absurdly long).
#[must_use]
pub fn write(array: &Npy) -> Vec<u8> {
    let (descr, raw): (&str, Vec<u8>) = match &array.data {
        NpyData::U8(v) => ("|u1", v.clone()),
        NpyData::I64(v) => ("<i8", v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        NpyData::F32(v) => ("<f4", v.iter().flat_map(|x| x.to_le_bytes()).collect()),
    };
    let dims: String = array.shape.iter().map(|d| format!("{d}, ")).collect();
    let mut dims = dims.trim_end().to_owned();
    if array.shape.len() != 1 {
        dims = dims.trim_end_matches(',').to_owned();
    }
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({dims}), }}");
    // The data start at a multiple of 64, after a line end.
    let preamble = if header.len() < 65_000 { 10 } else { 12 };
    while !(preamble + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut out = b"\x93NUMPY".to_vec();
    if preamble == 10 {
        out.extend([1, 0]);
        out.extend((header.len() as u16).to_le_bytes());
    } else {
        out.extend([2, 0]);
        out.extend((header.len() as u32).to_le_bytes());
    }
    out.extend(header.into_bytes());
    out.extend(raw);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_every_truncation() {
        for (shape, data) in [
            (vec![2, 2], NpyData::F32(vec![1.0, -2.5, 0.0, 3.0])),
            (vec![3], NpyData::I64(vec![1, -2, i64::MAX])),
            (vec![], NpyData::U8(vec![7])),
        ] {
            let array = Npy { shape, data };
            let bytes = write(&array);
            assert_eq!(read(&bytes), Ok(array));
            for n in 0..bytes.len() {
                assert!(read(&bytes[..n]).is_err(), "{n}");
            }
        }
    }

    #[test]
    fn absurd_headers_are_refused() {
        for header in [
            "",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999), }",
            "{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }",
        ] {
            let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
            bytes.extend((header.len() as u16).to_le_bytes());
            bytes.extend(header.as_bytes());
            assert!(read(&bytes).is_err());
        }
    }

    /// Only what is read as it lies there.
    #[test]
    fn other_elements_are_refused_by_name() {
        for descr in ["<f8", ">f4", ">i8", "<i4", "<u8", "|i1", "|b1", "<f2", "|O"] {
            let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1,), }}");
            let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
            bytes.extend((header.len() as u16).to_le_bytes());
            bytes.extend(header.as_bytes());
            bytes.extend([0; 8]);
            let error = read(&bytes).unwrap_err().to_string();
            assert!(error.contains(&format!("`{descr}` is not supported")), "{error}");
        }
    }
}
