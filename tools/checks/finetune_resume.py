#!/usr/bin/env python3
"""Fine-tunes a tiny DistilBERT on synthetic parts, once at a stretch and once interrupted, and compares the losses.

    cargo build --release && python3 tools/checks/finetune_resume.py

2 layers, width 64, vocabulary 2,000, 300 steps of 64 records; the second training gets Ctrl-C's signal at step 150 and is started again.
Prints both trainings' losses, and fails where they differ in a digit or the held-out loss falls by less than 25 %.
"""

import argparse
import json
import pathlib
import signal
import subprocess
import sys
import tempfile

CONFIG = """
working_dir: {name}
recsys_data: data/train
vocabulary_size: 2000
distilbert:
  from_scratch: {{dim: 64, hidden_dim: 128, n_layers: 2, n_heads: 4}}
  finetune:
    max_steps: 300
    batch_size: 64
    learning_rate: 0.005
    warmup_steps: 30
    evaluate_steps: 50
    log_steps: 10
    save_steps: 100
"""


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    root = pathlib.Path(__file__).resolve().parents[2]
    skimmer = root / "target/release/skimmer"
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)

        def command(name, *arguments):
            return [skimmer, *arguments, "--config", scratch / f"{name}.yaml"]

        synth = "synth --parts 2 --rows 20000 --valid-rows 0 --test-rows 0 --vocabulary 2000 --quiet --out"
        subprocess.run([skimmer, *synth.split(), scratch / "data"], check=True)
        histories = {}
        for name in ("at_a_stretch", "interrupted"):
            (scratch / f"{name}.yaml").write_text(CONFIG.format(name=name))
            subprocess.run(command(name, "convert", "--quiet"), check=True)
            if name == "interrupted":
                child = subprocess.Popen(command(name, "finetune"), stderr=subprocess.PIPE, text=True)
                for line in child.stderr:
                    if "step 150:" in line:
                        child.send_signal(signal.SIGINT)
                        break
                print("interrupted:", child.stderr.read().strip().splitlines()[-1].replace(f"{scratch}/", ""))
                if child.wait() == 0:
                    sys.exit("the interrupted training came to its end")
            subprocess.run(command(name, "finetune", "--quiet"), check=True)
            state = scratch / name / "distilbert/checkpoint-300/trainer_state.json"
            histories[name] = json.loads(state.read_text())["history"]
        whole, halved = histories.values()
        print(f"{'step':>5} {'loss':>10} {'held out':>10}   interrupted at 150, then resumed")
        number = lambda value: f"{value:10.6f}" if value is not None else " " * 10
        for a, b in zip(whole, halved):
            print(f"{a['step']:5} {number(a['loss'])} {number(a['held_out'])}   {number(b['loss'])} {number(b['held_out'])}")
        held_out = [entry["held_out"] for entry in whole if entry["held_out"] is not None]
        print(f"held-out loss {held_out[0]:.4f} -> {held_out[-1]:.4f}: {100 * (1 - held_out[-1] / held_out[0]):.1f} % less")
        if whole != halved:
            sys.exit("the losses differ")
        print("the losses are the same, digit for digit")
        if held_out[-1] > 0.75 * held_out[0]:
            sys.exit("the held-out loss fell by less than 25 %")


if __name__ == "__main__":
    main()
