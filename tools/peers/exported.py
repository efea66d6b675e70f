"""Parts and features as `skimmer export --to parquet` writes them, for the tools that train other learners on the same records."""

import subprocess
import sys

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

REACTIONS = ["like", "reply", "retweet", "quote"]
DAY = 86_400


def run(*words, **options):
    """Runs a command that must succeed."""
    outcome = subprocess.run([str(word) for word in words], **options)
    if outcome.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}: exit code {outcome.returncode}")
    return outcome


def export(skimmer, work, name, scratch):
    """A part of the working directory and its features as tables; their Parquet files stay in `scratch`."""
    tables = []
    for folder in ["parts", "features"]:
        out = scratch / f"{folder}-{name}.parquet"
        run(skimmer, "--quiet", "export", work / folder / f"{name}.skim", "--to", "parquet", "-o", out)
        tables.append(pq.read_table(out))
    return tables


def columns(part, features):
    """The network's numbers, flags and ids of every record by name; the labels, `[records, 4]`."""
    def number(name):
        return part.column(name).to_numpy(zero_copy_only=False)

    def has(name, value=None):
        if value is None:
            return pc.greater(pc.list_value_length(part.column(name)), 0).to_numpy(zero_copy_only=False)
        return np.array([value in items for items in part.column(name).to_pylist()])

    table = {name: features.column(name).to_numpy() for name in features.column_names if name not in ("split", "chunk")}
    assert len(table) == 65, sorted(table)
    time_of = number("tweet_time").astype(np.int64)
    for name in ["hashtags", "tokens"]:
        table[f"{name}.count"] = pc.list_value_length(part.column(name)).to_numpy(zero_copy_only=False)
    for name in ["author_followers", "author_following", "reader_followers", "reader_following"]:
        table[name] = number(name)
    for who in ["reader", "author"]:
        table[f"{who}_age_days"] = (time_of - number(f"{who}_created").astype(np.int64)) // DAY
    for name in ["author_follows_reader", "author_verified", "reader_verified"]:
        table[name] = number(name)
    table |= {"has_hashtag": has("hashtags"), "has_link": has("links"), "has_domain": has("domains")}
    table |= {f"has_{media}": has("media", media) for media in ["GIF", "Photo", "Video"]}
    kinds = np.array(part.column("tweet_type").to_pylist())
    table |= {f"is_{kind}": kinds == kind for kind in ["Quote", "Retweet", "TopLevel"]}
    assert len(table) == 65 + 8 + 12, len(table)
    table["language"] = np.array(part.column("language").to_pylist())
    table["hour"] = time_of // 3600 % 24
    table["day"] = time_of.astype("datetime64[s]").astype("datetime64[D]").astype("datetime64[M]").astype("datetime64[s]")
    table["day"] = (time_of - table["day"].astype(np.int64)) // DAY
    labels = np.stack([part.column(f"{reaction}_time").is_valid().to_numpy() for reaction in REACTIONS], axis=1)
    return table, labels.astype(np.int8)
