//! Written models are read by another implementation of the format, and compute what they should.

use std::fs;

use ndarray::{Array2, array};
use tract_onnx::pb::{self, tensor_shape_proto::dimension::Value as Size, type_proto};
use tract_onnx::prelude::{Framework, InferenceModelExt, IntoRunnable, tvec};

use super::{Attribute, ElementType, Graph, OPSET, OnnxModel, Tensor};

fn proto(model: &OnnxModel<'_>) -> pb::ModelProto {
    let mut bytes = Vec::new();
    model.write(&mut bytes).unwrap();
    tract_onnx::onnx().proto_model_for_read(&mut bytes.as_slice()).unwrap()
}

#[test]
fn another_reader_finds_every_field() {
    let weights = Array2::from_shape_fn((3, 2), |(row, column)| (10 * row + column) as f32);
    let mut graph = Graph::new("all of it");
    let x = graph.input("x", ElementType::I64, &["batch".into(), 3.into()]);
    let transposed = graph.weight("transposed", weights.t());
    let half = graph.weight("half", Tensor::F16(array![0x3c00u16, 0xc000].into_dyn().into()));
    let small = graph.weight("small", array![[-128i8, 127]]);
    let (bytes, one) = (graph.weight("bytes", array![255u8]), graph.constant(1i32));
    let axes = graph.integers(&[1, -1]);
    let attributes: [(&str, Attribute); 6] = [
        ("integer", (-1).into()),
        ("integers", [3, -4, i64::MAX].into()),
        ("float", 1e-12f32.into()),
        ("floats", (&[0.5f32, -0.5][..]).into()),
        ("text", "ü".into()),
        ("tensor", Tensor::from(array![7i64, 8]).into()),
    ];
    let inputs = [x, transposed, super::Value::NONE, half, small, bytes, one, axes];
    let [first, second] = graph.node_of("Whatever", &inputs, &attributes);
    let sum = graph.node("Add", &[first, second]);
    graph.output("y", sum, ElementType::F32, &["batch".into()]);

    let read = proto(&OnnxModel::new(graph).metadata("source", "a test"));
    assert_eq!((read.ir_version, read.opset_import[0].version), (8, OPSET));
    assert_eq!((&*read.metadata_props[0].key, &*read.metadata_props[0].value), ("source", "a test"));
    let graph = read.graph.unwrap();
    assert_eq!(graph.name, "all of it");
    let [node, add] = &*graph.node else { panic!("{} nodes", graph.node.len()) };
    assert_eq!(node.op_type, "Whatever");
    assert_eq!(node.input, ["x", "transposed", "", "half", "small", "bytes", "constant_4", "constant_5"]);
    assert_eq!(node.output, ["whatever_0_0", "whatever_0_1"]);
    assert_eq!((&add.input, &*add.output[0]), (&node.output, "y"));
    let [integer, integers, float, floats, text, tensor] = &*node.attribute else { panic!("attributes") };
    let kinds: Vec<i32> = node.attribute.iter().map(|attribute| attribute.r#type).collect();
    assert_eq!(kinds, [2, 7, 1, 6, 3, 4]);
    assert_eq!((integer.i, &integers.ints), (-1, &vec![3, -4, i64::MAX]));
    assert_eq!((float.f, &floats.floats, &*text.s), (1e-12, &vec![0.5, -0.5], "ü".as_bytes()));
    assert_eq!(tensor.t.as_ref().unwrap().raw_data, bytemuck::cast_slice::<i64, u8>(&[7, 8]));

    let weights: Vec<_> = graph.initializer.iter().map(|w| (&*w.name, &*w.dims, w.data_type, &*w.raw_data)).collect();
    let floats = [0.0f32, 10.0, 20.0, 1.0, 11.0, 21.0];
    assert_eq!(weights[0], ("transposed", &[2, 3][..], 1, bytemuck::cast_slice(&floats)));
    assert_eq!(weights[1], ("half", &[2][..], 10, &[0, 0x3c, 0, 0xc0][..]));
    assert_eq!(weights[2], ("small", &[1, 2][..], 3, &[0x80, 0x7f][..]));
    assert_eq!(weights[3], ("bytes", &[1][..], 2, &[255][..]));
    assert_eq!(weights[4], ("constant_4", &[][..], 6, &[1, 0, 0, 0][..]));
    assert_eq!(weights[5], ("constant_5", &[2][..], 7, bytemuck::cast_slice(&[1i64, -1])));

    let declared = |value: &pb::ValueInfoProto| {
        let Some(type_proto::Value::TensorType(tensor)) = value.r#type.clone().unwrap().value else { panic!("type") };
        let sizes = tensor.shape.unwrap().dim.into_iter().map(|size| size.value.unwrap());
        (tensor.elem_type, sizes.collect::<Vec<_>>())
    };
    let batch = Size::DimParam("batch".to_owned());
    assert_eq!(declared(&graph.input[0]), (7, vec![batch.clone(), Size::DimValue(3)]));
    assert_eq!(declared(&graph.output[0]), (1, vec![batch]));
}

/// y = softmax(x · weights + bias)
fn network<'w>(weights: &'w Array2<f32>, bias: &'w Array2<f32>) -> Graph<'w> {
    let mut graph = Graph::new("network");
    let x = graph.input("x", ElementType::F32, &["batch".into(), weights.nrows().into()]);
    let weights_value = graph.weight("weights", weights.view());
    let bias = graph.weight("bias", bias.view());
    let product = graph.node("MatMul", &[x, weights_value]);
    let sum = graph.node("Add", &[product, bias]);
    let y = graph.node_with("Softmax", &[sum], &[("axis", (-1).into())]);
    graph.output("y", y, ElementType::F32, &["batch".into(), weights.ncols().into()]);
    graph
}

#[test]
fn weights_beyond_the_limit_lie_in_a_second_file() {
    let weights = Array2::from_shape_fn((40, 30), |(row, column)| ((row * 7 + column * 3) % 11) as f32 / 11.0);
    let bias = Array2::from_shape_fn((1, 30), |(_, column)| column as f32 / 100.0);
    let x = Array2::from_shape_fn((5, 40), |(row, column)| ((row + column) % 5) as f32 - 2.0);
    let folder = tempfile::tempdir().unwrap();
    let (model, data) = (folder.path().join("model.onnx"), folder.path().join("model.onnx.data"));
    let computed = || {
        let onnx = tract_onnx::onnx();
        let plan = onnx.model_for_path(&model).unwrap().into_optimized().unwrap().into_runnable().unwrap();
        let input = tract_onnx::prelude::Tensor::from_shape(&[5, 40], x.as_slice().unwrap()).unwrap();
        plan.run(tvec!(input.into())).unwrap()[0].to_plain_array_view::<f32>().unwrap().to_owned()
    };
    OnnxModel::new(network(&weights, &bias)).save(&model).unwrap();
    assert!(!data.exists());
    let inside = computed();
    let logits = x.dot(&weights) + &bias;
    let expected = logits.mapv(f32::exp);
    for (row, expected) in expected.outer_iter().enumerate() {
        for (column, value) in (expected.to_owned() / expected.sum()).iter().enumerate() {
            assert!((inside[[row, column]] - value).abs() < 1e-6);
        }
    }

    OnnxModel::new(network(&weights, &bias)).largest_file(4000).save(&model).unwrap();
    assert!(fs::metadata(&model).unwrap().len() < 1000);
    // The bias is too small to leave the model.
    assert_eq!(fs::read(&data).unwrap(), bytemuck::cast_slice::<f32, u8>(weights.as_slice().unwrap()));
    assert_eq!(computed(), inside);
}

#[test]
fn weights_in_the_second_file_are_aligned() {
    let weights: Vec<Array2<f32>> = (1..4).map(|number| Array2::from_elem((300, number), number as f32)).collect();
    let mut graph = Graph::new("sum");
    let mut sum = graph.input("x", ElementType::F32, &[300.into(), "width".into()]);
    for (number, weight) in weights.iter().enumerate() {
        let weight = graph.weight(&format!("weight {number}"), weight.view());
        sum = graph.node("Add", &[sum, weight]);
    }
    graph.output("y", sum, ElementType::F32, &[300.into(), "width".into()]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    OnnxModel::new(graph).largest_file(0).save(&path).unwrap();
    let data = fs::read(folder.path().join("model.onnx.data")).unwrap();
    let read = tract_onnx::onnx().proto_model_for_path(&path).unwrap().graph.unwrap();
    for (weight, expected) in read.initializer.iter().zip(&weights) {
        assert_eq!(weight.data_location, Some(1));
        let entry = |key: &str| weight.external_data.iter().find(|entry| entry.key == key).unwrap().value.clone();
        assert_eq!(entry("location"), "model.onnx.data");
        let (offset, length): (usize, usize) = (entry("offset").parse().unwrap(), entry("length").parse().unwrap());
        assert!(offset.is_multiple_of(4096));
        assert_eq!(&data[offset..offset + length], bytemuck::cast_slice::<f32, u8>(expected.as_slice().unwrap()));
    }
}

#[test]
#[should_panic(expected = "two values of graph g have the name x")]
fn a_name_is_given_once() {
    let mut graph = Graph::new("g");
    graph.input("x", ElementType::F32, &[]);
    graph.weight("x", 1.0f32);
}
