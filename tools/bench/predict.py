"""The network's inference with PyTorch on the processor, dense ready-made inputs: the peer of the `network` benchmark.

    pip install torch
    python tools/bench/predict.py --hidden 1500 --threads 1
"""

import argparse
import copy
import sys
import time
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).resolve().parents[1] / "peers"))
from network import DEPTH, FLAGS, HOURS, NUMBERS, WIDTH, Network  # noqa: E402

COUNTS, LANGUAGES = 65, 66


def made_up(rows, random):
    """Fixed numbers and ids of the same make as those of the `network` benchmark: about 35 tokens, 80 % of the counts zero."""
    sketch = torch.zeros(rows, DEPTH, WIDTH)
    for row in range(rows):
        tokens = int(torch.randint(10, 60, (1,), generator=random))
        codes = torch.randint(WIDTH, (DEPTH, tokens), generator=random)
        sketch[row].scatter_add_(1, codes, torch.ones(DEPTH, tokens))
    sketch /= sketch.norm(dim=2, keepdim=True)
    numbers = torch.randint(1, 51, (rows, NUMBERS), generator=random).double()
    numbers[:, :COUNTS] *= torch.rand(rows, COUNTS, generator=random) < 0.2
    numbers[:, COUNTS:] = torch.randint(1000, (rows, NUMBERS - COUNTS), generator=random).double()
    angles = numbers[:, :, None] / 2.0 ** torch.arange(-1, 7).double()
    fourier = torch.cat([angles.sin(), angles.cos()], dim=2).float()
    flags = torch.randint(2, (rows, FLAGS), generator=random).float()
    ids = [torch.randint(count, (rows,), generator=random) for count in (LANGUAGES, HOURS, 28)]
    return torch.cat([sketch.flatten(1), fourier.flatten(1), flags], dim=1), torch.stack(ids, dim=1)


def measure(network, batches, seconds):
    """Milliseconds a batch: (mean by the clock, mean processor time, fastest, median, 99th percentile)."""
    with torch.inference_mode():
        for batch in batches[:4]:
            network(*batch)
        latencies, start, processor = [], time.perf_counter(), time.process_time()
        while time.perf_counter() - start < seconds:
            for batch in batches:
                begin = time.perf_counter()
                network(*batch)
                latencies.append(time.perf_counter() - begin)
        elapsed, processor = time.perf_counter() - start, time.process_time() - processor
    count = len(latencies)
    latencies.sort()
    quantiles = [latencies[int((count - 1) * share)] for share in (0, 0.5, 0.99)]
    return [value * 1e3 for value in (elapsed / count, processor / count, *quantiles)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=1500)
    parser.add_argument("--batch", type=int, nargs="*", default=[256, 1])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    random = torch.Generator().manual_seed(1)
    exact = Network(LANGUAGES, arguments.hidden).eval()
    print(f"PyTorch {torch.__version__}, hidden {arguments.hidden}, {arguments.threads} threads")
    for size in arguments.batch:
        inputs = [made_up(size, random) for _ in range(max(4, 512 // size))]
        for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
            network = copy.deepcopy(exact).to(dtype)
            batches = [(fixed.to(dtype), ids) for fixed, ids in inputs]
            wall, processor, fastest, median, p99 = measure(network, batches, arguments.seconds)
            print(
                f"batch {size}, {name}: {wall / size:.4f} ms a record ({processor / size:.4f} of processor time); "
                f"a batch: fastest {fastest:.3f} ms, median {median:.3f}, 99 % within {p99:.3f}"
            )


if __name__ == "__main__":
    main()
