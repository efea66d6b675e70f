"""The published solution's training in plain PyTorch, on our generated records: the level that `train.recipe: original` should reach.

    pip install torch numpy pyarrow scikit-learn
    cargo build --release && python3 tools/bench/recipes.py --recipe original && python3 tools/peers/recipe.py

Takes the folder that tools/bench/recipes.py keeps of a seed: the same records, features and token vectors. All else is PyTorch's, NumPy's
and scikit-learn's: projection, codes, sketches and Fourier terms, the network's random start, the order of the records, AdamW,
average precision and cross entropy. Inputs are dense. The features of the test records are those of hold-out records behind the
validation part. Before anything is trained, inputs and network are compared with fixtures/golden. What has been trained is
kept in DIR/peer and not trained again.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from exported import DAY, REACTIONS, columns, export, run
from network import DEPTH, FIXED, OUTPUTS, WIDTH, Network, Split
from sklearn.metrics import average_precision_score, log_loss
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "fixtures/golden"
BITS = 16
FLAGS = ["author_follows_reader", "author_verified", "reader_verified", "has_hashtag", "has_GIF", "has_Photo", "has_Video",
         "has_link", "has_domain", "is_Quote", "is_Retweet", "is_TopLevel"]


def token_codes(ids, vectors, projection):
    """Absolute code of every token at every depth, `[largest id + 1, DEPTH]`, -1 for a token without a vector."""
    deviation = vectors.std(axis=0)
    standard = (vectors - vectors.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    projected = standard @ projection.T
    bits = (projected > np.median(projected, axis=0)).reshape(len(ids), DEPTH, BITS)
    codes = np.packbits(bits, axis=2).view("<u2")[:, :, 0] % WIDTH
    table = np.full((ids.max() + 1, DEPTH), -1)
    table[ids] = np.arange(DEPTH) * WIDTH + codes
    return table


def sketches(tweets, codes):
    """Sketches `[tweets, DEPTH * WIDTH]` of tweets given as arrays of token ids."""
    inner = [tweet[1:-1] for tweet in tweets]
    tokens, owner = np.concatenate(inner), np.repeat(np.arange(len(tweets)), [len(tweet) for tweet in inner])
    known = tokens < len(codes)
    known[known] = codes[tokens[known], 0] >= 0
    places = owner[known, None] * (DEPTH * WIDTH) + codes[tokens[known]]
    counts = np.bincount(places.ravel(), minlength=len(tweets) * DEPTH * WIDTH).reshape(len(tweets), DEPTH, WIDTH)
    norms = np.sqrt((counts**2).sum(axis=2, keepdims=True))
    return (counts / np.where(norms > 0, norms, 1)).reshape(len(tweets), -1)


def fourier(numbers):
    """The 16 terms of each number, `[records, numbers * 16]`."""
    angles = numbers[:, :, None] / 2.0 ** np.arange(-1, 7)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=2).reshape(len(numbers), -1)


def fixed_inputs(tweets, numbers, flags, codes):
    """The network's input without the embeddings, `[records, FIXED]`."""
    return np.concatenate([sketches(tweets, codes), fourier(numbers), flags], axis=1)


def adamw(network, rate):
    return torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01, fused=True)


