#!/usr/bin/env python3
"""Sequences a second of `skimmer embed` beside PyTorch, on a full-size DistilBERT of random weights and synthetic records.

    cargo build --release
    python3 -m venv target/venv && target/venv/bin/pip install torch transformers safetensors numpy onnxruntime
    target/venv/bin/python tools/bench/embed.py

6 layers of width 768, vocabulary 119,547; both sides with the same number of threads, in one run, one after the other.

PyTorch computes the naive mean: every record, fp32, in batches of 32, padded to the longest of a batch, once in the
order of the records and once sorted by length. `embed` runs as a user would start it, loading the model included, with
each engine that is there. Its "sequences" went through the model (each tweet once), its "records" are all. Seconds of
the processor stand beside those of the clock, so that a busy machine shows. The vectors of both sides are compared.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import time

import numpy as np

WIDTHS = (11, 12, 11, 12)
ROOT = pathlib.Path(__file__).resolve().parents[2]


def make_model(folder):
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if not (folder / "model.safetensors").exists():
        torch.manual_seed(1)
        model = transformers.DistilBertForMaskedLM(transformers.DistilBertConfig(vocab_size=119547))
        model.save_pretrained(folder)
    return transformers.DistilBertModel.from_pretrained(folder).eval()


def make_parts(skimmer, work, rows, model):
    """Synthetic records as text and converted; gives the configuration and every record's tokens."""
    data, config = work / f"data-{rows}", work / f"config-{rows}.yaml"
    if not data.exists():
        subprocess.run([skimmer, "synth", "--quiet", "--out", data, "--parts", "1", "--rows", str(rows)], check=True)
    config.write_text(
        f"working_dir: {work}/working_dir-{rows}\nrecsys_data: {data}/train\nvalidation_part: null\n"
        f"distilbert:\n  model: {model}\n"
    )
    subprocess.run([skimmer, "convert", "--quiet", "--config", config], check=True)
    lines = (data / "train/part-00000").read_bytes().splitlines()
    return config, [[int(token) for token in line.split(b"\x01")[0].split(b"\t")] for line in lines]


class Clock:
    """Seconds of the clock and of the processor, of this process or of its children."""

    def __init__(self, who):
        self.who = who
        self.begun = self.now()

    def now(self):
        usage = resource.getrusage(self.who)
        return np.array([time.monotonic(), usage.ru_utime + usage.ru_stime])

    def seconds(self):
        return self.now() - self.begun


def naive(model, records, batch_size):
    """Sum of the hidden states of each token, and how often it occurred."""
    import torch

    sums = np.zeros((model.config.vocab_size, model.config.dim))
    counts = np.zeros(model.config.vocab_size, np.int64)
    with torch.inference_mode():
        for start in range(0, len(records), batch_size):
            batch = records[start : start + batch_size]
            ids = np.zeros((len(batch), max(map(len, batch))), np.int64)
            mask = np.zeros_like(ids)
            for row, tokens in enumerate(batch):
                ids[row, : len(tokens)], mask[row, : len(tokens)] = tokens, 1
            hidden = model(torch.from_numpy(ids), torch.from_numpy(mask)).last_hidden_state.numpy()
            for row, tokens in enumerate(batch):
                np.add.at(sums, tokens, hidden[row, : len(tokens)])
                np.add.at(counts, tokens, 1)
    return sums, counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skimmer", default=ROOT / "target/release/skimmer", type=pathlib.Path)
    parser.add_argument("--work", default=ROOT / "target/bench/embed", type=pathlib.Path)
    parser.add_argument("--rows", default=1000, type=int)
    parser.add_argument("--threads", default=2, type=int)
    parser.add_argument("--engines", default="onnxruntime,tract")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)

    import torch

    torch.set_num_threads(arguments.threads)
    model = make_model(arguments.work / "model")
    config, records = make_parts(arguments.skimmer, arguments.work, arguments.rows, arguments.work / "model")
    lengths = np.array([len(tokens) for tokens in records])
    different = len({tuple(tokens) for tokens in records})
    print(f"{len(records)} records, {different} different tweets, {lengths.mean():.1f} tokens in the mean, longest {lengths.max()}")

    print(f"\n{'':42}{'clock':>8}{'CPU':>8}{'sequences':>23}{'records':>23}")
    print(f"{'':42}{'s':>8}{'s':>8}{'/s':>11}{'/CPU s':>12}{'/s':>11}{'/CPU s':>12}")

    def show(name, sequences, seconds):
        rates = np.concatenate([sequences / seconds, len(records) / seconds])
        columns = (f"{rate:{width}.1f}" for rate, width in zip(rates, WIDTHS))
        print(f"{name:42}{seconds[0]:8.1f}{seconds[1]:8.1f}" + "".join(columns), flush=True)
        return rates

    # Both sides warm: PyTorch's memory, and model.onnx made from the weights.
    naive(model, records[:8], 8)
    if not (arguments.work / "model/model.onnx").exists():
        make = [arguments.skimmer, "embed", "--force", "--quiet", "--config", config, "--engine", "tract"]
        subprocess.run(make, check=True)
    rates = {}
    for name, ordered in [("record order", records), ("sorted by length", sorted(records, key=len))]:
        clock = Clock(resource.RUSAGE_SELF)
        sums, counts = naive(model, ordered, 32)
        rates[name] = show(f"PyTorch {torch.__version__}, {name}", len(records), clock.seconds())

    # PyTorch's Python, so that its onnxruntime package, if there is one, is found.
    environment = os.environ | {"VIRTUAL_ENV": sys.prefix}
    for engine in arguments.engines.split(","):
        command = [arguments.skimmer, "embed", "--force", "--json", "--quiet", "--config", config, "--engine", engine]
        clock = Clock(resource.RUSAGE_CHILDREN)
        made = subprocess.run([*command, "--threads", str(arguments.threads)], env=environment, stdout=subprocess.PIPE)
        seconds = clock.seconds()
        if made.returncode:
            continue
        [report] = json.loads(made.stdout)
        summary = report["summary"]
        ours = show(f"embed, {summary['engine']} {summary['version'] or ''}", summary["computed"], seconds)
        for name, theirs in rates.items():
            ratios = (f"{ratio:{width - 1}.2f}×" for ratio, width in zip(ours / theirs, WIDTHS))
            print(f"    against PyTorch, {name:37}" + "".join(ratios))
        vectors = np.load(arguments.work / f"working_dir-{arguments.rows}/token_embeddings.npy")
        tokens = np.load(arguments.work / f"working_dir-{arguments.rows}/token_ids.npy")
        assert np.array_equal(tokens, np.flatnonzero(counts))
        difference = np.abs(vectors - sums[tokens] / counts[tokens, None]).max()
        print(f"    largest difference from PyTorch's mean vectors {difference:.1e}; peak memory {report['peak_memory'] / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
