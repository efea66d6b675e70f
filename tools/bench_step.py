"""The network's training step: ours, and PyTorch's on the processor with dense input and fused AdamW, from the same weights on the same
batches, one after the other; the ratio of their times, and how far their losses lie apart.

    cargo build --release -p skimmer-bench --bin step && pip install torch safetensors numpy
    python tools/bench_step.py --hidden 1500 --batch 256 --threads 2

Records are those of tools/bench/src/bin/step.rs: about 35 tokens, 80 % of the counts zero.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import leaky_relu

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES, HOURS, DAYS, EMBEDDING = 66, 24, 31, 20
SKETCH, NUMBERS, FLAGS = 20 * 256, 73, 12
DENSE = SKETCH + NUMBERS * 16 + FLAGS


class Network(nn.Module):
    def __init__(self, hidden: int):
        super().__init__()
        width = DENSE + 3 * EMBEDDING
        self.language = nn.Embedding(LANGUAGES, EMBEDDING)
        self.hour = nn.Embedding(HOURS, EMBEDDING)
        self.day = nn.Embedding(DAYS, EMBEDDING)
        self.l1 = nn.Linear(width, hidden)
        self.projection = nn.Linear(width, hidden)
        self.l2, self.l3, self.l4 = (nn.Linear(hidden, hidden) for _ in range(3))
        self.l_output = nn.Linear(hidden, 4)
        self.bn1, self.bn2, self.bn3, self.bn4 = (nn.BatchNorm1d(hidden) for _ in range(4))

    def forward(self, dense, language, hour, day):
        x = torch.cat([dense, self.language(language), self.hour(hour), self.day(day)], dim=1)
        p = self.projection(x)
        h1 = self.bn1(leaky_relu(self.l1(x)))
        h2 = self.bn2(leaky_relu(self.l2(h1) + p))
        h3 = self.bn3(leaky_relu(self.l3(h2) + p))
        return self.l_output(self.bn4(leaky_relu(self.l4(h3) + h1)))


def saved_batch(folder: Path, number: int, rows: int):
    """A batch that the `step` program saved: dense input, language, hour, day, labels."""

    def read(name, dtype):
        return torch.from_numpy(np.fromfile(folder / f"{name}-{number}.{dtype}", dtype=f"<{dtype[0]}4").reshape(rows, -1))

    return read("dense", "f32"), *read("ids", "u32").long().unbind(dim=1), read("labels", "f32")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=50, help="steps measured, after two that are not")
    parser.add_argument("--step", type=Path, default=ROOT / "target/release/step", help="our program")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = {"hidden": arguments.hidden, "batch": arguments.batch, "threads": arguments.threads, "steps": arguments.steps}
        words = [str(word) for option, value in options.items() for word in (f"--{option}", value)]
        ours = subprocess.run([arguments.step, *words, "--save", folder], capture_output=True, text=True)
        print(ours.stdout, end="")
        if ours.returncode != 0:
            sys.exit(ours.stderr)
        batches = [saved_batch(folder, number, arguments.batch) for number in range(8)]
        losses = np.fromfile(folder / "losses.f32", dtype="<f4")
        weights = load_file(folder / "weights.safetensors")
    network = Network(arguments.hidden)
    absent = network.load_state_dict(weights, strict=False)
    assert not absent.unexpected_keys and all(key.endswith("num_batches_tracked") for key in absent.missing_keys), absent
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=0.01, fused=True)
    loss_of = nn.BCEWithLogitsLoss()

    def step(number: int) -> float:
        *inputs, labels = batches[number % len(batches)]
        optimizer.zero_grad()
        loss = loss_of(network(*inputs), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    theirs = [step(number) for number in range(2)]
    fastest, start, processor_start = float("inf"), time.perf_counter(), time.process_time()
    for number in range(arguments.steps):
        begin = time.perf_counter()
        theirs.append(step(number))
        fastest = min(fastest, time.perf_counter() - begin)
    elapsed = (time.perf_counter() - start) / arguments.steps
    processor = (time.process_time() - processor_start) / arguments.steps
    print(f"PyTorch {torch.__version__}, hidden {arguments.hidden}, batch {arguments.batch}, {arguments.threads} threads")
    print(
        f"training: {arguments.batch / elapsed:.0f} rows/s, {elapsed * 1e3:.1f} ms a step "
        f"(fastest {fastest * 1e3:.1f} ms, {arguments.batch / fastest:.0f} rows/s), loss {theirs[-1]:.4f}"
    )
    print(f"  processor time {processor * 1e3:.1f} ms a step ({arguments.batch / processor:.0f} rows/s of it)")
    milliseconds = float(ours.stdout.split(" rows/s, ")[1].split(" ms a step")[0])
    print(f"ours takes a step {elapsed * 1e3 / milliseconds:.2f} x as fast as PyTorch")
    apart = np.abs(losses - np.array(theirs))
    print(f"losses of {len(theirs)} steps from the same weights lie at most {apart.max():.2e} apart (after 5: {apart[:5].max():.2e})")


if __name__ == "__main__":
    main()
