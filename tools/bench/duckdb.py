"""DuckDB against skimmer on the same parts, in one run, alternating, each repeated: medians, ratios, peak memory.

    python3 -m venv target/venv && target/venv/bin/pip install duckdb pyarrow
    cargo build --release && target/venv/bin/python tools/bench/duckdb.py

Conversion: raw parts to Parquet (zstd, one file, typed columns) against `skimmer convert` with `max_n_parts_in_memory: 1`. DuckDB is timed
three times, and there is a ratio for each: with ids as text and lists as TAB-separated text (its fastest way, which leaves the work to whoever
reads the file), with lists split, and with the columns that a `.skim` file has (16-byte ids, lists of 32-bit tokens, 32-bit counts): only the
last one is equal work. It need not keep the records' order, which is faster still.

Counts: the five train families (pair, author, reader, language x reader, hashtags x reader; four reactions each, own day left out),
joined back to each training record and written as Parquet, against `skimmer similar` and `skimmer features` (all 65 counts on training and
validation records). DuckDB reads its own Parquet file and joins by its 64-bit hashes instead of the texts, which is faster. The sums of
its 20 columns must equal those of ours.

DuckDB's seconds are those of connecting and querying, without Python's start; ours are those of the whole process. Peaks are the
kernel's (ru_maxrss) and cover the whole process for both; CPU seconds too.
"""

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

# This file's name is that of the package: look for the package elsewhere.
sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).resolve().parent]

TEXT = "tokens hashtags tweet media links domains tweet_type language author reader".split()
FLAGS = {"author_verified", "reader_verified", "follows"}
COLUMNS = (
    "tokens hashtags tweet media links domains tweet_type language tweet_time "
    "author author_followers author_following author_verified author_created "
    "reader reader_followers reader_following reader_verified reader_created "
    "follows reply_time retweet_time quote_time like_time"
).split()
LISTS = {"tokens": "INTEGER[]", "hashtags": "VARCHAR[]", "media": "VARCHAR[]", "links": "VARCHAR[]", "domains": "VARCHAR[]"}
IDS = "tweet language author reader".split()
REACTIONS = ("like", "reply", "retweet", "quote")
FAMILIES = {
    "pair": "hash(author, reader)",
    "author": "hash(author)",
    "reader": "hash(reader)",
    "language_reader": "hash(language, reader)",
}


def read_raw(files, form):
    """SELECT of typed records, in the form "text", "lists" or "typed"."""
    number = "UINTEGER" if form == "typed" else "BIGINT"
    kind = lambda name: "VARCHAR" if name in TEXT else "BOOLEAN" if name in FLAGS else number
    types = ", ".join(f"'{name}': '{kind(name)}'" for name in COLUMNS)
    chosen = "*"
    if form == "lists":
        chosen = f"* REPLACE ({', '.join(f'string_split({name}, chr(9))::{kind} AS {name}' for name, kind in LISTS.items())})"
    elif form == "typed":
        columns = [f"unhex({name}) AS {name}" for name in IDS]
        columns += ["string_split(tokens, chr(9))::UINTEGER[] AS tokens", "string_split(media, chr(9)) AS media"]
        columns += [f"list_transform(string_split({name}, chr(9)), lambda id: unhex(id)) AS {name}"
                    for name in ("hashtags", "links", "domains")]
        chosen = f"* REPLACE ({', '.join(columns)})"
    return (
        f"SELECT {chosen} FROM read_csv({files!r}, delim = chr(1), quote = '', escape = '', header = false, "
        f"auto_detect = false, new_line = '\\n', columns = {{{types}}})"
    )


def convert_queries(files, target, form):
    """Raw parts to one Parquet file."""
    return [f"COPY ({read_raw(files, form)}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"]


