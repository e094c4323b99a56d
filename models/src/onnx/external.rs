//! Data of tensors that lie in files beside the model.
//!
//! Contract: nothing here opens a file. The caller gives a reader; what it is asked for is a plain relative
//! path below the model's folder, never an absolute one and never one that climbs.
//! Source: "External Data" of the ONNX documentation.

use super::generated::StringStringEntryProto;
use crate::float::tensor::MAX_ELEMENTS;

/// Reads `length` bytes from `offset` on of the file at a path relative to the model's folder.
pub type ReadPart<'a> = dyn Fn(&str, u64, usize) -> Result<Vec<u8>, String> + 'a;

/// How to read other files; `None` where there is no folder.
pub type External<'a> = Option<&'a ReadPart<'a>>;

/// Reads bytes of a tensor, from a byte on so many.
pub(super) type ReadTensor<'a> = Box<dyn Fn(usize, usize) -> Result<Vec<u8>, String> + 'a>;

/// How to read the bytes that `entries` point at; `needed` is what the tensor's shape asks for.
pub(super) fn locate<'a>(
    entries: &'a [StringStringEntryProto],
    needed: usize,
    external: External<'a>,
) -> Result<ReadTensor<'a>, String> {
    let entry = |key: &str| entries.iter().find(|e| e.key() == key).map(StringStringEntryProto::value);
    let number = |key: &str| {
        let parse =
            |text: &str| text.parse::<u64>().map_err(|_| format!("external {key} `{text}` is no number"));
        entry(key).map(parse).transpose()
    };
    let location = entry("location").ok_or("its data lie in an external file, but no location is given")?;
    if !is_below(location) {
        return Err(format!("external location `{location}` is not a path below the model's folder"));
    }
    let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
    if length.is_some_and(|length| length != needed as u64) || needed > MAX_ELEMENTS.saturating_mul(8) {
        let length = length.map_or("the rest".to_owned(), |n| n.to_string());
        return Err(format!("its dimensions need {needed} bytes, the external part has {length}"));
    }
    let Some(read) = external else {
        return Err(format!(
            "its data lie in the external file `{location}`, and the model was given without its folder; \
             read it from a file, or save it with all data inside (onnx.save, save_as_external_data=False)"
        ));
    };
    Ok(Box::new(move |start, length| {
        let bytes = read(location, offset.saturating_add(start as u64), length)?;
        if bytes.len() != length {
            return Err(format!(
                "needs {needed} bytes of `{location}` from {offset} on, there are {}",
                start + bytes.len()
            ));
        }
        Ok(bytes)
    }))
}

/// Whether a path stays below the folder that it starts from.
fn is_below(path: &str) -> bool {
    let plain = |part: &str| !matches!(part, "" | "..") && !part.contains(['\\', ':', '\0']);
    path.split('/').all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(pairs: &[(&str, &str)]) -> Vec<StringStringEntryProto> {
        let entry = |(k, v): &(&str, &str)| StringStringEntryProto {
            key: Some((*k).to_owned()),
            value: Some((*v).to_owned()),
        };
        pairs.iter().map(entry).collect()
    }

    #[test]
    fn only_paths_below_the_folder() {
        let read = |path: &str, offset: u64, length: usize| {
            assert_eq!((path, offset), ("weights/w.bin", 8));
            Ok(vec![7; length])
        };
        let fetch = |entries: &[StringStringEntryProto], needed, external| {
            locate(entries, needed, external)?(0, needed)
        };
        let good = entries(&[("location", "weights/w.bin"), ("offset", "8"), ("length", "4")]);
        assert_eq!(fetch(&good, 4, Some(&read)), Ok(vec![7; 4]));
        assert!(fetch(&good, 5, Some(&read)).is_err());
        assert!(fetch(&good, 4, None).unwrap_err().contains("weights/w.bin"));
        for bad in ["/etc/passwd", "../w", "a/../../w", "", "a//b", "C:w", "..\\w"] {
            let e = fetch(&entries(&[("location", bad)]), 4, Some(&read)).unwrap_err();
            assert!(e.contains("below the model's folder"), "{e}");
        }
    }
}
