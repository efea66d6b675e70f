#!/usr/bin/env python3
"""Makes the tiny DistilBERT of fixtures/tiny-distilbert: seeded random weights, no training.

    pip install numpy onnx safetensors onnxruntime torch transformers
    python3 tools/tiny_distilbert.py [OUT]

Writes, in the layout of a Hugging Face `DistilBertForMaskedLM` directory,

    config.json, model.safetensors   2 layers, width 64, 4 heads, feed-forward 128, vocabulary 2,000
    model.onnx                       input_ids, attention_mask (int64, [batch, length]) -> last_hidden_state (f32)
    expected_input_ids.npy, expected_attention_mask.npy   a padded batch of 4 sequences
    expected_hidden_states.npy       its hidden states, computed here in numpy (f64), not by an ONNX engine
    expected_masked_lm.json          tokens to be guessed in it, and, computed by transformers in f64, their loss and the
                                     length of every tensor's gradient

and checks model.onnx with onnx.checker and, if it is installed, with ONNX Runtime.
"""

import json
import math
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

LAYERS, WIDTH, HEADS, FEED_FORWARD, VOCABULARY, POSITIONS = 2, 64, 4, 128, 2000, 512
EPSILON = 1e-12
MASKED = np.float32(np.finfo(np.float32).min)
OPSET = 14

CONFIG = {
    "activation": "gelu",
    "architectures": ["DistilBertForMaskedLM"],
    "attention_dropout": 0.1,
    "dim": WIDTH,
    "dropout": 0.1,
    "hidden_dim": FEED_FORWARD,
    "initializer_range": 0.02,
    "max_position_embeddings": POSITIONS,
    "model_type": "distilbert",
    "n_heads": HEADS,
    "n_layers": LAYERS,
    "output_past": True,
    "pad_token_id": 0,
    "sinusoidal_pos_embds": False,
    "tie_weights_": True,
    "vocab_size": VOCABULARY,
}


def make_weights():
    """Weights under their Hugging Face names: normal with std 0.02, layer norms 1 and 0, small random biases."""
    random = np.random.default_rng(20210204)

    def normal(*shape):
        return (0.02 * random.standard_normal(shape)).astype(np.float32)

    weights = {}

    def linear(name, out, inputs):
        # Wider than the customary 0.02 so that context shows in the hidden states of an untrained model.
        scale = 1.0 / math.sqrt(inputs)
        weights[f"{name}.weight"] = (scale * random.standard_normal((out, inputs))).astype(np.float32)
        weights[f"{name}.bias"] = normal(out)

    def layer_norm(name):
        weights[f"{name}.weight"] = (1.0 + normal(WIDTH)).astype(np.float32)
        weights[f"{name}.bias"] = normal(WIDTH)

    weights["distilbert.embeddings.word_embeddings.weight"] = normal(VOCABULARY, WIDTH)
    weights["distilbert.embeddings.word_embeddings.weight"][0] = 0.0
    weights["distilbert.embeddings.position_embeddings.weight"] = normal(POSITIONS, WIDTH)
    layer_norm("distilbert.embeddings.LayerNorm")
    for layer in range(LAYERS):
        prefix = f"distilbert.transformer.layer.{layer}"
        for part in ("q_lin", "k_lin", "v_lin", "out_lin"):
            linear(f"{prefix}.attention.{part}", WIDTH, WIDTH)
        layer_norm(f"{prefix}.sa_layer_norm")
        linear(f"{prefix}.ffn.lin1", FEED_FORWARD, WIDTH)
        linear(f"{prefix}.ffn.lin2", WIDTH, FEED_FORWARD)
        layer_norm(f"{prefix}.output_layer_norm")
    linear("vocab_transform", WIDTH, WIDTH)
    layer_norm("vocab_layer_norm")
    # The output layer is tied to the word embeddings: it has a bias of its own only.
    weights["vocab_projector.bias"] = normal(VOCABULARY)
    return weights


