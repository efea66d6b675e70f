//! Refuses ONNX graphs with attributes that tract uses without a check.

use tract_onnx::pb;

/// No tensor has more dimensions.
const MAX_DIMENSIONS: u64 = 64;
/// Attributes that name dimensions.
const DIMENSIONS: [&str; 5] = ["axis", "axes", "perm", "batch_dims", "split_axis"];

/// Checks every node, those of nested graphs too, and describes the first problem.
pub(super) fn check(graph: &pb::GraphProto) -> Result<(), String> {
    graph.node.iter().try_for_each(|node| {
        for attribute in node.attribute.iter().filter(|attribute| DIMENSIONS.contains(&&*attribute.name)) {
            let mut numbers = attribute.ints.iter().chain([&attribute.i]);
            if let Some(number) = numbers.find(|number| number.unsigned_abs() > MAX_DIMENSIONS) {
                return Err(format!("{number} is no dimension ({} of the node {:?})", attribute.name, node.name));
            }
        }
        let order = node.attribute.iter().find(|attribute| attribute.name == "perm");
        if let Some(order) = order.filter(|order| node.op_type == "Transpose" && !is_permutation(&order.ints)) {
            return Err(format!(
                "the order {:?} of the node {:?} does not name each dimension once",
                order.ints, node.name
            ));
        }
        let nested = node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs));
        nested.into_iter().try_for_each(check)
    })
}

/// Whether these are 0, 1, 2, … in some order. tract follows the cycles of an order until they close, and those of
/// other orders never do.
fn is_permutation(order: &[i64]) -> bool {
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    sorted.iter().copied().eq(0..order.len() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_each_dimension_once() {
        for order in [&[][..], &[0], &[1, 0], &[2, 0, 1, 3]] {
            assert!(is_permutation(order), "{order:?}");
        }
        for order in [&[1][..], &[0, 0], &[0, 2], &[-1, 0], &[0, 1, i64::MAX]] {
            assert!(!is_permutation(order), "{order:?}");
        }
    }

    /// tract counts from a layer normalisation's axis to the last one.
    #[test]
    fn an_axis_is_a_dimension() {
        for (axis, is_valid) in [(-1, true), (3, true), (64, true), (65, false), (i64::MIN, false), (1 << 40, false)] {
            let attribute = pb::AttributeProto { name: "axis".into(), i: axis, ..Default::default() };
            let op_type = "LayerNormalization".into();
            let node = pb::NodeProto { op_type, attribute: vec![attribute], ..Default::default() };
            assert_eq!(check(&pb::GraphProto { node: vec![node], ..Default::default() }).is_ok(), is_valid, "{axis}");
        }
    }

    #[test]
    fn transposed_into_nothing() {
        let perm = pb::AttributeProto { name: "perm".into(), ints: vec![0, 2, 2, 3], ..Default::default() };
        let node = pb::NodeProto { op_type: "Transpose".into(), attribute: vec![perm], ..Default::default() };
        let inner = pb::GraphProto { node: vec![node], ..Default::default() };
        assert!(check(&inner).unwrap_err().contains("[0, 2, 2, 3]"));
        let body = pb::AttributeProto { name: "body".into(), g: Some(inner), ..Default::default() };
        let node = pb::NodeProto { op_type: "Loop".into(), attribute: vec![body], ..Default::default() };
        assert!(check(&pb::GraphProto { node: vec![node], ..Default::default() }).is_err());
    }
}
