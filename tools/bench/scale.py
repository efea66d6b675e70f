"""Memory and speed as records grow: synth and convert part by part, then `similar` and `features`.

    cargo build --release && python3 tools/bench/scale.py --records 2000000 8000000 32000000 --compare

A part's raw text is removed once it is converted, so that the disk never holds more than one. Validation records are a
tenth of the training records. Every stage is a process of its own; its peak is the kernel's (ru_maxrss), CPU seconds are user
and system together. `--compare` runs `similar` and `features` of the largest set again with `memory_budget: 64GiB` and
compares the checksums of similar.skim, features/ and counts/; it exits with 1 if they differ.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path


def run(command, log):
    """Wall seconds, CPU seconds and peak resident MB of a process that must succeed."""
    begun = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {process.returncode}, see {log.name}")
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


def checksums(work):
    """SHA-256 of everything the two stages made, by its path."""
    files = [work / "similar.skim", *sorted((work / "features").iterdir()), *sorted((work / "counts").iterdir())]
    sums = {}
    for file in files:
        with open(file, "rb") as opened:
            sums[str(file.relative_to(work))] = hashlib.file_digest(opened, "sha256").hexdigest()
    return sums


def size(path):
    """Bytes of a file or of all files in a folder."""
    return sum(file.stat().st_size for file in path.rglob("*")) if path.is_dir() else path.stat().st_size


class Scale:
    """One size of data set in a folder of its own."""

    def __init__(self, options, records):
        self.options, self.records = options, records
        self.validation = records // 10
        self.parts = max(1, records // options.part)
        self.folder = options.data / f"scale-{records}"
        self.raw, self.work, self.config = self.folder / "raw", self.folder / "work", self.folder / "config.yaml"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.log = open(self.folder / "log", "w")

    def configure(self, validation, budget, work=None):
        part = self.folder / "validation-part" if validation else "null"
        self.config.write_text(
            f"working_dir: {work or self.work}\nrecsys_data: {self.raw}\nvalidation_part: {part}\n"
            f"max_n_parts_in_memory: 1\nthreads: {self.options.threads}\nmemory_budget: {budget}\n"
        )

    def skimmer(self, *words):
        return run([self.options.skimmer, *words, "--quiet"], self.log)

    def stage(self, name):
        return self.skimmer(name, "--config", self.config)

    def convert(self):
        """Makes, converts and removes one part after the other; what making and converting took."""
        made, converted, text = [], [], 0
        for part in range(self.parts):
            out = self.folder / "synth"
            self.configure(part == 0, self.options.budget)
            made.append(
                self.skimmer(
                    "synth", "--out", out, "--rows", self.records, "--parts", self.parts, "--only-part", part,
                    "--valid-rows", self.validation if part == 0 else 0, "--test-rows", 0,
                    "--threads", self.options.threads,
                )
            )
            name = f"part-{part:05}"
            shutil.rmtree(self.raw, ignore_errors=True)
            (out / "train").rename(self.raw)
            if part == 0:
                (out / "validation/part-00000").rename(self.folder / "validation-part")
                text += size(self.folder / "validation-part")
            text += size(self.raw)
            converted.append(self.stage("convert"))
            shutil.rmtree(out)
            (self.raw / name).unlink()
            # The stages take the parts' names from here; nothing reads the text any more.
            if part == 0:
                (self.folder / "validation-part").write_text("")
        for part in range(self.parts):
            (self.raw / f"part-{part:05}").touch()
        self.configure(True, self.options.budget)
        total = [(sum(one[0] for one in runs), sum(one[1] for one in runs), max(one[2] for one in runs))
                 for runs in (made, converted)]
        return *total, text

    def show(self, name, measured, records):
        wall, cpu, peak = measured
        print(f"{self.records:>11,}  {name:<20} {wall:8.1f} {cpu:8.1f} {records / wall:12,.0f} "
              f"{cpu / records * 1e6:8.2f} {peak:8.0f}", flush=True)

    def measure(self):
        both = self.records + self.validation
        synth, convert, text = self.convert()
        self.show("synth", synth, both)
        self.show("convert", convert, both)
        similar, features = self.stage("similar"), self.stage("features")
        self.show("similar", similar, both)
        self.show("features", features, both)
        self.show("similar + features", (similar[0] + features[0], similar[1] + features[1], max(similar[2], features[2])),
                  both)
        made = ", ".join(f"{name} {size(self.work / name) / both:.1f}"
                         for name in ("parts", "features", "counts", "similar.skim"))
        print(f"{self.records:>11,}  bytes a record: raw {text / both:.1f}, {made}", flush=True)

    def compare(self):
        """Runs the two stages without a limit and compares every artefact."""
        limited = checksums(self.work)
        self.configure(True, "64GiB")
        both = self.records + self.validation
        for stage in ("similar", "features"):
            self.show(f"{stage}, 64GiB", self.skimmer(stage, "--config", self.config, "--force"), both)
        free = checksums(self.work)
        different = [name for name in limited.keys() | free.keys() if limited.get(name) != free.get(name)]
        print(f"{self.records:>11,}  {len(limited)} artefacts, {len(different)} differ between the two budgets", flush=True)
        return not different


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, nargs="+", default=[2_000_000, 8_000_000, 32_000_000])
    parser.add_argument("--part", type=int, default=1_000_000, help="training records a part")
    parser.add_argument("--budget", default="512MiB")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave the working directories")
    parser.add_argument("--skimmer", type=Path, default=Path("target/release/skimmer"))
    parser.add_argument("--data", type=Path, default=Path("target/bench"))
    options = parser.parse_args()
    options.data = options.data.absolute()
    print(f"memory_budget {options.budget}, {options.threads} threads, parts of {options.part:,} records")
    print(f"{'training':>11}  {'stage':<20} {'wall s':>8} {'CPU s':>8} {'records/s':>12} {'CPU µs/r':>8} {'peak MB':>8}")
    same = True
    for records in options.records:
        scale = Scale(options, records)
        scale.measure()
        if options.compare and records == max(options.records):
            same = scale.compare()
        if not options.keep:
            shutil.rmtree(scale.folder)
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