def forward(weights, ids, mask):
    """Last hidden state [batch, length, WIDTH] in f64, from the definition."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    erf = np.vectorize(math.erf)

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        variance = (centred**2).mean(-1, keepdims=True)
        return centred / np.sqrt(variance + EPSILON) * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    batch, length = ids.shape
    embeddings = "distilbert.embeddings"
    x = w[f"{embeddings}.word_embeddings.weight"][ids] + w[f"{embeddings}.position_embeddings.weight"][:length]
    x = norm(x, f"{embeddings}.LayerNorm")
    for layer in range(LAYERS):
        prefix = f"distilbert.transformer.layer.{layer}"

        def heads(part):
            y = linear(x, f"{prefix}.attention.{part}")
            return y.reshape(batch, length, HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3)

        scores = heads("q_lin") @ heads("k_lin").transpose(0, 1, 3, 2) / math.sqrt(WIDTH // HEADS)
        scores = np.where(mask[:, None, None, :] == 0, -np.inf, scores)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        attention = scores / scores.sum(-1, keepdims=True)
        context = (attention @ heads("v_lin")).transpose(0, 2, 1, 3).reshape(batch, length, WIDTH)
        x = norm(linear(context, f"{prefix}.attention.out_lin") + x, f"{prefix}.sa_layer_norm")
        y = linear(x, f"{prefix}.ffn.lin1")
        y = y * 0.5 * (1.0 + erf(y / math.sqrt(2.0)))
        x = norm(linear(y, f"{prefix}.ffn.lin2") + x, f"{prefix}.output_layer_norm")
    return x


class Graph:
    """An ONNX graph under construction: every method adds nodes and gives the name of their result."""

    def __init__(self):
        self.nodes, self.initializers, self.known = [], [], {}

    def constant(self, value):
        value = np.asarray(value)
        key = (value.dtype.str, value.shape, value.tobytes())
        if key not in self.known:
            self.known[key] = self.weight(f"constant_{len(self.known)}", value)
        return self.known[key]

    def weight(self, name, value):
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, op, *inputs, result=None, **attributes):
        result = result or f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [result], name=result, **attributes))
        return result


def make_onnx(weights):
    graph = Graph()
    int64 = lambda *values: graph.constant(np.array(values, np.int64))
    float32 = lambda value: graph.constant(np.float32(value))

    def norm(x, name, result=None):
        # Spelt out: the LayerNormalization operator exists only from opset 17 on.
        centred = graph.add("Sub", x, graph.add("ReduceMean", x, axes=[-1], keepdims=1))
        variance = graph.add("ReduceMean", graph.add("Mul", centred, centred), axes=[-1], keepdims=1)
        deviation = graph.add("Sqrt", graph.add("Add", variance, float32(EPSILON)))
        scaled = graph.add("Mul", graph.add("Div", centred, deviation), graph.weight(f"{name}.weight", weights[f"{name}.weight"]))
        return graph.add("Add", scaled, graph.weight(f"{name}.bias", weights[f"{name}.bias"]), result=result)

    def linear(x, name):
        product = graph.add("MatMul", x, graph.weight(f"{name}.weight_transposed", weights[f"{name}.weight"].T))
        return graph.add("Add", product, graph.weight(f"{name}.bias", weights[f"{name}.bias"]))

    embeddings = "distilbert.embeddings"
    word = graph.weight(f"{embeddings}.word_embeddings.weight", weights[f"{embeddings}.word_embeddings.weight"])
    position = graph.weight(f"{embeddings}.position_embeddings.weight", weights[f"{embeddings}.position_embeddings.weight"])
    shape = graph.add("Shape", "input_ids")
    batch = graph.add("Slice", shape, int64(0), int64(1))
    length = graph.add("Slice", shape, int64(1), int64(2))
    # Slice, not Gather(table, Range): ONNX Runtime 1.32 turns the latter into an invalid Slice.
    positions = graph.add("Slice", position, int64(0), length, int64(0))
    x = graph.add("Add", graph.add("Gather", word, "input_ids"), positions)
    x = norm(x, f"{embeddings}.LayerNorm")

    mask = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    mask = graph.add("Unsqueeze", mask, int64(1, 2))
    mask = graph.add("Mul", graph.add("Sub", float32(1.0), mask), float32(MASKED))
    split = graph.add("Concat", batch, length, int64(HEADS), int64(WIDTH // HEADS), axis=0)
    joined = graph.add("Concat", batch, length, int64(WIDTH), axis=0)
    for layer in range(LAYERS):
        prefix = f"distilbert.transformer.layer.{layer}"

        def heads(part, permutation):
            y = graph.add("Reshape", linear(x, f"{prefix}.attention.{part}"), split)
            return graph.add("Transpose", y, perm=permutation)

        query = graph.add("Mul", heads("q_lin", [0, 2, 1, 3]), float32(1.0 / math.sqrt(WIDTH // HEADS)))
        scores = graph.add("MatMul", query, heads("k_lin", [0, 2, 3, 1]))
        attention = graph.add("Softmax", graph.add("Add", scores, mask), axis=-1)
        context = graph.add("MatMul", attention, heads("v_lin", [0, 2, 1, 3]))
        context = graph.add("Reshape", graph.add("Transpose", context, perm=[0, 2, 1, 3]), joined)
        x = norm(graph.add("Add", linear(context, f"{prefix}.attention.out_lin"), x), f"{prefix}.sa_layer_norm")
        y = linear(x, f"{prefix}.ffn.lin1")
        bell = graph.add("Add", graph.add("Erf", graph.add("Mul", y, float32(math.sqrt(0.5)))), float32(1.0))
        y = graph.add("Mul", graph.add("Mul", y, float32(0.5)), bell)
        last = "last_hidden_state" if layer == LAYERS - 1 else None
        x = norm(graph.add("Add", linear(y, f"{prefix}.ffn.lin2"), x), f"{prefix}.output_layer_norm", result=last)

    ids = lambda name: helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
    hidden = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "length", WIDTH])
    made = helper.make_graph(
        graph.nodes, "tiny-distilbert", [ids("input_ids"), ids("attention_mask")], [hidden], graph.initializers
    )
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(made, producer_name="skimmer tools/tiny_distilbert.py", opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def masked_language_model(out, weights, ids, mask):
    """Stores the loss and its gradients as transformers computes them from the files written."""
    import torch
    from transformers import DistilBertForMaskedLM

    labels = np.full_like(ids, -100)
    for row, column in [(0, 2), (0, 5), (1, 1), (2, 1), (3, 4), (3, 1)]:
        labels[row, column] = (ids[row, column] * 7 + 300) % VOCABULARY
        assert mask[row, column] == 1
    model = DistilBertForMaskedLM.from_pretrained(out, dtype=torch.float64).eval()
    loss = model(input_ids=torch.tensor(ids), attention_mask=torch.tensor(mask), labels=torch.tensor(labels)).loss
    loss.backward()
    norms = {name: parameter.grad.norm().item() for name, parameter in model.named_parameters()}
    assert norms.keys() == weights.keys(), norms.keys() ^ weights.keys()
    expected = {"labels": labels.tolist(), "loss": loss.item(), "gradient_norms": norms}
    (out / "expected_masked_lm.json").write_text(json.dumps(expected, indent=1) + "\n")
    print(f"masked-language-model loss {loss.item():.6f}")


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "fixtures" / "tiny-distilbert"
    out.mkdir(parents=True, exist_ok=True)
    weights = make_weights()
    (out / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    (out / "model.safetensors").chmod(0o644)
    onnx.save(make_onnx(weights), out / "model.onnx")

    random = np.random.default_rng(7)
    ids = np.zeros((4, 24), np.int64)
    for row, length in zip(ids, (24, 17, 3, 9)):
        row[:length] = random.integers(104, VOCABULARY, length)
        row[0], row[length - 1] = 101, 102
    ids[3, 1:8] = ids[0, 1:8]
    mask = (ids != 0).astype(np.int64)
    hidden = forward(weights, ids, mask)
    np.save(out / "expected_input_ids.npy", ids)
    np.save(out / "expected_attention_mask.npy", mask)
    np.save(out / "expected_hidden_states.npy", hidden.astype(np.float32))

    masked_language_model(out, weights, ids, mask)

    try:
        import onnxruntime
    except ImportError:
        print("onnxruntime is not installed: model.onnx was checked, not run")
        return
    session = onnxruntime.InferenceSession(str(out / "model.onnx"), providers=["CPUExecutionProvider"])
    (computed,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
    error = np.abs(computed - hidden)[mask == 1].max()
    print(f"ONNX Runtime {onnxruntime.__version__} agrees with numpy to {error:.1e}")
    context = np.abs(hidden[0, 1:8] - hidden[3, 1:8]).mean() / np.abs(hidden[0, 1:8] - hidden[0, 2:9]).mean()
    print(f"context moves a token's hidden state by {context:.2f} of what another token does")
    if error > 1e-4:
        sys.exit("model.onnx does not compute what it should")


if __name__ == "__main__":
    main()
