#!/usr/bin/python3
"""What `normctl compare` finds, by a real server, beside reference.py: every exact figure to 1e-9.

    compare_test.py BIN       where BIN holds normd and normctl
"""

import json
import math
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import numpy as np

import reference
import streams
from batches import stream_of
from cells import ORDERS

BIN = pathlib.Path(sys.argv.pop(1))
DATA = pathlib.Path(__file__).parents[2] / "data"
EXACT = 1e-9
QUANTILE = 0.0051  # of gaps, relative
METHODS = {"cumulative": "{}", "batch_ema": '{"batch_ema": {"momentum": 0.1}}', "cumulative_batch": '{"cumulative_batch": {}}', "token_ema": '{"token_ema": {"alpha": 0.001}}'}

# What the reference has no part in, or what is drawn at random by each in its own way.
SKIPPED = {"plan", "verdict", "co_batch_sensitivity", "noise_floor", "ratio", "mean_shift_floor", "excess"}
SKIPPED |= {"symmetric_divergence_floor", "change_point", "state_bytes", "nanoseconds_per_token", "from_sample"}
SKIPPED |= {"discrepancy_floor", "densities", "co_batches"}


def number(value):
    return float(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value


class Differences:
    """Of a report, and the reference's."""

    def __init__(self):
        self.found = []
        self.figures = 0

    def compare(self, actual, expected, path=""):
        if isinstance(expected, dict):
            for name, value in expected.items():
                if name not in SKIPPED:
                    self.compare(actual.get(name) if isinstance(actual, dict) else None, value, f"{path}.{name}")
        elif isinstance(expected, list):
            if not isinstance(actual, list) or len(actual) != len(expected):
                self.found.append(f"{path}: {actual and len(actual)} values, not {len(expected)}")
                return
            for i, value in enumerate(expected):
                self.compare(actual[i], value, f"{path}[{i}]")
        elif isinstance(expected, (str, bool)):
            if actual != expected:
                self.found.append(f"{path}: {actual!r}, not {expected!r}")
        else:
            self.figures += 1
            actual = number(actual)
            tolerance = EXACT * max(1, abs(expected))
            if path.rsplit(".", 1)[-1] in ("p50", "p99"):
                tolerance = QUANTILE * abs(expected)
            if not isinstance(actual, (int, float)) or not math.isclose(actual, expected, rel_tol=0, abs_tol=tolerance):
                self.found.append(f"{path}: {actual}, not {expected}")


def cells_by_name(cells):
    """Cells without a batch say nothing, and padding is measured in the order of arrival alone."""
    named = {}
    for cell in cells:
        padded = bool(cell.get("with_padding"))
        if int(cell["batches"]) > 0 and not (padded and cell["order"] != ORDERS[0]):
            named[f"{cell['order']} {cell['batch_size']} {padded}"] = cell
    return named


class CompareTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.path = pathlib.Path(folder.name)
        for name, array in streams.streams():
            np.save(cls.path / f"{name}.npy", array)
        port = cls.path / "port"
        server = subprocess.Popen([BIN / "normd", "--listen=127.0.0.1:0", f"--port_file={port}", "--log_level=warn"])
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.terminate)
        while not (port.exists() and port.read_text()):
            if server.poll() is not None:
                raise RuntimeError("normd has ended")
            time.sleep(0.02)
        cls.address = f"127.0.0.1:{port.read_text().strip()}"

    def compare(self, tokens, lengths=None, rows_per_chunk=64, estimator="cumulative", axis=-1, flags=()):
        spec = {"batch_norm": {"channel_axis": axis, "estimator": json.loads(METHODS[estimator]) or {"cumulative": {}}}}
        specs = self.path / "specs.json"
        specs.write_text(json.dumps({"specs": [spec, {"layer_norm": {}}]}))
        command = [BIN / "normctl", "--server", self.address, "--json", "compare", tokens, "--specs", specs]
        command += ["--rows-per-chunk", str(rows_per_chunk), *flags]
        command += ["--lengths", lengths] if lengths else []
        ran = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return json.loads(ran.stdout)["report"]

    def check(self, tokens, lengths=None, rows_per_chunk=64, estimator="cumulative", axis=-1, flags=()):
        actual = self.compare(tokens, lengths, rows_per_chunk, estimator, axis, flags)
        data = np.load(tokens)
        lengths = None if lengths is None else np.load(lengths)
        units = len(data) if lengths is None else len(lengths)
        chunks = [min(rows_per_chunk, units - i) for i in range(0, units, rows_per_chunk)]
        if lengths is not None and data.ndim == 2:
            ends = np.cumsum(lengths)
            chunks = np.diff([0, *(ends[min(i + rows_per_chunk, units) - 1] for i in range(0, units, rows_per_chunk))])
        expected = reference.plain(reference.report(stream_of(data, lengths, None, chunks), estimator=estimator))
        actual["cells"], expected["cells"] = cells_by_name(actual["cells"]), cells_by_name(expected["cells"])
        self.assertEqual(actual["cells"].keys() & expected["cells"].keys(), expected["cells"].keys())
        if axis != -1:  # LayerNorm of an image is of its rows of pixels: not of tokens
            for cell in expected["cells"].values():
                cell["methods"] = cell["methods"][:1]
                actual["cells"][f"{cell['order']} {cell['batch_size']} False"]["methods"] = [
                    actual["cells"][f"{cell['order']} {cell['batch_size']} False"]["methods"][0]
                ]
        differences = Differences()
        differences.compare(actual, expected)
        self.assertEqual(differences.found[:20], [], f"{len(differences.found)} of {differences.figures}")
        self.assertGreater(differences.figures, 500)
        return actual

    def test_transformer(self):
        self.check(DATA / "transformer_l1_tokens.npy", DATA / "transformer_l1_lengths.npy", 8)

    def test_transformer_by_exponential_averages_of_batches(self):
        self.check(DATA / "transformer_l1_tokens.npy", rows_per_chunk=100, estimator="batch_ema")

    def test_transformer_by_averages_of_batches(self):
        self.check(DATA / "transformer_l1_tokens.npy", rows_per_chunk=7, estimator="cumulative_batch")

    def test_transformer_by_exponential_averages_of_tokens(self):
        self.check(DATA / "transformer_l1_tokens.npy", rows_per_chunk=30, estimator="token_ema")

    def test_minilm(self):
        self.check(DATA / "minilm_tokens.npy", DATA / "minilm_lengths.npy", 3)

    def test_images(self):
        images = self.path / "images.npy"
        np.save(images, np.load(DATA / "cnn_conv1_nchw.npy")[:64])
        self.check(images, rows_per_chunk=5, axis=1)

    def test_padding(self):
        for estimator in METHODS:
            with self.subTest(estimator):
                self.check(self.path / "padded.npy", self.path / "padded_lengths.npy", 6, estimator)

    def test_streams_made_on_purpose(self):
        for name in ("independent", "drift", "outlier_channels", "sequence_offset"):
            with self.subTest(name):
                self.check(self.path / f"{name}.npy", rows_per_chunk=50)

    def test_two_passes_measure_what_one_does(self):
        """With a sample of few of the tokens, what comes in the order of arrival is still exact."""
        padded = self.path / "padded.npy", self.path / "padded_lengths.npy"
        for tokens, lengths in ((self.path / "independent.npy", None), padded):
            whole = self.compare(tokens, lengths)
            twice = self.compare(tokens, lengths, flags=["--sample-kib", "16"])
            arrival = [cell for cell in whole["cells"] if cell["order"] == ORDERS[0]]
            again = [cell for cell in twice["cells"] if cell["order"] == ORDERS[0]]
            self.assertEqual(any(cell.get("with_padding") for cell in arrival), lengths is not None)
            self.assertLess(int(twice["sampled_tokens"]), int(whole["sampled_tokens"]) / 20)
            differences = Differences()
            differences.compare(again, arrival)
            self.assertEqual(differences.found, [])

    def test_what_once_ended_the_server(self):
        """Methods of rows before those of channels; no rows at all; one sequence far longer than all others."""
        images, empty, long, lengths = (self.path / f"{name}.npy" for name in ("rows", "empty", "long", "long_lengths"))
        np.save(images, np.ones((50, 3, 4, 4), "<f4") * np.arange(50, dtype="<f4")[:, None, None, None])
        np.save(empty, np.zeros((0, 8), "<f4"))
        np.save(long, np.arange(20000, dtype="<f4")[:, None])
        np.save(lengths, np.array([10000] + 10000 * [1], "<i8"))
        for arguments in (
            [images, "--method", "layer_norm", "--method", "batch_norm"],
            [empty],
            [long, "--lengths", lengths, "--rows-per-chunk", "2000"],
        ):
            command = [BIN / "normctl", "--server", self.address, "compare", *arguments]
            ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
            self.assertEqual(ran.returncode, 0, ran.stderr)

    def test_the_same_report_every_time(self):
        reports = [self.compare(DATA / "transformer_l1_tokens.npy", flags=["--seed", "3"]) for _ in range(2)]
        for report in reports:
            for method in report["methods"]:
                del method["nanoseconds_per_token"]
        self.assertEqual(*reports)


    # The words, on streams that are known.

    def verdict(self, name, size, flags=()):
        return self.compare(self.path / f"{name}.npy", flags=["--batch-size-in-use", str(size), *flags])["verdict"]

    def test_verdicts(self):
        cases = [
            ("independent", 128, "BATCH_NORM_IS_FINE"),
            ("independent", 8, "USE_FROZEN_STATISTICS"),
            ("independent", 1, "USE_FROZEN_STATISTICS"),
            ("independent", 4096, "NOT_ENOUGH_DATA"),
            ("outlier_channels", 128, "BATCH_NORM_IS_FINE"),
            ("autoregressive", 128, "USE_FROZEN_STATISTICS"),
            ("drift", 128, "USE_LAYER_NORM"),
            ("regime_switch", 32, "USE_LAYER_NORM"),
        ]
        for name, size, kind in cases:
            with self.subTest(f"{name}, {size}"):
                verdict = self.verdict(name, size)
                self.assertEqual(verdict["kind"], f"KIND_{kind}", verdict["reasons"])

    def test_few_tokens_are_not_enough_and_it_says_how_many_are(self):
        verdict = self.verdict("independent", 128, ["--rows", "0:300"])
        self.assertEqual(verdict["kind"], "KIND_NOT_ENOUGH_DATA")
        self.assertEqual(verdict["tokens_needed"], "1024")

    def test_thresholds_are_the_users(self):
        self.assertEqual(self.verdict("independent", 128, ["--largest-gap", "0.01"])["kind"], "KIND_USE_FROZEN_STATISTICS")


if __name__ == "__main__":
    unittest.main()