def step(network, optimizer, fixed, ids, labels):
    """One step; gives the logits and the loss before it."""
    logits = network(fixed, ids)
    loss = nn.functional.binary_cross_entropy_with_logits(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return logits.detach(), loss.item()


def check_inputs():
    """Codes, sketches, Fourier terms and flags against the golden ones."""
    def table(name, **options):
        return np.loadtxt(GOLDEN / name, delimiter="\t", **options)

    ids = table("emde/tokens.txt", dtype=int)
    vectors = np.loadtxt(GOLDEN / "emde/token_vectors.txt", skiprows=1)
    assert (vectors[:, 0] == ids).all()
    codes = token_codes(ids, vectors[:, 2:].astype(np.float32).astype(float), table("emde/projection_320x64.tsv"))
    assert (codes[ids] == table("emde/codes_absolute.tsv", dtype=int)).all(), "codes differ from fixtures/golden/emde"

    raw = (GOLDEN / "small/raw/validation/part-00000").read_bytes().split(b"\n")
    rows = [line.split("\t") for line in (GOLDEN / "small/expected/validation_split_holdout.tsv").read_text().splitlines()]
    first = rows[0].index("engagee_follows_engager")
    by_hash = {row[1]: row for row in rows[1:]}
    sketched = [line.split("\t")[1] for line in (GOLDEN / "features/sketches.tsv").read_text().splitlines()[1:]]
    records = [by_hash[name] for name in sketched]
    tweets = [np.array(raw[int(row[3])].split(b"\x01")[0].split(b"\t"), dtype=int) for row in records]
    flags = np.array([row[first:first + len(FLAGS)] for row in records], dtype=float)
    found = fixed_inputs(tweets, table("features/rows73.tsv"), flags, codes)
    golden = np.fromfile(GOLDEN / "features/input_60x6300_f64le.bin", dtype="<f8").reshape(-1, FIXED)
    difference = np.abs(found - golden).max()
    assert difference < 1e-12, f"inputs differ from fixtures/golden/features by {difference}"
    return golden


def golden_weights(name):
    """Weights by our names; the two wide layers' matrices are cut in two."""
    values = torch.from_numpy(np.fromfile(GOLDEN / f"net/{name}.f32le.bin", dtype="<f4"))
    weights = {}
    for tensor in json.loads((GOLDEN / f"net/{name}.json").read_text()):
        begin, shape = tensor["offset_floats"], tensor["shape"]
        weights[tensor["name"]] = values[begin:begin + int(np.prod(shape))].reshape(shape)
    for layer in ["l1", "projection"]:
        weight = weights.pop(f"{layer}.weight")
        weights[f"{layer}.fixed.weight"], weights[f"{layer}.embedded.weight"] = weight[:, :FIXED], weight[:, FIXED:]
        weights[f"{layer}.fixed.bias"] = weights.pop(f"{layer}.bias")
    return weights


def check_network(inputs):
    """Logits before and after five steps and their losses against the golden ones; gives the largest differences."""
    def table(name, skip=0):
        return torch.from_numpy(np.loadtxt(GOLDEN / f"net/{name}.tsv", delimiter="\t", skiprows=skip))

    given, fixed = table("ids_labels", skip=1), torch.from_numpy(inputs.astype(np.float32))
    ids, labels = given[:, :3].long(), given[:, 3:].float()
    weights, differences = golden_weights("weights_init"), {}
    network = Network(len(weights["language.weight"]), 32, Split)
    network.load_state_dict(weights)

    def compare(what, found, expected, tolerance):
        differences[what] = float((found.double() - expected).abs().max())
        assert differences[what] < tolerance, f"{what} differs from fixtures/golden/net by {differences[what]}"

    def evaluated():
        network.eval()
        with torch.no_grad():
            return network(fixed, ids)

    compare("logits at the start", evaluated(), table("logits_eval_init"), 1e-5)
    network.train()
    optimizer = adamw(network, 1e-4)
    steps = [step(network, optimizer, fixed, ids, labels) for _ in range(5)]
    compare("logits in training", steps[0][0], table("logits_train_step0"), 1e-5)
    compare("losses of 5 steps", torch.tensor([loss for _, loss in steps]), table("losses"), 1e-6)
    # With their weights: where a gradient is zero but for rounding, AdamW steps by the rate in the direction of the rounding error.
    network.load_state_dict(golden_weights("weights_after5"))
    compare("logits after them", evaluated(), table("logits_eval_after5"), 1e-5)
    return differences


class Records:
    """Records as arrays; batches are made dense when asked for."""

    def __init__(self, parts, languages=None):
        parts = [(part, *columns(part, features)) for part, features in parts]
        tokens = [part.column("tokens").combine_chunks() for part, _, _ in parts]
        self.tokens = [tweet for lists in tokens for tweet in
                       np.split(lists.flatten().to_numpy(), np.cumsum(lists.value_lengths().to_numpy())[:-1])]
        tables = [table for _, table, _ in parts]
        numbers = [name for name in tables[0] if name not in [*FLAGS, "language", "hour", "day"]]
        assert len(numbers) == 73, numbers
        self.languages = languages or sorted({language for table in tables for language in table["language"]})
        index = {language: number for number, language in enumerate(self.languages)}
        for table in tables:
            table["language"] = np.array([index.get(language, len(index)) for language in table["language"]])

        def stacked(names, dtype):
            return np.concatenate([np.stack([table[name].astype(dtype) for name in names], axis=1) for table in tables])

        self.numbers, self.flags = stacked(numbers, np.float64), stacked(FLAGS, np.float32)
        self.ids = stacked(["language", "hour", "day"], np.int64)
        order = [REACTIONS.index(reaction) for reaction in OUTPUTS]
        self.labels = np.concatenate([labels[:, order] for _, _, labels in parts]).astype(np.float32)
        times = [[part.column(f"{name}_time").fill_null(0).to_numpy() for name in REACTIONS] for part, _, _ in parts]
        latest = np.concatenate([np.max(reactions, axis=0).astype(np.int64) for reactions in times])
        tweeted = np.concatenate([part.column("tweet_time").to_numpy().astype(np.int64) for part, _, _ in parts])
        self.event_day = np.where(latest > 0, latest, tweeted) // DAY

    def batch(self, rows, codes):
        fixed = fixed_inputs([self.tokens[row] for row in rows], self.numbers[rows], self.flags[rows], codes)
        return (torch.from_numpy(array) for array in (fixed.astype(np.float32), self.ids[rows], self.labels[rows]))


def train(network, records, rows, codes, options, rate):
    """Learns from these records once, shuffled, with a new optimiser; gives the mean loss and the number of batches."""
    optimizer, losses = adamw(network, rate), []
    rows = rows[torch.randperm(len(rows)).numpy()]
    batches = [rows[begin:begin + options.batch] for begin in range(0, len(rows), options.batch)]
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [np.concatenate(batches[-2:])]
    network.train()
    for batch in batches:
        losses.append(step(network, optimizer, *records.batch(batch, codes))[1])
    return np.mean(losses), len(batches)


def measure(network, records, rows, codes):
    """Average precision and relative cross entropy in percent of each reaction, and the mean loss in nats."""
    network.eval()
    with torch.no_grad():
        logits = []
        for some in np.array_split(rows, len(rows) // 256 + 1):
            fixed, ids, _ = records.batch(some, codes)
            logits.append(network(fixed, ids))
    scores, overall, losses = torch.sigmoid(torch.cat(logits).double()).numpy(), {}, []
    for place, reaction in enumerate(OUTPUTS):
        truth, score = records.labels[rows, place], scores[:, place]
        loss, rate = log_loss(truth, score, labels=[0, 1]), truth.mean(dtype=float)
        losses.append(loss)
        overall[reaction] = {
            "rate": rate, "average_precision": average_precision_score(truth, score),
            "relative_cross_entropy": 100 * (1 - loss / log_loss(truth, np.full(len(truth), rate), labels=[0, 1])),
        }
    return {"overall": overall, "cross_entropy": float(np.mean(losses)), "records": len(rows)}


def later_records(options, folder, scratch):
    """Tables of the validation part with the test records behind it, as hold-out records; which records are held out (1), tests (2)."""
    own = export(options.skimmer, folder / "work", "validation", scratch)
    split, labels = own[1].column("split").to_numpy(), (folder / "records/test_labels.tsv").read_text().splitlines()
    test = (folder / "records/test/part-00000").read_bytes().removesuffix(b"\n").split(b"\n")
    assert len(test) == len(labels)
    joined, config = scratch / "part-00000", scratch / "config.yaml"
    if not config.exists():
        with open(joined, "wb") as out:
            out.write((folder / "records/validation/part-00000").read_bytes())
            for line, given in zip(test, labels):
                # Both in the order reply, retweet, quote, like; when the reaction came makes no difference for a held-out record.
                time_of = line.split(b"\x01")[8]
                out.write(b"\x01".join([line, *(time_of if label == "1" else b"" for label in given.split("\t")[2:])]) + b"\n")
        (scratch / "split.txt").write_text("".join(f"{int(held)}\n" for held in split) + "1\n" * len(test))
        config.write_text(f"working_dir: work\nrecsys_data: {folder / 'records/train'}\nvalidation_part: part-00000\n"
                          "validation_split: split.txt\nvocabulary_size: 2000\nmemory_budget: 1GiB\nthreads: 2\n")
    run(options.skimmer, "--quiet", "run", "--to", "features", "--config", config)
    both = export(options.skimmer, scratch / "work", "validation", scratch)
    for name in own[1].column_names:
        found = both[1].column(name).to_numpy()[:len(split)]
        assert np.array_equal(found, own[1].column(name).to_numpy()), f"{name}: not the features of {folder}/work"
    return both, np.concatenate([split, np.full(len(test), 2)])


def peer(options, folder, scratch, seeds):
    """Trains with each of these torch seeds and keeps the measures."""
    names = [path.stem for path in sorted((folder / "work/parts").glob("part-*.skim"))]
    training = Records([export(options.skimmer, folder / "work", name, scratch) for name in names])
    both, place = later_records(options, folder, scratch)
    later = Records([both], training.languages)
    ids, vectors = np.load(folder / "work/token_ids.npy").astype(int), np.load(folder / "work/token_embeddings.npy").astype(float)
    finetune, hold_out, test = (np.flatnonzero(place == value) for value in (0, 1, 2))
    days = np.unique(training.event_day)
    print(f"{len(training.numbers)} training records of {len(days)} days, {len(finetune)} to fine-tune on, {len(hold_out)} held out, "
          f"{len(test)} test records, {len(ids)} tokens, {len(training.languages)} languages", file=sys.stderr, flush=True)
    for seed in seeds:
        torch.manual_seed(seed)
        projection = np.random.default_rng(seed).normal(0, (DEPTH * BITS) ** -0.5, (DEPTH * BITS, vectors.shape[1]))
        codes = token_codes(ids, vectors, projection)
        network, begun = Network(len(training.languages) + 1, options.hidden, Split), time.monotonic()
        for number, day in enumerate(days):
            rows = np.flatnonzero(training.event_day == day)
            loss, batches = train(network, training, rows, codes, options, 1e-4 * 0.96**number)
            print(f"torch seed {seed}, day {number + 1}: {len(rows)} records, {batches} batches, loss {loss:.5f}, "
                  f"{time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        result = {"before": measure(network, later, hold_out, codes)}
        train(network, later, finetune, codes, options, 1e-4)
        result |= {"hold_out": measure(network, later, hold_out, codes), "test": measure(network, later, test, codes)}
        result["seconds"] = time.monotonic() - begun
        kept(scratch, options, seed).write_text(json.dumps(result))


def kept(scratch, options, seed):
    return scratch / f"torch {seed}, hidden {options.hidden}.json"


def row(records, recipe, report):
    cells = [f"{report['overall'][r]['average_precision']:.4f} / {report['overall'][r]['relative_cross_entropy']:.1f}" for r in REACTIONS]
    print(f"| {records} | {recipe} | {' | '.join(cells)} | {report['cross_entropy']:.5f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT / "target/bench/recipes", help="the --data of tools/bench/recipes.py")
    parser.add_argument("--records", type=int, default=200_000, help="its --records")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="its --seeds")
    parser.add_argument("--torch-seeds", type=int, nargs="+", default=[1, 2], help="PyTorch's, a training each")
    parser.add_argument("--hidden", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--check", action="store_true", help="compare inputs and network with fixtures/golden, and end")
    parser.add_argument("--skimmer", type=Path, default=ROOT / "target/release/skimmer")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    differences = check_network(check_inputs())
    print("as in fixtures/golden; largest differences: " + ", ".join(f"{what} {value:.1e}" for what, value in differences.items()))
    if options.check:
        return
    measured = []
    for seed in options.seeds:
        folder = (options.data / f"{options.records}-{seed}").resolve()
        scratch, ours = folder / "peer", folder / f"original, hidden {options.hidden}.json"
        scratch.mkdir(exist_ok=True)
        missing = [number for number in options.torch_seeds if not kept(scratch, options, number).exists()]
        if missing:
            peer(options, folder, scratch, missing)
        results = [(f"PyTorch, seed {number}", json.loads(kept(scratch, options, number).read_text())) for number in options.torch_seeds]
        if ours.exists():
            results.append(("ours, original", json.loads(ours.read_text())))
            rates = [[result["hold_out"]["overall"][r]["rate"] for r in REACTIONS] for _, result in results]
            assert np.allclose(rates, rates[-1], rtol=0, atol=1e-9), "not the same hold-out records"
        measured.append((seed, results))
    titles = {"test": "test records", "hold_out": "hold-out records", "before": "hold-out records, before the fine-tuning"}
    for records, title in titles.items():
        print(f"\n{title}; AP / RCE, mean loss\n")
        print(f"| records' seed | trained by | {' | '.join(REACTIONS)} | loss |\n|" + " --- |" * 7)
        for seed, results in measured:
            for recipe, result in results:
                row(seed, recipe, result[records])


if __name__ == "__main__":
    main()
