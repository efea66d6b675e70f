"""Checks a Parquet export of a part against the raw part, with pyarrow and DuckDB.

    pip install pyarrow duckdb
    skimmer convert part-00000 -o part.skim && skimmer export part.skim --to parquet -o part.parquet
    python tools/checks/parquet.py part-00000 part.parquet

Prints what was compared; any difference ends it with exit code 1.
"""

import argparse
import datetime
import sys

import duckdb
import pyarrow.parquet as pq

COLUMNS = (
    "tokens hashtags tweet media links domains tweet_type language tweet_time "
    "author author_followers author_following author_verified author_created "
    "reader reader_followers reader_following reader_verified reader_created "
    "author_follows_reader reply_time retweet_time quote_time like_time"
).split()
LISTS = {"tokens": int, "hashtags": str, "media": str, "links": str, "domains": str}
NUMBERS = {name for name in COLUMNS if name.endswith(("_followers", "_following"))}
TIMES = {name for name in COLUMNS if name.endswith(("_time", "_created"))}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
FLAGS = {"author_verified", "reader_verified", "author_follows_reader"}


def value(name, text):
    """The value that a raw field stands for."""
    if name in LISTS:
        return [LISTS[name](item) for item in text.split("\t")] if text else []
    if name in NUMBERS:
        return int(text)
    if name in TIMES:
        return EPOCH + datetime.timedelta(seconds=int(text)) if text else None
    if name in FLAGS:
        return text == "true"
    return text


def read_raw(path):
    """The raw part's columns: name -> list of values."""
    with open(path, encoding="ascii", newline="\n") as raw:
        records = [line.rstrip("\n").split("\x01") for line in raw]
    widths = {len(record) for record in records}
    if widths - {20, 24} or len(widths) > 1:
        sys.exit(f"{path}: records of {sorted(widths)} fields")
    width = widths.pop() if widths else 24
    return {
        name: [value(name, record[index]) for record in records]
        for index, name in enumerate(COLUMNS[:width])
    }


def expect(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: {found!r} where {expected!r} is due")
    print(f"ok  {what}: {found}")


def check_pyarrow(path, raw, rows):
    table = pq.read_table(path)
    expect("pyarrow: rows", table.num_rows, rows)
    expect("pyarrow: columns", table.column_names, list(raw))
    for name, values in raw.items():
        for row, (found, expected) in enumerate(zip(table.column(name).to_pylist(), values)):
            if found != expected:
                sys.exit(f"pyarrow: row {row}, {name}: {found!r} where {expected!r} is due")
    print(f"ok  pyarrow: all {rows * len(raw)} values of {len(raw)} columns")


def check_duckdb(path, raw, rows):
    source = "read_parquet('" + path.replace("'", "''") + "')"

    def one(expression):
        return duckdb.sql(f"SELECT {expression} FROM {source}").fetchall()[0][0]

    expect("DuckDB: rows", one("count(*)"), rows)
    expect("DuckDB: tokens", one("sum(len(tokens))"), sum(map(len, raw["tokens"])))
    expect("DuckDB: sum of tokens", one("sum(list_sum(tokens))"), sum(map(sum, raw["tokens"])))
    expect("DuckDB: distinct tweets", one("count(DISTINCT tweet)"), len(set(raw["tweet"])))
    expect("DuckDB: distinct readers", one("count(DISTINCT reader)"), len(set(raw["reader"])))
    expect("DuckDB: author followers", one("sum(author_followers)"), sum(raw["author_followers"]))
    photos = sum("Photo" in media for media in raw["media"])
    expect("DuckDB: records with a photo", one("count(*) FILTER (list_contains(media, 'Photo'))"), photos)
    quotes = raw["tweet_type"].count("Quote")
    expect("DuckDB: quotes", one("count(*) FILTER (tweet_type = 'Quote')"), quotes)
    if "like_time" in raw:
        likes = [time for time in raw["like_time"] if time is not None]
        expect("DuckDB: likes", one("count(like_time)"), len(likes))
        seconds = sum((time - EPOCH) // datetime.timedelta(seconds=1) for time in likes)
        expect("DuckDB: sum of like times", one("sum(epoch(like_time)::BIGINT)"), seconds if likes else None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw", help="the raw part")
    parser.add_argument("parquet", help="its Parquet export")
    arguments = parser.parse_args()
    raw = read_raw(arguments.raw)
    rows = len(raw["tokens"])
    check_pyarrow(arguments.parquet, raw, rows)
    check_duckdb(arguments.parquet, raw, rows)


if __name__ == "__main__":
    main()
