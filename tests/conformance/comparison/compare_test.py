#!/usr/bin/python3
"""What `normctl compare` finds, by a real server, beside reference.py: the same figures, each to 1e-9 of itself.

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
ESTIMATORS = {
    "cumulative": '{"cumulative": {}}',
    "batch_ema": '{"batch_ema": {"momentum": 0.1}}',
    "cumulative_batch": '{"cumulative_batch": {}}',
    "token_ema": '{"token_ema": {"alpha": 0.001}}',
}

# Figures are held to 1e-9 of themselves: intervals by two ways to Student's t come to 6e-11, all else to 4e-12.
RELATIVE = 1e-9
# Quantiles of gaps, by report.proto.
QUANTILES = {".p50": 0.0051, ".p99": 0.0051}
# In deviations. A batch that is all there is has 0, which is left of means and deviations that cancel: 6e-15 of them.
FLOORS = {".final_mean.": 1e-13, ".final_deviation.": 1e-13}

# All that a report has and the reference has not. Everything else must be in both.
NOT_COVERED = {
    # What chance gives: tests/core/comparison, by floors.py.
    "noise_floor", "ratio", "discrepancy_floor", "mean_shift_floor", "symmetric_divergence_floor", "excess", "change_point",
    # Drawn at random, by each in its own way.
    "co_batch_sensitivity", "co_batches",
    # Outputs by bin: tests/core/comparison.
    "densities",
    # Words, and what was asked for.
    "verdict", "plan", "name", "title", "spec", "method",
    # Costs, and where it comes from.
    "state_bytes", "nanoseconds_per_token", "from_sample",
}


def number(value):
    return float(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value


class Differences:
    """Of a report, and the reference's, in both directions."""

    def __init__(self):
        self.found = []
        self.figures = 0

    def compare(self, actual, expected, path=""):
        if isinstance(expected, dict) and isinstance(actual, dict):
            for name in sorted((actual.keys() | expected.keys()) - NOT_COVERED):
                if name not in expected:
                    self.found.append(f"{path}.{name}: {actual[name]}, which the reference has not")
                elif name not in actual:
                    self.found.append(f"{path}.{name}: is not there, and is {expected[name]}")
                else:
                    self.compare(actual[name], expected[name], f"{path}.{name}")
        elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
            for i, value in enumerate(expected):
                self.compare(actual[i], value, f"{path}[{i}]")
        elif isinstance(expected, (dict, list, str, bool)):
            if actual != expected:
                self.found.append(f"{path}: {actual!r}, not {expected!r}")
        else:
            self.compare_figures(number(actual), expected, path)

    def compare_figures(self, actual, expected, path):
        self.figures += 1
        relative, floor = (
            next((value for part, value in exceptions.items() if part in path), usual)
            for exceptions, usual in ((QUANTILES, RELATIVE), (FLOORS, 0))
        )
        is_number = isinstance(actual, (int, float))
        if not is_number or not math.isclose(actual, expected, rel_tol=relative, abs_tol=floor):
            self.found.append(f"{path}: {actual}, not {expected}")


