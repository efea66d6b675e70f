"""The network's training step: ours, and PyTorch's on the processor with dense input and fused AdamW, from the same weights on the same
batches, one after the other; the ratio of their times, and how far their losses lie apart.

    cargo build --release -p skimlog-bench --bin step && pip install torch safetensors numpy
    python tools/bench/step.py --hidden 1500 --batch 256 --threads 2

Records are made up (about 35 tokens, 80 % of the counts zero) or, with --records, those of a working directory, for example
target/bench/recipes/200000-1/work of tools/bench/recipes.py. --control trains PyTorch's network a second time, on one thread, and says how far
its losses lie from those of the first time: a rectifier whose input rounding takes across zero changes a gradient, and AdamW's first
steps are as large for a gradient of nearly zero as for any other.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools/peers"))
from network import Network  # noqa: E402


def saved_batch(folder: Path, number: int, rows: int):
    """A batch that the `step` program saved: fixed numbers, ids, labels."""

    def read(name, dtype):
        return torch.from_numpy(np.fromfile(folder / f"{name}-{number}.{dtype}", dtype=f"<{dtype[0]}4").reshape(rows, -1))

    return read("dense", "f32"), read("ids", "u32").long(), read("labels", "f32")


def train(weights, batches, steps: int, hidden: int, threads: int):
    """Steps from these weights on the batches in turn: the losses, and the wall and processor seconds of each step."""
    torch.set_num_threads(threads)
    network = Network(len(weights["language.weight"]), hidden)
    absent = network.load_state_dict(weights, strict=False)
    assert not absent.unexpected_keys and all(key.endswith("num_batches_tracked") for key in absent.missing_keys), absent
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=0.01, fused=True)
    loss_of, losses, times = nn.BCEWithLogitsLoss(), [], []
    for *inputs, labels in islice(cycle(batches), steps):
        begin = time.perf_counter(), time.process_time()
        optimizer.zero_grad()
        loss = loss_of(network(*inputs), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        times.append((time.perf_counter() - begin[0], time.process_time() - begin[1]))
    return np.array(losses), np.array(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=50, help="steps measured, after two that are not")
    parser.add_argument("--batches", type=int, help="different batches, which take turns [default: a new one for every step]")
    parser.add_argument("--records", type=Path, help="working directory, taken up to `sketch`, whose records to learn from")
    parser.add_argument("--control", action="store_true", help="train PyTorch's network twice")
    parser.add_argument("--step", type=Path, default=ROOT / "target/release/step", help="our program")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = {option: getattr(arguments, option) for option in ("hidden", "batch", "threads", "steps", "batches", "records")}
        words = [str(word) for option, value in options.items() if value is not None for word in (f"--{option}", value)]
        ours = subprocess.run([arguments.step, *words, "--save", folder], capture_output=True, text=True)
        print(ours.stdout, end="")
        if ours.returncode != 0:
            sys.exit(ours.stderr)
        steps, different = arguments.steps + 2, len(list(folder.glob("ids-*")))
        batches = [saved_batch(folder, number, arguments.batch) for number in range(different)]
        losses = np.fromfile(folder / "losses.f32", dtype="<f4")
        weights = load_file(folder / "weights.safetensors")
    theirs, times = train(weights, batches, steps, arguments.hidden, arguments.threads)
    (elapsed, processor), fastest, rows = times[2:].mean(axis=0), times[2:, 0].min(), arguments.batch
    print(f"PyTorch {torch.__version__}, hidden {arguments.hidden}, batch {rows}, {arguments.threads} threads")
    print(
        f"training: {rows / elapsed:.0f} rows/s, {elapsed * 1e3:.1f} ms a step "
        f"(fastest {fastest * 1e3:.1f} ms, {rows / fastest:.0f} rows/s), loss {theirs[-1]:.4f}"
    )
    print(f"  processor time {processor * 1e3:.1f} ms a step ({rows / processor:.0f} rows/s of it)")
    milliseconds = float(ours.stdout.split(" rows/s, ")[1].split(" ms a step")[0])
    print(f"ours takes a step {elapsed * 1e3 / milliseconds:.2f} x as fast as PyTorch")

    def compare(what, losses):
        apart = losses - theirs
        print(f"losses of {len(theirs)} steps from the same weights, {what}: a step's at most {np.abs(apart).max():.1e} apart, "
              f"the mean's {abs(apart.mean()):.1e}, the first three's {np.abs(apart[:3]).max():.1e}")

    compare("ours and PyTorch's", losses)
    if arguments.control:
        compare("PyTorch's on one thread and on more", train(weights, batches, steps, arguments.hidden, 1)[0])


if __name__ == "__main__":
    main()
