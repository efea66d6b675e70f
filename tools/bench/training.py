"""Memory and speed of a whole training: peak resident memory, and records a second from stored features to trained weights beside
those of the training step alone.

    cargo build --release && python3 tools/bench/training.py --records 8000000

Generates records, takes them through every stage up to `sketch` (skipped if they are there from the last time), then trains in a process
of its own, whose peak is the kernel's (ru_maxrss). `--minutes M` stops it after M minutes as Ctrl-C does, for the peak alone: all
buffers are full by then, for the records have been put in order, and the checkpoint has been written.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def must(words):
    """Runs a command that must succeed."""
    code = subprocess.run([str(word) for word in words]).returncode
    if code != 0:
        sys.exit(f"{' '.join(map(str, words))}: exit code {code}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=8_000_000)
    parser.add_argument("--budget", default="512MiB")
    parser.add_argument("--hidden", type=int, default=1500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--minutes", type=float, help="stop after so many minutes of training")
    parser.add_argument("--data", type=Path, default=ROOT / "target/bench/training")
    parser.add_argument("--skimmer", type=Path, default=ROOT / "target/release/skimmer")
    options = parser.parse_args()
    folder = options.data / str(options.records)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "records/truth.json").exists():
        must([options.skimmer, "--quiet", "synth", "--out", folder / "records", "--parts", max(2, options.records // 1_000_000),
              "--rows", options.records, "--valid-rows", options.records // 10, "--test-rows", 0, "--vocabulary", 2000,
              "--threads", options.threads])
    shutil.copy(ROOT / "fixtures/tiny-distilbert/model.onnx", folder / "model.onnx")
    config = folder / "config.yaml"
    config.write_text(
        "working_dir: work\nrecsys_data: records/train\nvalidation_part: records/validation/part-00000\nvocabulary_size: 2000\n"
        f"max_n_parts_in_memory: 1\nmemory_budget: {options.budget}\nthreads: {options.threads}\n"
        f"distilbert:\n  model: model.onnx\ntrain:\n  hidden_size: {options.hidden}\n"
    )
    must([options.skimmer, "--quiet", "run", "--to", "sketch", "--config", config])

    print(f"training on {options.records:,} records and a tenth as many validation records, hidden {options.hidden}, "
          f"memory_budget {options.budget}, {options.threads} threads", flush=True)
    summary = folder / "summary.json"
    with open(summary, "w") as out:
        words = [options.skimmer, "--quiet", "--json", "train", "--force", "--config", config]
        begun = time.monotonic()
        process = subprocess.Popen([str(word) for word in words], stdout=out)
        if options.minutes:
            timer = threading.Timer(options.minutes * 60, process.send_signal, [signal.SIGINT])
            timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        code = process.returncode = os.waitstatus_to_exitcode(status)
        if options.minutes:
            timer.cancel()
    if code not in (0, 130):
        sys.exit(f"skimmer train: exit code {code}")
    print(f"{'stopped' if code else 'done'} after {time.monotonic() - begun:.0f} s, {usage.ru_utime + usage.ru_stime:.0f} CPU s; "
          f"peak {usage.ru_maxrss * 1024 / 1e6:.0f} MB ({usage.ru_maxrss / 1024 / 1024:.2f} GiB)")
    if code == 0:
        trained = json.loads(summary.read_text())[-1]["summary"]
        step, whole = trained["step_records_per_second"], trained["whole_records_per_second"]
        print(f"the step alone: {step:.0f} records/s; features to weights: {whole:.0f} records/s, {100 * whole / step:.1f} %")


if __name__ == "__main__":
    main()