def count_queries(parquet, target):
    """The five train families of a Parquet file of records, hashtags as text."""
    keys = ", ".join(f"{key} AS {name}" for name, key in FAMILIES.items())
    had = ", ".join(f"{name}_time IS NOT NULL AS did_{name}" for name in REACTIONS)
    flags = ", ".join(f"did_{name}" for name in REACTIONS)
    queries = [
        f"CREATE TEMP TABLE record AS SELECT file_row_number AS number, {keys}, hashtags, {had}, "
        "(coalesce(greatest(reply_time, retweet_time, quote_time, like_time), tweet_time) // 86400)::INTEGER AS day "
        f"FROM read_parquet('{parquet}', file_row_number = true)",
        f"CREATE TEMP TABLE tag AS SELECT number, day, hash(unnest(string_split(hashtags, chr(9))), reader) AS tag, {flags} "
        "FROM record WHERE hashtags IS NOT NULL",
    ]
    counted = ", ".join(f"(count(*) FILTER (WHERE did_{name}))::INTEGER AS n_{name}" for name in REACTIONS)
    summed = ", ".join(f"sum(n_{name})::INTEGER AS n_{name}" for name in REACTIONS)
    others = ", ".join(f"total.n_{name} - own.n_{name} AS n_{name}" for name in REACTIONS)
    for family, source in [*((name, "record") for name in FAMILIES), ("tag", "tag")]:
        queries.append(
            f"CREATE TEMP TABLE {family}_others AS "
            f"WITH own AS (SELECT {family}, day, {counted} FROM {source} GROUP BY ALL), "
            f"total AS (SELECT {family}, {summed} FROM own GROUP BY {family}) "
            f"SELECT own.{family}, own.day, {others} FROM own JOIN total USING ({family})"
        )
    queries.append(
        f"CREATE TEMP TABLE tags AS SELECT number, {', '.join(f'sum(o.n_{name})::INTEGER AS n_{name}' for name in REACTIONS)} "
        "FROM tag JOIN tag_others o USING (tag, day) GROUP BY number"
    )
    results = [f"{family}_others.n_{name} AS {family}_{name}" for family in FAMILIES for name in REACTIONS]
    results += [f"coalesce(tags.n_{name}, 0) AS hashtags_reader_{name}" for name in REACTIONS]
    joins = " ".join(f"JOIN {family}_others USING ({family}, day)" for family in FAMILIES)
    queries.append(
        f"COPY (SELECT record.number, {', '.join(results)} FROM record {joins} LEFT JOIN tags USING (number)) "
        f"TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
    )
    return queries


def inside(threads, queries):
    """What a DuckDB process does: runs the queries, prints the seconds."""
    duckdb = importlib.import_module("duckdb")
    begun = time.monotonic()
    connection = duckdb.connect()
    for setting in (f"threads = {threads}", "preserve_insertion_order = false", "enable_progress_bar = false"):
        connection.execute(f"SET {setting}")
    for query in queries:
        connection.execute(query)
    print(time.monotonic() - begun)


def run(command, text=None):
    """Wall seconds, CPU seconds, peak resident MB and the output of a process that must succeed."""
    begun = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if text is not None:
        process.stdin.write(text)
    process.stdin.close()
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]}: exit code {process.returncode}")
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, output


