//! The network as an ONNX model, for ONNX Runtime, Triton and other programs.

use std::path::Path;

use ndarray::{Array1, Array2};

use skimlog_features::input::Layout;
use skimlog_formats::Reaction;
use skimlog_network::{EPSILON, LEAK, Network};
use skimlog_runtime::files::FileError;
use skimlog_text::onnx::{Dimension, ElementType, Graph, OnnxModel, Value};

/// Writes the network in evaluation mode as an ONNX model.
///
/// Inputs: `numbers`, f32 `[batch, sparse + 1180]`: the tweet sketch (nothing where the metadata `sketch_depth` and
/// `sketch_width` are 0), the 73 logarithms where the metadata `logarithms` is true, then Fourier terms and flags;
/// `language`, `hour` and `day`, int64 `[batch]`. Outputs: `logits` and `probabilities`, f32 `[batch, 4]`, in the order
/// of [`Reaction::NETWORK_ORDER`], which the metadata name too.
///
/// # Errors
/// [`FileError`] if the file cannot be written.
pub(crate) fn save_onnx(network: &Network, path: &Path) -> Result<(), FileError> {
    let layout = network.shape().layout;
    let batch = || Dimension::from("batch");
    let mut graph = Graph::new("skimmer");
    let numbers = layout.dense_range().end.into();
    let mut parts = vec![graph.input("numbers", ElementType::F32, &[batch(), numbers])];
    let ids = ["language", "hour", "day"].map(|name| (name, graph.input(name, ElementType::I64, &[batch()])));
    let mut exported = Exported { network, graph };
    for (name, ids) in ids {
        let table = exported.matrix(&format!("{name}.weight"));
        parts.push(exported.graph.node("Gather", &[table, ids]));
    }
    let x = exported.graph.node_with("Concat", &parts, &[("axis", 1.into())]);
    let projection = exported.linear("projection", x);
    let l1 = exported.linear("l1", x);
    let h1 = exported.activate("bn1", l1, None);
    let l2 = exported.linear("l2", h1);
    let h2 = exported.activate("bn2", l2, Some(projection));
    let l3 = exported.linear("l3", h2);
    let h3 = exported.activate("bn3", l3, Some(projection));
    let l4 = exported.linear("l4", h3);
    let h4 = exported.activate("bn4", l4, Some(h1));
    let logits = exported.linear("l_output", h4);
    let mut graph = exported.graph;
    let probabilities = graph.node("Sigmoid", &[logits]);
    for (name, value) in [("logits", logits), ("probabilities", probabilities)] {
        graph.output(name, value, ElementType::F32, &[batch(), 4.into()]);
    }
    let outputs = Reaction::NETWORK_ORDER.map(Reaction::name).join(",");
    let Layout { sketch_depth, sketch_width, logarithms, .. } = layout;
    let model = OnnxModel::new(graph)
        .metadata("outputs", &outputs)
        .metadata("sketch_depth", &sketch_depth.to_string())
        .metadata("sketch_width", &sketch_width.to_string())
        .metadata("logarithms", &logarithms.to_string());
    model.save(path)
}

/// A graph under construction that owns copies of the network's tensors.
struct Exported<'n> {
    network: &'n Network,
    graph: Graph<'static>,
}

impl Exported<'_> {
    fn matrix(&mut self, name: &str) -> Value {
        let tensor = self.network.tensor(name).expect("every network has this tensor");
        let values = Array2::from_shape_vec([tensor.shape[0], tensor.shape[1]], tensor.values);
        self.graph.weight(name, values.expect("a tensor has the values that its shape asks for"))
    }

    fn vector(&mut self, name: &str) -> Value {
        let tensor = self.network.tensor(name).expect("every network has this tensor");
        self.graph.weight(name, Array1::from_vec(tensor.values))
    }

    fn linear(&mut self, name: &str, x: Value) -> Value {
        let (weight, bias) = (self.matrix(&format!("{name}.weight")), self.vector(&format!("{name}.bias")));
        self.graph.node_with("Gemm", &[x, weight, bias], &[("transB", 1.into())])
    }

    /// `norm(leaky(z + skip))`
    fn activate(&mut self, norm: &str, z: Value, skip: Option<Value>) -> Value {
        let z = skip.map_or(z, |skip| self.graph.node("Add", &[z, skip]));
        let leaky = self.graph.node_with("LeakyRelu", &[z], &[("alpha", LEAK.into())]);
        let [scale, shift, mean, variance] =
            ["weight", "bias", "running_mean", "running_var"].map(|part| self.vector(&format!("{norm}.{part}")));
        let inputs = [leaky, scale, shift, mean, variance];
        self.graph.node_with("BatchNormalization", &inputs, &[("epsilon", EPSILON.into())])
    }
}

#[cfg(test)]
mod tests {
    use skimlog_network::arbitrary;
    use skimlog_network::{Inference, Shape};
    use tract_onnx::prelude::{Framework, InferenceModelExt, IntoRunnable, Tensor, tvec};

    use super::*;

    #[test]
    fn another_engine_computes_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        for (seed, sketch_depth, sketch_width, languages, hidden) in
            [(1, 3, 17, 4, 45), (2, 1, 8, 0, 1), (3, 5, 60, 9, 64), (4, 0, 0, 4, 9), (5, 0, 0, 3, 9)]
        {
            let layout = Layout { sketch_depth, sketch_width, logarithms: languages == 4, languages };
            let network = arbitrary::network(Shape { layout, hidden }, seed);
            let batch = arbitrary::batch(layout, 11, seed);
            let mut numbers = Vec::new();
            batch.write_matrix(layout, &mut numbers);
            save_onnx(&network, &path).unwrap();
            let model = tract_onnx::onnx().model_for_path(&path).unwrap();
            let plan = model.into_optimized().unwrap().into_runnable().unwrap();
            let ids = |ids: Vec<i64>| Tensor::from_shape(&[ids.len()], &ids).unwrap().into();
            let outputs = plan.run(tvec!(
                Tensor::from_shape(&[11, layout.dense_range().end], &numbers).unwrap().into(),
                ids(batch.language.iter().map(|&id| id.into()).collect()),
                ids(batch.hour.iter().map(|&id| id.into()).collect()),
                ids(batch.day.iter().map(|&id| id.into()).collect()),
            ));
            let outputs = outputs.unwrap();
            let [logits, probabilities] = [0, 1].map(|output| outputs[output].to_plain_array_view::<f32>().unwrap());
            let mut expected = Vec::new();
            Inference::new(&network).logits(&batch, &mut expected).unwrap();
            assert_eq!((logits.shape(), probabilities.shape()), (&[11, 4][..], &[11, 4][..]));
            for (row, expected) in expected.into_iter().enumerate() {
                for (column, expected) in expected.in_order(Reaction::NETWORK_ORDER).into_iter().enumerate() {
                    assert!((logits[[row, column]] - expected).abs() < 1e-4, "{} {expected}", logits[[row, column]]);
                    let probability = 1.0 / (1.0 + (-expected).exp());
                    assert!((probabilities[[row, column]] - probability).abs() < 1e-4);
                }
            }
        }
    }
}