def cells_by_name(cells):
    """Cells without a batch say nothing, and what is shuffled is by each in its own way."""
    return {
        f"{cell['order']} {cell['batch_size']} {bool(cell.get('with_padding'))}": cell
        for cell in cells
        if int(cell["batches"]) > 0 and cell["order"] != "BATCH_ORDER_SHUFFLED"
    }


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

    def run_compare(self, tokens, estimator="cumulative", axis=-1, non_finite=None, rows_per_chunk=64, flags=(), stdin=None):
        specs = [{"batch_norm": {"channel_axis": axis, "estimator": json.loads(ESTIMATORS[estimator])}}, {"layer_norm": {}}]
        for spec in specs if non_finite else ():
            spec["non_finite"] = f"NON_FINITE_POLICY_{non_finite}"
        path = self.path / "specs.json"
        path.write_text(json.dumps({"specs": specs}))
        command = [BIN / "normctl", "--server", self.address, "--json", "compare", tokens, "--specs", path]
        command += ["--rows-per-chunk", str(rows_per_chunk), *flags]
        ran = subprocess.run(command, input=stdin, capture_output=True)
        ran.stdout, ran.stderr = ran.stdout.decode(), ran.stderr.decode()
        return ran

    def compare(self, *arguments, **options):
        ran = self.run_compare(*arguments, **options)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return json.loads(ran.stdout)["report"]

    def check(self, tokens, lengths=None, rows_per_chunk=64, estimator="cumulative", axis=-1, mask=None, non_finite=None):
        flags = ["--lengths", lengths] if lengths else []
        flags += ["--mask", mask] if mask else []
        actual = self.compare(tokens, estimator, axis, non_finite, rows_per_chunk, flags)
        data = np.load(tokens)
        lengths, mask = (name and np.load(name) for name in (lengths, mask))
        units = len(data) if lengths is None else len(lengths)
        chunks = [min(rows_per_chunk, units - i) for i in range(0, units, rows_per_chunk)]
        if lengths is not None and data.ndim == 2:
            ends = np.cumsum(lengths)
            chunks = np.diff([0, *(ends[min(i + rows_per_chunk, units) - 1] for i in range(0, units, rows_per_chunk))])
        stream = stream_of(data, lengths, None, chunks, mask, axis)
        expected = reference.plain(reference.report(stream, estimator=estimator))
        for report in (actual, expected):
            report["cells"] = cells_by_name(report["cells"])
            if axis != -1:  # LayerNorm of an image is of its rows of pixels: not of tokens
                del report["methods"][1:]
                for cell in report["cells"].values():
                    del cell["methods"][1:]
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

    def test_images_that_are_masked_out(self):
        images = np.load(DATA / "cnn_conv1_nchw.npy")[:40]
        mask = np.random.Generator(np.random.PCG64(12)).random(len(images)) < 0.7
        paths = self.save(masked_images=images, images_mask=mask)
        self.check(paths[0], rows_per_chunk=4, axis=1, mask=paths[1])

    def test_padding(self):
        for estimator in ESTIMATORS:
            with self.subTest(estimator):
                self.check(self.path / "padded.npy", self.path / "padded_lengths.npy", 6, estimator)

    def save(self, **arrays):
        for name, array in arrays.items():
            np.save(self.path / f"{name}.npy", array)
        return [self.path / f"{name}.npy" for name in arrays]

    def tokens_with_holes(self, shape):
        """A NaN, an infinity of either sign; one token of them alone; and an eighth of what is left, at random."""
        generator = np.random.Generator(np.random.PCG64(7))
        tokens = generator.standard_normal(shape).astype("<f4")
        flat = tokens.reshape(-1, shape[-1])
        flat[3, 1], flat[4, 0], flat[9, 2], flat[17] = np.nan, np.inf, -np.inf, np.nan
        flat[generator.random(len(flat)) < 0.125, 1] = np.nan
        return tokens

    def test_tokens_that_are_not_finite_are_left_out_under_propagate(self):
        (rows,) = self.save(rows=self.tokens_with_holes((3000, 8)))
        self.assertGreater(int(self.check(rows, non_finite="PROPAGATE")["non_finite_tokens"]), 300)

    def test_tokens_of_sequences_that_are_not_finite_take_no_position(self):
        generator = np.random.Generator(np.random.PCG64(8))
        tokens, lengths = self.save(steps=self.tokens_with_holes((200, 20, 8)), steps_lengths=generator.integers(1, 21, 200))
        self.check(tokens, lengths, 8, non_finite="PROPAGATE")

    def test_tokens_that_are_not_finite_are_refused_under_reject(self):
        (rows,) = self.save(rows=self.tokens_with_holes((300, 8)))
        for policy in ("REJECT", "UNSPECIFIED"):
            ran = self.run_compare(rows, non_finite=policy)
            self.assertNotEqual(ran.returncode, 0)
            self.assertIn("NaN or infinity", ran.stderr)

    def test_rows_that_are_masked_out(self):
        generator = np.random.Generator(np.random.PCG64(9))
        rows = generator.standard_normal((3000, 8)).astype("<f4")
        mask = generator.random(3000) < 0.7
        mask[:200] = True  # chunks without padding come first
        rows[~mask] = 5
        self.check(*self.save(masked_rows=rows), mask=self.save(mask=mask)[0])

    def test_sequences_that_are_masked_out_and_of_varying_length(self):
        """Few of the sequences reach the later positions."""
        generator = np.random.Generator(np.random.PCG64(10))
        tokens = generator.standard_normal((300, 24, 8)).astype("<f4") + np.linspace(0, 1, 24, dtype="<f4")[:, None]
        lengths, mask = np.minimum(generator.geometric(0.15, 300), 24), generator.random(300) < 0.8
        paths = self.save(part=tokens, part_lengths=lengths, part_mask=mask)
        self.check(paths[0], paths[1], 7, mask=paths[2])

    def test_steps_of_several_tokens(self):
        """[N, T, P, C]: P tokens a step."""
        generator = np.random.Generator(np.random.PCG64(11))
        tokens, lengths = generator.standard_normal((60, 10, 3, 8)).astype("<f4"), generator.integers(1, 11, 60)
        self.check(*self.save(planes=tokens, planes_lengths=lengths), 4)

    def test_streams_made_on_purpose(self):
        for name in ("independent", "drift", "outlier_channels", "sequence_offset"):
            with self.subTest(name):
                self.check(self.path / f"{name}.npy", rows_per_chunk=50)

    def test_two_passes_measure_what_one_does(self):
        """With a sample of few of the tokens, what comes in the order of arrival is still exact."""
        padded = self.path / "padded.npy", self.path / "padded_lengths.npy"
        for tokens, lengths in ((self.path / "independent.npy", None), padded):
            flags = ["--lengths", lengths] if lengths else []
            whole = self.compare(tokens, flags=flags)
            twice = self.compare(tokens, flags=[*flags, "--sample-kib", "16"])
            arrival = [cell for cell in whole["cells"] if cell["order"] == ORDERS[0]]
            again = [cell for cell in twice["cells"] if cell["order"] == ORDERS[0]]
            self.assertEqual(any(cell.get("with_padding") for cell in arrival), lengths is not None)
            self.assertLess(int(twice["sampled_tokens"]), int(whole["sampled_tokens"]) / 20)
            differences = Differences()
            differences.compare(again, arrival)
            self.assertEqual(differences.found, [])

    def test_a_sample_tells_what_all_have_within_its_interval(self):
        """Of a pipe, which comes once: 95 of 100, when it says so. Batches of 32 of an eighth of the tokens."""
        held = 0
        for seed in range(20):
            generator = np.random.Generator(np.random.PCG64(seed))
            scale = generator.gamma(2, size=(4096, 1))
            (rows,) = self.save(rows=(scale * generator.standard_normal((4096, 8))).astype("<f4"))
            plan = ["--orders", "arrival", "--batch-sizes", "32", "--batch-size-in-use", "32"]
            whole = self.compare(rows, flags=plan)
            sampled = self.compare("-", flags=[*plan, "--sample-kib", "16"], stdin=rows.read_bytes())
            gap, interval = (report["cells"][0]["methods"][0]["output_gap"] for report in (whole, sampled))
            self.assertLess(int(sampled["sampled_tokens"]), 520)
            self.assertLess(interval["high"] - interval["low"], 0.5 * interval["overall"])
            held += interval["low"] <= gap["overall"] <= interval["high"]
        self.assertGreaterEqual(held, 17)

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

    def test_the_smallest_inputs_are_told_what_the_batches_meant_would_take(self):
        for rows in (1, 3, 40):
            (path,) = self.save(few=np.random.Generator(np.random.PCG64(rows)).standard_normal((rows, 8)).astype("<f4"))
            verdict = self.compare(path, rows_per_chunk=128)["verdict"]
            self.assertEqual((verdict["kind"], verdict["tokens_needed"]), ("KIND_NOT_ENOUGH_DATA", "1024"))

    def test_nothing_is_said_of_features_that_never_change(self):
        (path,) = self.save(constant=np.full((2000, 8), 3.5, "<f4"))
        self.assertEqual(self.compare(path)["verdict"]["kind"], "KIND_UNSPECIFIED")

    def test_thresholds_are_the_users(self):
        self.assertEqual(self.verdict("independent", 128, ["--largest-gap", "0.01"])["kind"], "KIND_USE_FROZEN_STATISTICS")


if __name__ == "__main__":
    unittest.main()
