"""Runs every block of docs/own-data.md in order, in a temporary folder, and checks what comes out.

    pip install duckdb numpy
    cargo build --release
    python3 tools/checks/own_data.py --skimmer target/release/skimmer

Blocks in `sh` are run by bash, `sql` by DuckDB and `python` by Python; `yaml` is written to the file that its first
line names; `text` must be what the block before it printed, line by line: `…` stands for anything, and numbers with a
decimal point may differ by a tenth, because training depends on the kind of processor. Anything else that looks like a
block is an error, and so is a command that the prose mentions and the program does not have. Then

* the mapping has at most 15 lines, and `--init` has guessed the columns that it names;
* the joined log is the one that `skimmer synth` joins itself, every impression once;
* the queries of "Other shapes" give back the impressions, and treat events that come late, twice or out of place as the
  page says;
* predictions and features carry the log's own ids, row by row.

Prints a line if all is well; otherwise the page's line, and what was expected.
"""

import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import duckdb

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/own-data.md"
LANGUAGES = ("sh", "sql", "yaml", "python", "text")
MAPPING_LINES = 15
# What a number with a decimal point may differ from the page's: this much, and this share of it.
TOLERANCE = 0.1

Block = collections.namedtuple("Block", "language line text")


def blocks_of(page):
    """The fenced blocks of a Markdown page; an error for every block that would not be run."""
    blocks, language, begin, lines = [], None, 0, []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if language is not None and line == "```":
            blocks.append(Block(language, begin, "".join(lines)))
            language = None
        elif language is not None:
            lines.append(line + "\n")
        elif re.match(r"\s*(```|~~~)", line):
            language, begin, lines = line.removeprefix("```"), number, []
            if language not in LANGUAGES:
                sys.exit(f"{page}:{number}: a block in {line.strip()!r} is not run: use {', '.join(LANGUAGES)}")
        elif re.match(r"(    |\t)\S", line):
            sys.exit(f"{page}:{number}: an indented block is not run: use a fence (```sh)")
    if language is not None:
        sys.exit(f"{page}:{begin}: this block has no end")
    for needed in LANGUAGES:
        if not any(block.language == needed for block in blocks):
            sys.exit(f"{page}: no block in `{needed}`: is this the tutorial?")
    return blocks


