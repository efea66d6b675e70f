"""A warm start on the newest days compared with training anew on all days: hold-out loss and time.

    cargo build --release && python3 tools/bench/warm_start.py --markdown

`skimmer synth` gives records of three weeks, and validation records of the week after. They are put into parts by the day of
their event, as skimmer counts it: all but the last 7 days, in two parts, and these 7. A model is trained on the first; then the
last part comes. Four models are measured on the same hold-out records, whose counts are of all days:

    as it was    the model of the first days: what `skimmer refresh` serves
    warm start   that model, trained on the 7 new days with train.warm_start
    ..., rate/N  the same with a learning rate of 1/N on the days
    anew         trained on all days

Each seed is another world of records and another initialisation. Seconds are CPU seconds of the stage train, all threads
together, which depend little on what else the machine does.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DAY = 86_400
NEW_DAYS = 7


def run(*words, **options):
    """Runs a command that must succeed."""
    outcome = subprocess.run([str(word) for word in words], **options)
    if outcome.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}: exit code {outcome.returncode}")
    return outcome


def day_of(line):
    """The day of a raw record's event: of its latest reaction, or of the tweet."""
    fields = line.rstrip(b"\n").split(b"\x01")
    return max((int(time) for time in fields[20:24] if time), default=int(fields[8])) // DAY


class Seed:
    """One seed's records, in a folder of its own."""

    def __init__(self, options, seed):
        self.options, self.seed = options, seed
        self.folder = options.data / f"{options.records}-{seed}"
        self.parts = self.folder / "parts"

    def prepare(self):
        """Generates the records and puts them into parts by their days."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.parts.mkdir(parents=True)
        options, records = self.options, self.folder / "records"
        run(options.skimmer, "--quiet", "synth", "--out", records, "--parts", 1, "--rows", options.records,
            "--valid-rows", options.records // 5, "--test-rows", 0, "--vocabulary", 2000, "--seed", self.seed)
        lines = (records / "train/part-00000").read_bytes().splitlines(keepends=True)
        days = [day_of(line) for line in lines]
        self.days = len(set(days))
        first, first_new = min(days), max(days) - NEW_DAYS + 1
        # The text model sees the first part only: a day of it is enough.
        for name, wanted in [("part-00000", lambda day: day == first), ("part-00001", lambda day: first < day < first_new),
                             ("new", lambda day: day >= first_new)]:
            (self.parts / name).write_bytes(b"".join(line for line, day in zip(lines, days) if wanted(day)))
        (self.folder / "config.yaml").write_text("\n".join([
            "working_dir: work", "recsys_data: parts", "validation_part: records/validation/part-00000",
            "validation_percentage: 0.5", "vocabulary_size: 2000", "memory_budget: 1GiB", f"seed: {self.seed}",
            f"threads: {options.threads}",
            "distilbert:", "  from_scratch: {dim: 64, hidden_dim: 128, n_layers: 2, n_heads: 4}",
            f"  finetune: {{max_steps: {options.text_steps}, batch_size: 64, learning_rate: 0.005, warmup_steps: 2}}",
            "train:", f"  hidden_size: {options.hidden}", f"  learning_rate: {options.rate}", ""]))

    def skimmer(self, *words):
        outcome = run(self.options.skimmer, "--quiet", "--json", *words, "--config", self.folder / "config.yaml", capture_output=True)
        return {task["task"]: task for task in json.loads(outcome.stdout)}

    def measure(self):
        """Name → hold-out cross entropy, CPU seconds of training, records trained on."""
        self.skimmer("run")
        (self.parts / "new").rename(self.parts / "part-00002")
        counted = self.skimmer("run", "--to", "features")
        loss = self.skimmer("evaluate", "--force")["evaluate"]["summary"]["hold_out"]["cross_entropy"]
        print(f"seed {self.seed}: counted anew in {sum(task['cpu_seconds'] for task in counted.values()):.1f} CPU seconds",
              file=sys.stderr)
        rows = {"as it was": (loss, 0.0, 0)}
        shutil.copytree(self.folder / "work", self.folder / "kept")
        warm = ["--set", "train.warm_start=true"]
        slower = {f"warm start, rate/{by}": [*warm, "--set", f"train.learning_rate={self.options.rate / by}", "--set",
                  f"train.finetune_learning_rate={self.options.rate}"] for by in self.options.slower}
        for name, words in {"warm start": warm, **slower, "anew": []}.items():
            shutil.rmtree(self.folder / "work")
            shutil.copytree(self.folder / "kept", self.folder / "work")
            tasks = self.skimmer("run", *words)
            train, report = tasks["train"], tasks["evaluate"]["summary"]["hold_out"]
            days = train["summary"]["days"]
            assert len(days) == (self.days if name == "anew" else NEW_DAYS), days
            rows[name] = (report["cross_entropy"], train["cpu_seconds"], sum(day["records"] for day in days))
        shutil.rmtree(self.folder)
        return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=160_000, help="training records of three weeks")
    parser.add_argument("--hidden", type=int, default=256, help="hidden size")
    parser.add_argument("--rate", type=float, default=0.001, help="largest learning rate")
    parser.add_argument("--slower", type=int, nargs="*", default=[4], help="divisors of the rate to try, too")
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--text-steps", type=int, default=100, help="training steps of the text model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, default=ROOT / "target/bench/warm_start")
    parser.add_argument("--skimmer", type=Path, default=ROOT / "target/release/skimmer")
    parser.add_argument("--markdown", action="store_true", help="print a table in Markdown")
    options = parser.parse_args()
    measured = []
    for seed in range(options.seeds):
        place = Seed(options, seed)
        place.prepare()
        measured.append(place.measure())
        print(measured[-1], file=sys.stderr)
    line = "| {} | {} | {} | {} | {} |" if options.markdown else "{:<22} {:>32} {:>10} {:>10} {:>10}"
    print(line.format("model", "hold-out loss of each seed", "mean", "records", "CPU s"))
    if options.markdown:
        print("|---|---|---:|---:|---:|")
    for name in measured[0]:
        losses, seconds, records = zip(*(rows[name] for rows in measured))
        print(line.format(name, ", ".join(f"{loss:.5f}" for loss in losses), f"{statistics.mean(losses):.5f}",
                          f"{statistics.mean(records):,.0f}", f"{statistics.mean(seconds):.1f}"))


if __name__ == "__main__":
    main()
