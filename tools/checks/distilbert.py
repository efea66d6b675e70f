#!/usr/bin/env python3
"""Compares a full-size DistilBERT's hidden states: PyTorch, and model.onnx as skimmer writes it, in ONNX Runtime and tract.

    cargo build --release
    python3 -m venv target/venv && target/venv/bin/pip install torch transformers safetensors numpy onnx onnxruntime
    target/venv/bin/python tools/checks/distilbert.py

Makes a `DistilBertForMaskedLM` of random weights with `transformers` (6 layers of width 768, vocabulary 119,547) and
records in which no token occurs twice: then the mean vectors that `skimmer embed` gives are the hidden states
themselves, each token's at its place. `skimmer embed --checkpoint` makes model.onnx from the weights; onnx.checker looks
at it, and ONNX Runtime runs it from Python, too. All of it once with records of one length, and once with records of many
lengths in one batch, padded. Any difference above 1e-4 ends it with exit code 1.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import torch
import transformers

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOLERANCE = 1e-4
VOCABULARY = 119547
SETS = {"one length, no padding": [36] * 24, "many lengths, padded": [3, 120, 8, 77, 2, 36, 64, 21, 99, 5, 50, 48]}


def record(tokens, number):
    """A raw training record with these tokens."""
    ids = [f"{number:032X}", f"{number + 1000:032X}", f"{number + 2000:032X}"]
    fields = ["\t".join(map(str, tokens)), "", ids[0], "", "", "", "TopLevel", f"{7:032X}", "1612500000"]
    fields += [ids[1], "10", "20", "false", "1500000000", ids[2], "30", "40", "false", "1500000000", "true", *[""] * 4]
    return "\x01".join(fields) + "\n"


def with_skimmer(skimmer, work, records, engine):
    """The hidden state of every token, by token id."""
    parts = work / "parts"
    parts.mkdir(exist_ok=True)
    (parts / "part-00000").write_text("".join(record(tokens, number) for number, tokens in enumerate(records)))
    config = work / "config.yaml"
    config.write_text(
        f"working_dir: {work}/working_dir\nrecsys_data: {parts}\nvalidation_part: null\nthreads: 2\n"
        "distilbert:\n  batch_tokens: 4096\n"
    )
    subprocess.run([skimmer, "convert", "--quiet", "--config", config], check=True)
    command = [skimmer, "embed", "--json", "--quiet", "--config", config, "--engine", engine]
    environment = os.environ | {"VIRTUAL_ENV": sys.prefix}
    made = subprocess.run([*command, "--checkpoint", work / "model"], check=True, stdout=subprocess.PIPE, env=environment)
    [report] = json.loads(made.stdout)
    summary = report["summary"]
    tokens, counts, vectors = (
        np.load(work / "working_dir" / f"token_{name}.npy") for name in ("ids", "counts", "embeddings")
    )
    assert (counts == 1).all() and len(tokens) == sum(map(len, records))
    states = np.zeros((VOCABULARY, vectors.shape[1]), np.float32)
    states[tokens] = vectors
    return f"embed, {summary['engine']} {summary['version'] or ''}".strip(), states


def pad(records):
    ids = np.zeros((len(records), max(map(len, records))), np.int64)
    mask = np.zeros_like(ids)
    for row, tokens in enumerate(records):
        ids[row, : len(tokens)], mask[row, : len(tokens)] = tokens, 1
    return ids, mask


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skimmer", default=ROOT / "target/release/skimmer", type=pathlib.Path)
    parser.add_argument("--work", default=ROOT / "target/checks/distilbert", type=pathlib.Path)
    arguments = parser.parse_args()
    work = arguments.work
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    torch.set_num_threads(2)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()

    torch.manual_seed(4)
    config = transformers.DistilBertConfig(vocab_size=VOCABULARY)
    model = transformers.DistilBertForMaskedLM(config).eval()
    with torch.no_grad():
        # As trained ones are: biases that are not 0, layer norms that are not 1, attention that is not uniform.
        for name, weights in model.named_parameters():
            if weights.ndim == 1:
                weights.add_(0.1 * torch.randn_like(weights))
            elif "_lin.weight" in name or "ffn" in name:
                weights.mul_(2.0)
    model.save_pretrained(work / "model")

    print("largest difference of a hidden state from PyTorch's (fp32)")
    worst = 0.0
    for name, lengths in SETS.items():
        random = np.random.default_rng(len(name))
        tokens = random.permutation(np.arange(104, VOCABULARY))[: sum(lengths)]
        records = [part.tolist() for part in np.split(tokens, np.cumsum(lengths)[:-1])]
        ids, mask = pad(records)
        with torch.inference_mode():
            expected = model.distilbert(torch.from_numpy(ids), torch.from_numpy(mask)).last_hidden_state.numpy()
        real = mask == 1
        print(f"\n{name}: {len(records)} records; hidden states' standard deviation {expected[real].std():.2f}")

        def compare(what, found):
            nonlocal worst
            difference = np.abs(found[real] - expected[real]).max()
            worst = max(worst, difference)
            print(f"  {what:34}{difference:.1e}", flush=True)

        for engine in ("onnxruntime", "tract"):
            what, states = with_skimmer(arguments.skimmer, work, records, engine)
            compare(what, states[ids])
        path = str(work / "model/model.onnx")
        onnx.checker.check_model(path, full_check=True)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        inputs = {"input_ids": ids, "attention_mask": mask}
        compare(f"ONNX Runtime {onnxruntime.__version__} from Python", session.run(None, inputs)[0])

    written = onnx.load(work / "model/model.onnx", load_external_data=False)
    versions = [(opset.domain, opset.version) for opset in written.opset_import]
    print(f"\nmodel.onnx: onnx.checker finds nothing wrong; opset {versions}, {len(written.graph.node)} nodes")
    if not worst <= TOLERANCE:
        sys.exit(f"{worst:.1e} is more than {TOLERANCE}")


if __name__ == "__main__":
    main()
