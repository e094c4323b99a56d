//! Of which layer a node is a part.

use super::IntNode;

impl IntNode {
    /// Name of the float graph's node of which this is the work, or a part of it: codes brought into another order or
    /// to another step for it are nodes of their own here.
    #[must_use]
    pub fn layer(&self) -> &str {
        let parts = ["/order_", "/rescale_", "/reshape"];
        let end = parts.iter().find_map(|part| {
            let (layer, number) = self.name.rsplit_once(part)?;
            number.bytes().all(|digit| digit.is_ascii_digit()).then_some(layer)
        });
        end.unwrap_or(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integer::graph::{IntOp, TensorId};

    #[test]
    fn parts_of_a_layer_bear_its_name() {
        let layer = |name: &str| {
            let node = IntNode {
                name: name.to_owned(),
                op: IntOp::Reshape,
                inputs: Vec::new(),
                output: TensorId(0),
            };
            node.layer().to_owned()
        };
        for part in ["/order_12", "/rescale_0", "/reshape", ""] {
            assert_eq!(layer(&format!("/block/MatMul{part}")), "/block/MatMul");
        }
        assert_eq!(layer("/order_form/MatMul"), "/order_form/MatMul");
    }
}
