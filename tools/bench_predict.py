"""The network's inference with PyTorch on the processor, dense ready-made inputs: the peer of the `network` benchmark.

    pip install torch
    python tools/bench_predict.py --hidden 1500 --threads 1
"""

import argparse
import copy
import time

import torch
from bench_step import Network, synthetic


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
    exact = Network(arguments.hidden).eval()
    print(f"PyTorch {torch.__version__}, hidden {arguments.hidden}, {arguments.threads} threads")
    for size in arguments.batch:
        inputs = [synthetic(size, random)[:4] for _ in range(max(4, 512 // size))]
        for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
            network = copy.deepcopy(exact).to(dtype)
            batches = [(dense.to(dtype), *ids) for dense, *ids in inputs]
            wall, processor, fastest, median, p99 = measure(network, batches, arguments.seconds)
            print(
                f"batch {size}, {name}: {wall / size:.4f} ms a record ({processor / size:.4f} of processor time); "
                f"a batch: fastest {fastest:.3f} ms, median {median:.3f}, 99 % within {p99:.3f}"
            )


if __name__ == "__main__":
    main()