class Bench:
    """The parts, the working directory, and what is timed."""

    def __init__(self, options):
        self.options = options
        data = options.data.absolute() / f"duckdb-{options.rows}-{options.validation}"
        self.data, self.raw, self.work = data, data / "raw", data / "work"
        if not (self.raw / "truth.json").exists():
            run([options.skimmer, "synth", "--out", self.raw, "--parts", 4, "--rows", options.rows, "--quiet",
                 "--valid-rows", options.validation, "--test-rows", 0, "--seed", 1])
        self.training = [str(part) for part in sorted((self.raw / "train").iterdir())]
        self.validation = str(self.raw / "validation/part-00000")
        self.config = data / "config.yaml"
        self.config.write_text(
            f"working_dir: {self.work}\nrecsys_data: {self.raw}/train\nvalidation_part: {self.validation}\n"
            f"max_n_parts_in_memory: 1\nthreads: {options.threads}\nmemory_budget: {options.budget}\n"
        )

    def duckdb(self, queries):
        wall, cpu, peak, output = run([sys.executable, __file__, "--inside", self.options.threads], json.dumps(queries))
        return float(output), cpu, peak

    def stage(self, name):
        return run([self.options.skimmer, name, "--config", self.config, "--force", "--quiet"])[:3]

    def both_stages(self):
        similar, features = self.stage("similar"), self.stage("features")
        return similar[0] + features[0], similar[1] + features[1], max(similar[2], features[2])

    def measure(self, contestants):
        """Runs the contestants in turn, again and again: name to median wall and CPU seconds and largest peak."""
        runs = {name: [] for name in contestants}
        for _ in range(self.options.repeat):
            for name, work in contestants.items():
                # Nobody waits for the disk because of what another has left to be written.
                os.sync()
                runs[name].append(work())
        median = lambda name, what: statistics.median(one[what] for one in runs[name])
        return {name: (median(name, 0), median(name, 1), max(one[2] for one in runs[name])) for name in contestants}

    def show(self, title, measured, records):
        print(f"\n{title}\n{'':<34} {'wall s':>8} {'CPU s':>8} {'records/s':>12} {'peak MB':>8}")
        for name, (wall, cpu, peak) in measured.items():
            print(f"{name:<34} {wall:8.2f} {cpu:8.2f} {records[name] / wall:12,.0f} {peak:8.0f}", flush=True)

    def conversion(self):
        files = [*self.training, self.validation]
        forms = {
            "text": "DuckDB, ids and lists as text",
            "lists": "DuckDB, lists split",
            "typed": "DuckDB, the same columns as ours",
        }
        targets = {form: self.data / f"{form}.parquet" for form in forms}
        contestants = {
            name: lambda form=form: self.duckdb(convert_queries(files, targets[form], form)) for form, name in forms.items()
        }
        measured = self.measure({"skimmer convert": lambda: self.stage("convert"), **contestants})
        both = self.options.rows + self.options.validation
        self.show("raw parts -> Parquet (zstd) / .skim", measured, dict.fromkeys(measured, both))
        ours = measured["skimmer convert"]
        size = sum(part.stat().st_size for part in (self.work / "parts").iterdir()) / 1e6
        print(f"\n{'skimmer convert against':<34} {'x as fast':>10} {'x in CPU s':>11} {'MB written':>11} (ours {size:.0f})")
        for form, name in forms.items():
            theirs, written = measured[name], targets[form].stat().st_size / 1e6
            print(f"{name:<34} {theirs[0] / ours[0]:10.2f} {theirs[1] / ours[1]:11.2f} {written:11.0f}", flush=True)

    def counts(self):
        source, target = self.data / "train.parquet", self.data / "counts.parquet"
        self.duckdb(convert_queries(self.training, source, "text"))
        measured = self.measure({
            "DuckDB, five train families": lambda: self.duckdb(count_queries(source, target)),
            "skimmer similar + features, all 65": self.both_stages,
        })
        names = list(measured)
        records = {names[0]: self.options.rows, names[1]: self.options.rows + self.options.validation}
        self.show("counts", measured, records)
        print(f"skimmer takes {measured[names[1]][0] / measured[names[0]][0]:.2f} x the time of DuckDB", flush=True)
        self.agree(target)

    def agree(self, target):
        """Ends with an error unless the sums of DuckDB's columns are those of ours."""
        connection = importlib.import_module("duckdb").connect()
        exported = []
        for part in self.training:
            features, parquet = self.work / f"features/{Path(part).name}.skim", self.data / f"{Path(part).name}.parquet"
            run([self.options.skimmer, "export", features, "--to", "parquet", "-o", parquet, "--quiet"])
            exported.append(str(parquet))
        families = [*FAMILIES, "hashtags_reader"]
        ask = lambda columns, file: connection.execute(
            f"SELECT {', '.join(f'sum({column})::BIGINT' for column in columns)} FROM read_parquet({file!r})").fetchone()
        theirs = ask([f"{family}_{name}" for family in families for name in REACTIONS], str(target))
        ours = ask([f'"train.{family}.{name}"' for family in families for name in REACTIONS], exported)
        if theirs != ours:
            sys.exit(f"the counts differ: DuckDB's columns sum to {theirs}, skimmer's to {ours}")
        print(f"the 20 columns have the same sums, {sum(ours):,} together")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--validation", type=int, default=200_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--budget", default="512MiB")
    parser.add_argument("--only", choices=("conversion", "counts"))
    parser.add_argument("--skimmer", type=Path, default=Path("target/release/skimmer"))
    parser.add_argument("--data", type=Path, default=Path("target/bench"))
    parser.add_argument("--inside", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        inside(options.inside, json.load(sys.stdin))
        return
    bench = Bench(options)
    print(f"DuckDB {importlib.import_module('duckdb').__version__}, {options.threads} threads, {options.rows:,} training and "
          f"{options.validation:,} validation records, medians of {options.repeat}")
    if options.only == "counts" and not (bench.work / "manifest.json").exists():
        bench.stage("convert")
    if options.only != "counts":
        bench.conversion()
    if options.only != "conversion":
        bench.counts()


if __name__ == "__main__":
    main()
