#!/usr/bin/env python3
"""Compares our masked-language-model loss with that of transformers, on models stored by either.

    cargo build --release -p skimlog-bench --bin masked_lm
    pip install torch transformers safetensors
    python tools/checks/finetune.py [--checkpoint DIR] [--small]

Makes a DistilBertForMaskedLM of random weights (6 layers, width 768, vocabulary 119,547; --small: 2, 64 and 2,000) with
transformers, or takes a checkpoint of `skimmer finetune`; has ours compute the loss of a batch with padding, take two steps,
store the model and compute the loss again; and computes both losses with transformers.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
from transformers import DistilBertConfig, DistilBertForMaskedLM


def loss(folder, batch):
    model = DistilBertForMaskedLM.from_pretrained(folder).eval()
    ids, mask, labels = (torch.tensor(part) for part in batch)
    with torch.no_grad():
        return model(input_ids=ids, attention_mask=mask, labels=labels).loss.item()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=pathlib.Path)
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parents[2]
    torch.manual_seed(7)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        model = arguments.checkpoint or scratch / "model"
        if arguments.checkpoint is None:
            small = dict(dim=64, hidden_dim=128, n_layers=2, n_heads=4, vocab_size=2000) if arguments.small else {}
            config = DistilBertConfig(**{"vocab_size": 119_547, **small})
            DistilBertForMaskedLM(config).save_pretrained(model)
        config = json.loads((model / "config.json").read_text())
        longest = min(100, config["max_position_embeddings"])
        lengths = [longest, longest // 2, 5, longest - 1]
        ids = torch.zeros(len(lengths), longest, dtype=torch.long)
        for row, length in zip(ids, lengths):
            row[:length] = torch.randint(104, config["vocab_size"], (length,))
        mask = (ids != 0).long()
        labels = torch.where((torch.rand(ids.shape) < 0.15) & (mask == 1), ids, -100)
        ids = torch.where(labels >= 0, 103, ids)
        batch = [part.tolist() for part in (ids, mask, labels)]
        (scratch / "batch.json").write_text(json.dumps(batch))
        command = [root / "target/release/masked_lm", model, scratch / "batch.json", scratch / "stepped"]
        ours = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        worst = 0
        for name, folder, value in (("as made", model, ours[0]), ("after two steps of ours", scratch / "stepped", ours[1])):
            theirs = loss(folder, batch)
            worst = max(worst, abs(float(value) - theirs))
            print(f"{name}: our loss {float(value):.6f}, that of transformers {theirs:.6f}")
        print(f"largest difference {worst:.1e}")
        if worst > 1e-4:
            sys.exit("the losses differ")


if __name__ == "__main__":
    main()
