"""The training recipes compared on generated data: average precision, relative cross entropy and loss on test records.

    cargo build --release && python3 tools/bench/recipes.py --markdown

For each seed, records are generated and taken through every stage up to `sketch`, once; then every recipe trains, predicts the
test records and is measured. The last column is the mean binary cross entropy over records and reactions, in nats. The
planted model's own numbers (truth.json) come first: no learner can beat them but by luck.

    --recipe NAME or NAME=KEY:VALUE,KEY:VALUE,…   train as NAME (original, tuned) with these keys of config.yaml's train section

What has been trained is kept in --data and not trained again; delete the folder to start anew.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REACTIONS = ["like", "reply", "retweet", "quote"]


def run(*words, **options):
    """Runs a command that must succeed."""
    outcome = subprocess.run([str(word) for word in words], **options)
    if outcome.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}: exit code {outcome.returncode}")
    return outcome


class Seed:
    """One seed's records in a folder of its own."""

    def __init__(self, options, seed):
        self.options, self.seed = options, seed
        self.folder = options.data / f"{options.records}-{seed}"

    def prepare(self):
        """Everything up to the token codes."""
        options, records = self.options, self.folder / "records"
        if not (records / "truth.json").exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            parts = max(2, options.records // 1_000_000)
            validation, test = options.validation or options.records // 5, options.test or options.records // 10
            run(options.skimmer, "--quiet", "synth", "--out", records, "--parts", parts, "--rows", options.records,
                "--valid-rows", validation, "--test-rows", test, "--vocabulary", 2000, "--seed", self.seed)
        config = self.configure("prepare", "tuned", {})
        run(options.skimmer, "--quiet", "run", "--to", "sketch", "--config", config)

    def configure(self, name, recipe, keys):
        lines = [
            "working_dir: work", "recsys_data: records/train", "validation_part: records/validation/part-00000",
            "vocabulary_size: 2000", "memory_budget: 1GiB", f"threads: {self.options.threads}",
            "distilbert:", "  from_scratch: {dim: 64, hidden_dim: 128, n_layers: 2, n_heads: 4}",
            f"  finetune: {{max_steps: {self.options.text_steps}, batch_size: 64, learning_rate: 0.005, warmup_steps: 30}}",
            "train:", f"  hidden_size: {self.options.hidden}", f"  recipe: {recipe}",
        ]
        lines += [f"  {key}: {value}" for key, value in keys.items()]
        path = self.folder / f"{name}.yaml"
        path.write_text("\n".join(lines) + "\n")
        return path

    def measure(self, text):
        """Hold-out and test measures of a recipe, and how long it trained."""
        name, _, settings = text.partition("=")
        keys = dict(setting.split(":") for setting in settings.split(",") if setting)
        label = f"{text}, hidden {self.options.hidden}".replace("/", "-")
        kept = self.folder / f"{label}.json"
        if kept.exists():
            return json.loads(kept.read_text())
        config = self.configure("config", name, keys)
        begun = time.monotonic()
        train = run(self.options.skimmer, "--quiet", "--json", "train", "--force", "--config", config, capture_output=True)
        seconds = time.monotonic() - begun
        summary = json.loads(train.stdout)[-1]["summary"]
        predictions = self.folder / "predictions.csv"
        with open(self.folder / "records/test/part-00000") as test, open(predictions, "w") as out:
            run(self.options.skimmer, "--quiet", "predict", "--model", self.folder / "work/model", "--threads", self.options.threads,
                stdin=test, stdout=out)
        measured = run(self.options.skimmer, "--quiet", "--json", "evaluate", "--predictions", predictions, "--labels",
                       self.folder / "records/test_labels.tsv", capture_output=True)
        result = {
            "before": summary["before_finetuning"], "hold_out": summary["after_finetuning"] or summary["before_finetuning"],
            "test": json.loads(measured.stdout), "seconds": seconds, "rate": summary["records_per_second"],
        }
        kept.write_text(json.dumps(result))
        return result

    def truth(self):
        return json.loads((self.folder / "records/truth.json").read_text())["test"]


def numbers(report):
    """AP and RCE of each reaction, and the mean cross entropy."""
    overall = report["overall"]
    pairs = [(overall[r]["average_precision"], overall[r]["relative_cross_entropy"]) for r in REACTIONS]
    return pairs, report["cross_entropy"]


def row(cells, options):
    if options.markdown:
        print("| " + " | ".join(cell.strip() for cell in cells) + " |", flush=True)
    else:
        print(f"{cells[0]:<10} {cells[1]:<40} " + " ".join(f"{cell:>15}" for cell in cells[2:]), flush=True)


def pair(ap, rce):
    return f"{'–' if ap is None else f'{ap:.4f}'} / {'–' if rce is None else f'{rce:.1f}'}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", action="append", default=[])
    parser.add_argument("--text-steps", type=int, default=600, help="fine-tuning steps of the text model, of 64 records")
    parser.add_argument("--records", type=int, default=200_000, help="training records")
    parser.add_argument("--validation", type=int, help="validation records [default: a fifth of the training records]")
    parser.add_argument("--test", type=int, help="test records [default: a tenth of the training records]")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--hidden", type=int, default=1500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--on", choices=["test", "hold_out", "before"], default="test", help="records to measure on")
    parser.add_argument("--markdown", action="store_true", help="print a table for docs/RESULTS.md")
    parser.add_argument("--data", type=Path, default=ROOT / "target/bench/recipes")
    parser.add_argument("--skimmer", type=Path, default=ROOT / "target/release/skimmer")
    options = parser.parse_args()
    recipes = options.recipe or ["original", "tuned"]
    row(["seed", "recipe", *(f"{r} AP / RCE" for r in REACTIONS), "loss"], options)
    if options.markdown:
        print("|" + " --- |" * 7)
    losses = {recipe: [] for recipe in recipes}
    for number in options.seeds:
        seed = Seed(options, number)
        seed.prepare()
        if options.on == "test":
            truth = seed.truth()
            row([str(number), "the planted model", *(pair(truth[r]["ap"], truth[r]["rce"]) for r in REACTIONS), ""], options)
        for recipe in recipes:
            result = seed.measure(recipe)
            pairs, loss = numbers(result[options.on])
            losses[recipe].append(loss)
            row([str(number), recipe, *(pair(*both) for both in pairs), f"{loss:.5f}"], options)
    print()
    first = losses[recipes[0]]
    for recipe, values in losses.items():
        ratios = [1 - value / base for value, base in zip(values, first)]
        print(f"{recipe}: mean loss {sum(values) / len(values):.5f}, below {recipes[0]}'s by "
              + ", ".join(f"{100 * ratio:.2f} %" for ratio in ratios))


if __name__ == "__main__":
    main()