def run_block(block, folder, environment):
    """Runs a block and gives what it prints."""
    if block.language == "yaml":
        name = re.match(r"# ([\w-]+\.yaml)\n", block.text)
        if not name:
            raise ValueError("the first line of a file names it: # mapping.yaml")
        (folder / name[1]).write_text(block.text, encoding="utf-8")
        return ""
    command = {
        "sh": ["bash", "-euo", "pipefail", "-c"],
        "sql": [sys.executable, "-c", "import duckdb, sys; duckdb.execute(sys.argv[1])"],
        "python": [sys.executable, "-c"],
    }[block.language]
    done = subprocess.run(
        [*command, block.text],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise ValueError(f"exit code {done.returncode}:\n{done.stdout}")
    return done.stdout


def is_line(expected, line):
    """Whether a printed line is the page's."""
    parts = re.split(r"(…|-?\d+\.\d+|\s+)", expected.strip())
    pattern, numbers = "", []
    for part in parts:
        if part == "…":
            pattern += ".*"
        elif re.fullmatch(r"-?\d+\.\d+", part):
            pattern += r"(-?\d+(?:\.\d+)?(?:e-?\d+)?)"
            numbers.append(float(part))
        else:
            pattern += r"\s+" if part.isspace() else re.escape(part)
    found = re.fullmatch(pattern, line.strip())
    return found and all(abs(float(a) - b) <= TOLERANCE * (1 + abs(b)) for a, b in zip(found.groups(), numbers))


def compare_output(block, printed):
    """Whether the lines of a text block are among those that were printed, in their order."""
    lines = iter(printed.splitlines())
    for offset, expected in enumerate(block.text.splitlines(), 1):
        if expected.strip() != "…" and not any(is_line(expected, line) for line in lines):
            sys.exit(f"{PAGE}:{block.line + offset}: the command does not print this line:\n{expected}\nbut\n{printed}")


def run_page(blocks, folder, environment, show):
    """Runs the blocks, stopping at the first that fails."""
    printed = ""
    for block in blocks:
        if block.language == "text":
            compare_output(block, printed)
            continue
        try:
            printed = run_block(block, folder, environment)
        except ValueError as error:
            sys.exit(f"{PAGE}:{block.line}: {error}")
        if show:
            print(f"== {PAGE}:{block.line}\n{printed}", flush=True)


def check_mentioned(folder, environment):
    """The commands that the prose mentions in backticks."""
    for command in sorted(set(re.findall(r"`skimmer ([\w-]+)", PAGE.read_text(encoding="utf-8")))):
        try:
            run_block(Block("sh", 0, f"skimmer {command} --help"), folder, environment)
        except ValueError as error:
            sys.exit(f"{PAGE}: `skimmer {command}`: {error}")


def expect(true, what):
    if not true:
        sys.exit(f"{PAGE}: {what}")


def same_rows(base, left, right):
    """Whether two tables have the same rows, each as often."""
    different = f"SELECT count(*) FROM (({{}}) EXCEPT ALL ({{}}))"
    counts = [base.execute(different.format(a, b)).fetchone()[0] for a, b in ((left, right), (right, left))]
    return counts == [0, 0] and base.execute(f"SELECT count(*) FROM ({left})").fetchone()[0] > 0


def check_mapping(blocks, folder, environment):
    (mapping,) = [block.text for block in blocks if block.text.startswith("# mapping.yaml\n")]
    lines = len(mapping.splitlines()) - 1
    expect(lines <= MAPPING_LINES, f"the mapping has {lines} lines, at most {MAPPING_LINES} were promised")
    columns = []
    for name in ("mapping.yaml", "guessed.yaml"):
        command = Block("sh", 0, f"skimmer import --dry-run --rows 1000 training.parquet --mapping {name}")
        table = run_block(command, folder, environment).partition("\nfield ")[2]
        columns.append({tuple(line.split()[:2]) for line in table.splitlines()[1:-1]})
    expect(len(columns[0]) > 15, f"the dry run shows few fields: {columns[0]}")
    expect(columns[0] <= columns[1], f"--init guesses otherwise: {columns[0] - columns[1]}")


def check_joined(base):
    joined = "SELECT * FROM 'training.parquet' UNION ALL SELECT * FROM 'validation.parquet'"
    expect(
        same_rows(base, joined, "SELECT DISTINCT * FROM 'feed/feed.parquet'"),
        "the joined tables are not what synth joins: feed/feed.parquet",
    )


def check_shapes(blocks, base, folder):
    impressions = "SELECT DISTINCT * FROM 'feed/impressions.parquet'"
    for table in ("impressions_of_events", "impressions_of_requests"):
        expect(same_rows(base, f"SELECT * FROM '{table}.parquet'", impressions), f"{table} are not the impressions")
    # What the feed does not have: a post that is shown again, events of a view twice, before and without one.
    (query,) = [block for block in blocks if "TO 'impressions_of_events.parquet'" in block.text]
    events = """
        ('p', 'v', '10:00', 'shown'), ('p', 'v', '10:00', 'shown'), ('p', 'v', '10:01', 'liked'),
        ('p', 'v', '10:03', 'liked'), ('p', 'v', '11:00', 'shown'), ('p', 'v', '11:00', 'reposted'),
        ('p', 'w', '09:00', 'replied'), ('p', 'w', '12:00', 'shown'), ('q', 'v', '10:30', 'quoted')"""
    odd = folder / "odd"
    odd.mkdir()
    base.execute(f"""COPY (
        SELECT post_id, viewer_id, true AS viewer_follows_author, event,
            ('2021-02-04 ' || clock || '+00')::TIMESTAMPTZ AS event_at
        FROM (VALUES {events}) AS happened(post_id, viewer_id, clock, event)) TO '{odd}/events.parquet'""")
    run_block(query, odd, None)
    clock = "strftime(COLUMNS('.*_at'), '%H:%M')"
    made = f"SELECT post_id, viewer_id, {clock} FROM '{odd}/impressions_of_events.parquet' ORDER BY ALL"
    found = base.execute(made).fetchall()
    expected = [
        ("p", "v", "10:00", "10:01", None, None, None),
        ("p", "v", "11:00", None, None, "11:00", None),
        ("p", "w", "12:00", None, None, None, None),
    ]
    expect(found == expected, f"of odd events the query makes {found}, not {expected}")


def check_own_ids(base, folder, environment):
    def ids(table, columns):
        return base.execute(f"SELECT {columns} FROM {table}").fetchall()

    asked = ids("'feed/test.parquet'", "post_id, viewer_id")
    for table in ("read_csv('predictions.csv')", "'predictions.parquet'"):
        expect(ids(table, "post_id, viewer_id") == asked, f"{table}: not the ids of feed/test.parquet in their order")
        names = [column[0] for column in base.execute(f"FROM {table} LIMIT 0").description][2:]
        expect(sorted(names) == ["like", "quote", "reply", "repost"], f"{table}: reactions are called {names}")
        for name in names:
            least, most, values = ids(table, f'min("{name}"), max("{name}"), count(DISTINCT "{name}")')[0]
            expect(0 < least < most < 1 and values > len(asked) / 2, f"{table}: {name} is {least} to {most}")
    trained = ids("'training.parquet'", "post_id, viewer_id, liked_at IS NOT NULL, reposted_at IS NOT NULL")
    # The page's last run was on imported parts, its first on logs.
    parts = "--set recsys_data=parts --set validation_part=validation.skim --split train --to parquet"
    run_block(Block("sh", 0, f"skimmer export-features {parts} -o features_of_parts.parquet"), folder, environment)
    for table in ("features", "features_of_parts"):
        features = ids(f"'{table}.parquet'", 'tweet_id, reader_id, "like", retweet')
        expect(features == trained, f"{table}.parquet: not the ids and labels of training.parquet in their order")
    expect(ids("'test_features.parquet'", "tweet_id, reader_id") == asked, "test_features.parquet: other ids")
    part = ids("'part-00000.parquet'", "tweet, reader, like_time IS NOT NULL, retweet_time IS NOT NULL")
    expect(part == trained, "part-00000.parquet: not the ids and labels of training.parquet in their order")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skimmer", type=pathlib.Path, required=True, help="the program, as `cargo build` makes it")
    parser.add_argument("--show", action="store_true", help="print what each block prints")
    args = parser.parse_args()
    blocks = blocks_of(PAGE)
    with tempfile.TemporaryDirectory() as name:
        folder, programs = pathlib.Path(name, "folder"), pathlib.Path(name, "programs")
        folder.mkdir()
        programs.mkdir()
        (programs / "skimmer").symlink_to(args.skimmer.resolve(strict=True))
        environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
        run_page(blocks, folder, environment, args.show)
        check_mentioned(folder, environment)
        base = duckdb.connect()
        base.execute(f"SET file_search_path = '{folder}'")
        check_mapping(blocks, folder, environment)
        check_joined(base)
        check_shapes(blocks, base, folder)
        check_own_ids(base, folder, environment)
    counts = collections.Counter(block.language for block in blocks)
    print(f"{PAGE}: {', '.join(f'{counts[language]} {language}' for language in LANGUAGES)}: as the page says")


if __name__ == "__main__":
    main()
