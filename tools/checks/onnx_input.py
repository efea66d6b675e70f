"""Runs model.onnx on exported network inputs, and compares with what `skimmer predict` says of the same records.

    pip install numpy onnxruntime pyarrow
    skimmer predict --model model < test.tsv > predictions.csv
    skimmer export-features test.tsv --model model --network-input --to parquet -o input.parquet
    python tools/checks/onnx_input.py model/model.onnx predictions.csv input.parquet

The input may be Parquet, Arrow (its name ends in .arrow) or a folder of numpy arrays. Prints the largest difference; one
above 1e-4, and any other disagreement, ends it with exit code 1.
"""

import argparse
import csv
import json
import pathlib
import sys

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq

TOLERANCE = 1e-4
BATCH = 512
PREDICTED = ["reply", "retweet", "quote", "like"]


def batches_of_table(batches):
    for batch in batches:
        numbers = batch.column("numbers")
        flat = numbers.flatten().to_numpy(zero_copy_only=False)
        ids = list(zip(batch.column("tweet_id").to_pylist(), batch.column("reader_id").to_pylist()))
        inputs = {name: batch.column(name).to_numpy() for name in ("language", "hour", "day")}
        yield ids, {"numbers": flat.reshape(len(batch), -1), **inputs}


def batches_of_folder(folder):
    arrays = {path.stem: np.load(path, mmap_mode="r") for path in folder.glob("*.npy")}
    names = ("numbers", "language", "hour", "day")
    for begin in range(0, len(arrays["language"]), BATCH):
        rows = slice(begin, begin + BATCH)
        ids = [(t.decode(), r.decode()) for t, r in zip(arrays["tweet_id"][rows], arrays["reader_id"][rows])]
        yield ids, {name: np.ascontiguousarray(arrays[name][rows]) for name in names}


def open_input(path):
    """The batches, and what the input says of itself."""
    if path.is_dir():
        return batches_of_folder(path), json.loads((path / "columns.json").read_text())
    if path.suffix == ".arrow":
        reader = pa.ipc.open_file(path)
        schema, batches = reader.schema, (reader.get_batch(i) for i in range(reader.num_record_batches))
    else:
        reader = pq.ParquetFile(path)
        schema, batches = reader.schema_arrow, reader.iter_batches(BATCH)
    about = {key.decode(): value.decode() for key, value in schema.metadata.items() if not key.startswith(b"ARROW")}
    about["columns"] = json.loads(about["columns"])
    return batches_of_table(batches), about


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("predictions", type=pathlib.Path)
    parser.add_argument("input", type=pathlib.Path)
    args = parser.parse_args()

    session = onnxruntime.InferenceSession(str(args.model), providers=["CPUExecutionProvider"])
    about = session.get_modelmeta().custom_metadata_map
    batches, described = open_input(args.input)
    for key in ("sketch_depth", "sketch_width"):
        if str(described[key]) != about[key]:
            sys.exit(f"{args.input}: {key} is {described[key]}, the model's is {about[key]}")
    width = session.get_inputs()[0].shape[1]
    if len(described["columns"]) != width:
        sys.exit(f"{args.input}: names {len(described['columns'])} columns, the model takes {width}")
    order = [about["outputs"].split(",").index(name) for name in PREDICTED]

    with args.predictions.open(newline="") as lines:
        expected = list(csv.reader(lines))
    seen, largest, spread = 0, 0.0, []
    for ids, inputs in batches:
        (probabilities,) = session.run(["probabilities"], inputs)
        rows = expected[seen : seen + len(ids)]
        if [(row[0], row[1]) for row in rows] != ids:
            sys.exit(f"{args.input}: ids of rows {seen} to {seen + len(ids)} are not those of {args.predictions}")
        predicted = np.array([row[2:] for row in rows], dtype=np.float64)
        largest = max(largest, np.abs(probabilities[:, order] - predicted).max())
        spread.append(predicted)
        seen += len(ids)
    if seen == 0 or seen != len(expected):
        sys.exit(f"{args.input}: {seen} rows, {args.predictions} has {len(expected)}")
    # Predictions that hardly differ from one another would agree with anything.
    least = np.concatenate(spread).std(axis=0).min()
    if least < 10 * TOLERANCE:
        sys.exit(f"{args.predictions}: one reaction's probabilities differ by {least:.1e} only: nothing can be compared")
    print(f"{args.input}: {seen} rows, largest difference {largest:.1e}")
    sys.exit(0 if largest <= TOLERANCE else 1)


if __name__ == "__main__":
    main()
