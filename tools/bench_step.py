"""The network's training step with PyTorch on the processor, dense input, fused AdamW: the peer of the `step` benchmark.

    pip install torch
    python tools/bench_step.py --hidden 1500 --batch 256 --threads 2
"""

import argparse
import time

import torch
from torch import nn
from torch.nn.functional import leaky_relu

LANGUAGES, HOURS, DAYS, EMBEDDING = 66, 24, 31, 20
SKETCH_DEPTH, SKETCH_WIDTH = 20, 256
NUMBERS, COUNTS, FLAGS = 73, 65, 12
DENSE = SKETCH_DEPTH * SKETCH_WIDTH + NUMBERS * 16 + FLAGS


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


def synthetic(rows: int, random: torch.Generator):
    """A batch of the same make as the `step` benchmark's: about 35 tokens, 80 % of the counts zero."""
    sketch = torch.zeros(rows, SKETCH_DEPTH, SKETCH_WIDTH)
    for row in range(rows):
        tokens = int(torch.randint(10, 60, (1,), generator=random))
        codes = torch.randint(SKETCH_WIDTH, (SKETCH_DEPTH, tokens), generator=random)
        sketch[row].scatter_add_(1, codes, torch.ones(SKETCH_DEPTH, tokens))
    sketch /= sketch.norm(dim=2, keepdim=True)
    numbers = torch.randint(1, 51, (rows, NUMBERS), generator=random).double()
    numbers[:, :COUNTS] *= torch.rand(rows, COUNTS, generator=random) < 0.2
    numbers[:, COUNTS:] = torch.randint(1000, (rows, NUMBERS - COUNTS), generator=random).double()
    angles = numbers[:, :, None] / 2.0 ** torch.arange(-1, 7).double()
    fourier = torch.cat([angles.sin(), angles.cos()], dim=2).float()
    flags = torch.randint(2, (rows, FLAGS), generator=random).float()
    dense = torch.cat([sketch.flatten(1), fourier.flatten(1), flags], dim=1)
    ids = [torch.randint(count, (rows,), generator=random) for count in (LANGUAGES, HOURS, 28)]
    labels = (torch.rand(rows, 4, generator=random) < 0.15).float()
    return dense, *ids, labels


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    random = torch.Generator().manual_seed(1)
    batches = [synthetic(arguments.batch, random) for _ in range(8)]
    network = Network(arguments.hidden).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=0.01, fused=True)
    loss_of = nn.BCEWithLogitsLoss()

    def step(number: int) -> float:
        *inputs, labels = batches[number % len(batches)]
        optimizer.zero_grad()
        loss = loss_of(network(*inputs), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    for number in range(2):
        step(number)
    fastest, start, processor_start = float("inf"), time.perf_counter(), time.process_time()
    for number in range(arguments.steps):
        begin = time.perf_counter()
        loss = step(number)
        fastest = min(fastest, time.perf_counter() - begin)
    elapsed = (time.perf_counter() - start) / arguments.steps
    processor = (time.process_time() - processor_start) / arguments.steps
    print(f"PyTorch {torch.__version__}, hidden {arguments.hidden}, batch {arguments.batch}, {arguments.threads} threads")
    print(
        f"training: {arguments.batch / elapsed:.0f} rows/s, {elapsed * 1e3:.1f} ms a step "
        f"(fastest {fastest * 1e3:.1f} ms, {arguments.batch / fastest:.0f} rows/s), loss {loss:.4f}"
    )
    print(f"  processor time {processor * 1e3:.1f} ms a step ({arguments.batch / processor:.0f} rows/s of it)")


if __name__ == "__main__":
    main()
