"""What `skimmer plan` predicts, and what then happens.

    cargo build --release && python3 tools/bench/plan.py --records 32000000

Makes a synthetic data set, plans it from all its parts and from the first one alone (`--parts`), takes it through `skimmer run`,
and prints predicted, actual and their ratio a stage: seconds, CPU seconds (which suffer less from what else the machine does),
bytes that stay, peak memory (of the whole process, with what the stages before left), and spill files. `--hidden N` sets the network's
width; `--to features` stops there. The text model knows all 119,547 tokens and is small: two layers of width 64 with random weights.
Takes about 1 kB of disk a record; exits with 1 if a stage's time is off by more than a factor of 1.5, or all disk by more than 10 %, in
the plan from all parts.
"""

import argparse
import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

STAGES = ["convert", "similar", "features", "embed", "sketch", "train", "evaluate"]
MADE = {
    "convert": ["parts"],
    "similar": ["similar.skim"],
    "features": ["features", "counts"],
    "embed": ["token_embeddings.npy", "token_ids.npy", "token_counts.npy"],
    "sketch": ["codes.skim"],
    "train": ["model"],
    "evaluate": [],
}


def size(path):
    """Bytes of a file or of all files in a folder, some of which may just vanish."""
    total = 0
    for file in path.rglob("*") if path.is_dir() else [path]:
        try:
            total += file.stat().st_size if file.is_file() else 0
        except FileNotFoundError:
            pass
    return total


class Watch(threading.Thread):
    """The most bytes that each folder in a folder of spill files held."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.folder, self.most, self.over = folder, {}, threading.Event()

    def run(self):
        while not self.over.wait(0.1):
            for one in self.folder.glob("*"):
                self.most[one.name] = max(self.most.get(one.name, 0), size(one))

    def stop(self):
        self.over.set()
        self.join()
        return self.most


def text_model(skimmer, folder):
    """Makes a small text model; its path."""
    skimmer("synth", "--out", folder, "--rows", 1000, "--parts", 1, "--valid-rows", 0, "--test-rows", 0)
    config = folder / "config.yaml"
    config.write_text(f"working_dir: {folder}/work\nrecsys_data: {folder}/train\ndistilbert:\n"
                      "  from_scratch: {dim: 64, hidden_dim: 128, n_layers: 2, n_heads: 4}\n  finetune: {max_steps: 1}\n")
    skimmer("run", "--to", "finetune", "--config", config)
    return folder / "work/distilbert/checkpoint-1/model.onnx"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=32_000_000)
    parser.add_argument("--part", type=int, default=1_000_000, help="training records a part")
    parser.add_argument("--budget", default="512MiB")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=60, help="seconds to plan")
    parser.add_argument("--to", choices=STAGES, default="evaluate")
    parser.add_argument("--keep", action="store_true", help="leave the data set and the working directory")
    parser.add_argument("--skimmer", type=Path, default=Path("target/release/skimmer"))
    parser.add_argument("--data", type=Path, default=Path("target/bench"))
    options = parser.parse_args()
    folder = options.data.absolute() / f"plan-{options.records}"
    stages = STAGES[: STAGES.index(options.to) + 1]
    learns = "embed" in stages
    parts = max(1, options.records // options.part)

    def skimmer(*words):
        """What the command printed."""
        command = [str(word) for word in [options.skimmer, *words, "--quiet"]]
        done = subprocess.run(command, stdout=subprocess.PIPE)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}: exit code {done.returncode}")
        return done.stdout

    raw = folder / "raw"
    if not (raw / "truth.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        skimmer("synth", "--out", raw, "--rows", options.records, "--parts", parts, "--valid-rows", options.records // 10,
                "--test-rows", 0, "--threads", options.threads)
    first = folder / "first"
    first.mkdir(exist_ok=True)
    (first / "part-00000").unlink(missing_ok=True)
    (first / "part-00000").symlink_to(raw / "train/part-00000")
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    text = (f"working_dir: {work}\nvalidation_part: {raw}/validation/part-00000\nmemory_budget: {options.budget}\n"
            f"threads: {options.threads}\nmax_n_parts_in_memory: 1\n")
    if learns:
        text += f"distilbert:\n  model: {text_model(skimmer, folder / 'text-model')}\ntrain:\n  hidden_size: {options.hidden}\n"
    configs = {}
    for name, parts_folder in [("all", raw / "train"), ("first", first)]:
        configs[name] = folder / f"{name}.yaml"
        configs[name].write_text(f"recsys_data: {parts_folder}\n{text}")

    plans = {}
    for name, more in [("all", []), ("first", ["--parts", parts])]:
        begun = time.monotonic()
        plan = json.loads(skimmer("plan", "--json", "--seconds", options.seconds, "--config", configs[name], *more))
        plans[name] = {stage["stage"]: stage for stage in plan["stages"]}
        share = plan["tried_records"] / (plan["training_records"] + plan["validation_records"])
        print(f"planned from {name}: {time.monotonic() - begun:.1f} s, {plan['training_records']:,.0f} training records, "
              f"{100 * share:.1f} % of all tried", flush=True)

    watch = Watch(work / "scratch")
    watch.start()
    reports = json.loads(skimmer("run", "--to", options.to, "--json", "--config", configs["all"]))
    spilled = watch.stop()
    actual = {}
    for stage in stages:
        tasks = [report for report in reports if report["task"].split()[0] == stage]
        actual[stage] = {
            "seconds": sum(task["seconds"] for task in tasks),
            "cpu_seconds": sum(task["cpu_seconds"] for task in tasks),
            "memory": max(task["peak_memory"] for task in tasks),
            "stays": sum(size(work / name) for name in MADE[stage]),
            "temporary": spilled.get(stage, 0),
        }
    actual["all"] = {key: sum(stage[key] for stage in actual.values()) for key in ["seconds", "cpu_seconds", "stays"]}
    for plan in plans.values():
        planned = [plan[stage] for stage in stages]
        plan["all"] = {"seconds": sum(stage["seconds"] for stage in planned),
                       "cpu_seconds": sum(stage["cpu_seconds"] for stage in planned),
                       "stays": {"expected": sum(stage["stays"]["expected"] for stage in planned)}}

    print(f"{parts} parts, {options.records:,} training and {options.records // 10:,} validation records, "
          f"memory_budget {options.budget}, {options.threads} threads")
    print(f"{'stage':<9} {'what':<14} {'actual':>10} {'from all':>10} {'ratio':>6} {'from first':>10} {'ratio':>6}")
    good = True
    for stage in [*stages, "all"]:
        for what, unit, scale in [("seconds", "s", 1), ("cpu_seconds", "CPU s", 1), ("stays", "MB on disk", 1e6), ("memory", "MB memory", 1e6),
                                  ("temporary", "MB spilled", 1e6)]:
            if what not in actual[stage] or what == "temporary" and actual[stage][what] == 0:
                continue
            real = actual[stage][what]
            digits = 3 if scale == 1 else 1
            cells = f"{real / scale:>10.{digits}f}"
            for name in ["all", "first"]:
                planned = plans[name][stage][what]
                planned = planned["expected"] if what == "stays" else planned
                ratio = planned / real if real else float("nan")
                cells += f" {planned / scale:>10.{digits}f} {ratio:>6.2f}"
                if name == "all" and (what == "seconds" and not 1 / 1.5 <= ratio <= 1.5
                                      or what == "stays" and stage == "all" and not 0.9 <= ratio <= 1.1):
                    good = False
            print(f"{stage:<9} {unit:<14} {cells}", flush=True)
    if not options.keep:
        shutil.rmtree(folder)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
