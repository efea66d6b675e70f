#!/usr/bin/env python3
"""Imports the log of a feed, in both forms, and prints the rate, processor time and peak memory.

    python3 tools/bench/import.py --rows 1000000 8000000
"""

import argparse
import os
import pathlib
import subprocess
import tempfile
import time

MAPPING = """\
tweet: post_id
text: {column: post_text, tokenizer: tokenizer.json}
hashtags: post_hashtags
links: post_links
domains: post_domains
media: post_media
type: post_kind
language: post_lang
time: post_created_at
author: {id: author_id, followers: author_followers, following: author_following, verified: author_verified, created: author_created_at}
reader: {id: viewer_id, followers: viewer_followers, following: viewer_following, verified: viewer_verified, created: viewer_created_at}
follows: viewer_follows_author
shown: shown_at
reactions: {like: liked_at, reply: replied_at, retweet: reposted_at, quote: quoted_at}
"""


def measured(command):
    """Seconds, processor seconds and the peak memory in MB of a command."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command} failed")
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--skimmer", default="target/release/skimmer")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    print("| rows | form | rows/s | CPU µs a row | peak MB | log MB | `.skim` MB | `.ids` MB |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|")
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            training = rows - rows // 100
            subprocess.run(
                [options.skimmer, "synth", "--quiet", "--as", "feed", "--joined", "parquet,ndjson", "--out", folder,
                 "--rows", str(training), "--valid-rows", str(rows - training), "--test-rows", "1"], check=True)
            (folder / "mapping.yaml").write_text(MAPPING)
            for form in ["parquet", "ndjson"]:
                log, part = folder / f"feed.{form}", folder / "part.skim"
                command = [options.skimmer, "import", "--quiet", log, "-m", folder / "mapping.yaml", "-o", part]
                runs = sorted(measured(command) for _ in range(options.repeat))
                seconds, processor, _ = runs[len(runs) // 2]
                peak = max(peak for *_, peak in runs)
                size = lambda path: f"{path.stat().st_size / 1e6:.0f}"
                sizes = [size(log), size(part), size(part.with_suffix(".ids"))]
                print(f"| {rows:,} | {form} | {rows / seconds:,.0f} | {1e6 * processor / rows:.2f} | {peak:.0f} | "
                      + " | ".join(sizes) + " |", flush=True)


if __name__ == "__main__":
    main()
