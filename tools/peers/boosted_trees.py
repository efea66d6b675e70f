"""LightGBM beside our network, on the same 73 numbers, 12 flags and ids, without the text: four binary models, default settings.

    pip install lightgbm pyarrow scikit-learn
    cargo build --release && python3 tools/peers/boosted_trees.py

Generates records (one seed), takes them through every stage with half of the validation records held out, exports parts and features with
`skimmer export --to parquet`, and trains LightGBM on the training and the finetune records, each with the counts that our network
sees for it. Both are measured on the same hold-out records: average precision, relative cross entropy in percent, mean loss in nats.
"""

import argparse
import json
import shutil
import time
from pathlib import Path

import lightgbm
import numpy as np
from exported import REACTIONS, columns, export, run
from sklearn.metrics import average_precision_score, log_loss

ROOT = Path(__file__).resolve().parents[2]


def prepare(options):
    """The stages' results; gives the train stage's summary."""
    folder = options.data
    if not (folder / "records/truth.json").exists():
        run(options.skimmer, "--quiet", "synth", "--out", folder / "records", "--parts", 2, "--rows", options.records,
            "--valid-rows", options.records // 5, "--test-rows", 1000, "--vocabulary", 2000, "--seed", options.seed)
    shutil.copy(ROOT / "fixtures/tiny-distilbert/model.onnx", folder / "model.onnx")
    (folder / "config.yaml").write_text(
        "working_dir: work\nrecsys_data: records/train\nvalidation_part: records/validation/part-00000\n"
        f"validation_percentage: 0.5\nvocabulary_size: 2000\nthreads: {options.threads}\n"
        f"distilbert:\n  model: model.onnx\ntrain:\n  hidden_size: {options.hidden}\n"
    )
    begun = time.monotonic()
    out = run(options.skimmer, "--quiet", "--json", "run", "--config", folder / "config.yaml", capture_output=True)
    print(f"our stages: {time.monotonic() - begun:.0f} s (those that were up to date were skipped)")
    tasks = {task["task"]: task for task in json.loads(out.stdout)}
    return tasks["train"]["summary"]


def stack(tables, languages):
    """One matrix; ids as whole numbers."""
    index = {language: number for number, language in enumerate(languages)}
    for table in tables:
        table["language"] = np.array([index.get(language, len(index)) for language in table["language"]])
    return np.concatenate([np.stack([table[name].astype(np.float64) for name in table], axis=1) for table in tables])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hidden", type=int, default=1500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, default=ROOT / "target/bench/lightgbm")
    parser.add_argument("--skimmer", type=Path, default=ROOT / "target/release/skimmer")
    options = parser.parse_args()
    options.data.mkdir(parents=True, exist_ok=True)
    ours = prepare(options)["after_finetuning"]

    work = options.data / "work"
    names = [path.stem for path in sorted((work / "parts").glob("part-*.skim"))]
    training = [columns(*export(options.skimmer, work, name, options.data)) for name in names]
    part, features = export(options.skimmer, work, "validation", options.data)
    validation, validation_labels = columns(part, features)
    held_out = features.column("split").to_numpy() == 1
    languages = sorted({language for table, _ in training for language in table["language"]})
    names = list(validation)
    known = stack([table for table, _ in training], languages)
    later = stack([validation], languages)
    inputs = np.concatenate([known, later[~held_out]])
    labels = np.concatenate([*(labels for _, labels in training), validation_labels[~held_out]])
    assert held_out.sum() == ours["records"], (held_out.sum(), ours["records"])
    print(f"LightGBM {lightgbm.__version__}: {len(inputs)} records, {len(names)} columns; {held_out.sum()} hold-out records\n")

    print("| reaction | rate | network AP | LightGBM AP | network RCE | LightGBM RCE |\n|" + " --- |" * 6)
    losses, begun = [], time.monotonic()
    categorical = [names.index(name) for name in ["language", "hour", "day"]]
    for number, reaction in enumerate(REACTIONS):
        model = lightgbm.LGBMClassifier(n_jobs=options.threads, verbose=-1)
        model.fit(inputs, labels[:, number], categorical_feature=categorical)
        predictions = model.predict_proba(later[held_out])[:, 1]
        truth = validation_labels[held_out, number]
        loss, rate = log_loss(truth, predictions, labels=[0, 1]), truth.mean()
        constant = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
        losses.append(loss)
        network = ours["overall"][reaction]
        assert abs(network["rate"] - rate) < 1e-12, "not the same records"
        print(f"| {reaction} | {100 * rate:.2f} % | {network['average_precision']:.4f} | "
              f"{average_precision_score(truth, predictions):.4f} | {network['relative_cross_entropy']:.1f} | "
              f"{100 * (1 - loss / constant):.1f} |")
    print(f"\nmean loss: network {ours['cross_entropy']:.5f}, LightGBM {np.mean(losses):.5f}; "
          f"LightGBM trained in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
