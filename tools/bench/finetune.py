#!/usr/bin/env python3
"""A fine-tuning step of the full-size DistilBERT: ours and PyTorch's, in turns, with the same number of threads.

    cargo build --release -p skimlog-bench --bin finetune
    pip install torch transformers
    python tools/bench/finetune.py

PyTorch takes the step as `transformers` does: DistilBertForMaskedLM, logits of all tokens, gradient clipping, fused AdamW.
Prints seconds and seconds of processor time a step (the median), and what ours takes of PyTorch's.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import time


def pytorch(arguments):
    """In a process of its own: a line a step, as our benchmark prints it."""
    import torch
    from transformers import DistilBertConfig, DistilBertForMaskedLM

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    model = DistilBertForMaskedLM(DistilBertConfig(vocab_size=arguments.vocabulary)).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.01, fused=True)
    for step in range(arguments.steps + 1):
        ids = torch.randint(1000, arguments.vocabulary, (arguments.batch, arguments.length))
        hidden = torch.rand(ids.shape) < 0.15
        labels, ids = torch.where(hidden, ids, -100), torch.where(hidden, 103, ids)
        began, processor = time.perf_counter(), time.process_time()
        optimizer.zero_grad()
        loss = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step > 0:
            print(f"{time.perf_counter() - began:.3f} {time.process_time() - processor:.3f} {loss.item():.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=2, help="steps a turn, after one that is not measured")
    parser.add_argument("--rounds", type=int, default=2, help="turns")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--length", type=int, default=100)
    parser.add_argument("--vocabulary", type=int, default=119_547)
    parser.add_argument("--pytorch", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.pytorch:
        return pytorch(arguments)
    root = pathlib.Path(__file__).resolve().parents[2]
    names = ("threads", "steps", "batch", "length", "vocabulary")
    options = [text for name in names for text in (f"--{name}", str(getattr(arguments, name)))]
    commands = {
        "ours": [root / "target/release/finetune", *options],
        "PyTorch": [sys.executable, __file__, "--pytorch", *options],
    }
    figures = {name: [] for name in commands}
    for _ in range(arguments.rounds):
        for name, command in commands.items():
            lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
            for line in lines:
                seconds, processor, loss = map(float, line.split())
                print(f"{name:<8} {seconds:7.2f} s, processor {processor:7.2f} s, loss {loss:.4f}", flush=True)
                figures[name].append((seconds, processor))
    medians = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in figures.items()}
    ratio = [ours / theirs for ours, theirs in zip(medians["ours"], medians["PyTorch"])]
    print(f"a step of {arguments.batch} x {arguments.length} tokens, {arguments.threads} threads, medians")
    for name, (seconds, processor) in medians.items():
        print(f"{name:<8} {seconds:7.2f} s, processor {processor:7.2f} s")
    print(f"ours / PyTorch: {ratio[0]:.2f} of the time, {ratio[1]:.2f} of the processor time")


if __name__ == "__main__":
    main()
