#!/usr/bin/python3
"""The reference beside numbers known from elsewhere."""

import math
import pathlib
import unittest

import numpy as np

import reference
import streams
from batches import Moments, inference_statistics, moments_of, moments_of_each, stream_of, t_quantile
from cells import cell

DATA = pathlib.Path(__file__).resolve().parents[2] / "data"


def measured(cell, name):
    return cell["methods"][0]["discrepancies"][name]["measured"]


def arrival_cell(values, size, estimator):
    stream = stream_of(values)
    return cell(stream, "BATCH_ORDER_ARRIVAL", size, estimator, moments_of(stream.values))


class ReferenceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.streams = dict(streams.streams())

    def arrival_cell(self, name, size, estimator="cumulative"):
        return arrival_cell(self.streams[name], size, estimator)

    def test_quantiles_of_t_are_those_of_tables(self):
        for degrees, quantile in ((1, 12.7062047364), (7, 2.3646242516), (15, 2.1314495456), (31, 2.0395134464)):
            self.assertAlmostEqual(t_quantile(degrees), quantile, places=9)

    def test_means_of_independent_batches_are_as_far_as_chance_has_it(self):
        found = measured(self.arrival_cell("independent", 128), "final_mean")
        chance = math.sqrt(2 / (math.pi * 128) * (1 - 128 / streams.TOKENS))
        self.assertLess(found["low"], chance)
        self.assertGreater(found["high"], chance)

    def test_a_batch_of_neighbors_is_worth_fewer_tokens(self):
        worth = 128 * (1 - 0.9) / (1 + 0.9)  # in long batches
        self.assertAlmostEqual(self.arrival_cell("autoregressive", 128)["effective_batch_size"] / worth, 1, delta=0.15)

    def test_averages_over_batches_are_those_of_frameworks(self):
        batches = Moments(np.array([4, 2]), np.array([[1.0], [3.0]]), np.array([[6.0], [4.0]]))
        ema = inference_statistics(batches, "batch_ema")
        self.assertAlmostEqual(ema.means[0], 0.9 * 0.1 + 0.3)
        self.assertAlmostEqual(ema.variances[0], 0.9 * (0.9 + 0.8) + 0.8)
        plain = inference_statistics(batches, "cumulative_batch")
        self.assertAlmostEqual(plain.means[0], 2)
        self.assertAlmostEqual(plain.variances[0], 8)

    def test_pooled_statistics_are_those_of_all_tokens(self):
        values = self.streams["drift"].astype(np.float64)
        batches = moments_of_each(values, [np.arange(0, 5000), np.arange(5000, 5001), np.arange(5001, 8192)])
        pooled = inference_statistics(batches, "cumulative")
        np.testing.assert_allclose(pooled.means, values.mean(axis=0), rtol=1e-13)
        np.testing.assert_allclose(pooled.variances, values.var(axis=0), rtol=1e-13)

    def test_padding_of_zeros(self):
        """tensorflow/tensorflow#30161: mean 3 becomes 1.5, variance 2 becomes 3.25."""
        stream = stream_of(np.array([1, 2, 3, 4, 5, 0, 0, 0, 0, 0.0]).reshape(1, 10, 1), [5])
        effect = reference.padding_effect(stream)
        expected = [("padded_share", 0.5), ("mean_without", 3), ("mean_with", 1.5)]
        for name, value in expected + [("variance_without", 2), ("variance_with", 3.25)]:
            self.assertAlmostEqual(effect[name], value)

    def test_groups_of_levels_as_wide_as_their_tokens(self):
        found = reference.grouping_by_sequence(stream_of(self.streams["sequence_offset"]))
        self.assertAlmostEqual(found["intraclass_correlation"], 0.5, delta=0.02)

    def test_a_start_token_is_a_constant_position(self):
        tokens, lengths = np.load(DATA / "transformer_l1_tokens.npy"), np.load(DATA / "transformer_l1_lengths.npy")
        found = reference.grouping_by_position(stream_of(tokens, lengths))
        self.assertEqual(found["constant_positions"], [0])

    def test_shares_of_variance_add_to_one(self):
        split = reference.variance_split(np.add.outer(np.arange(6.0), [0, 10, 20]))
        self.assertAlmostEqual(split["token_share"] + split["channel_share"], 1)

    def test_channels_that_do_not_vary_enter_nothing(self):
        values = self.streams["independent"][:1024].astype(np.float64)
        with_constant = np.column_stack([values, np.full(1024, 0.1)])
        cells = [
            arrival_cell(one, 32, "cumulative")
            for one in (values, with_constant)
        ]
        for name in ("tid_mean_by_batch", "renorm_r", "final_mean"):
            self.assertAlmostEqual(measured(cells[0], name)["value"], measured(cells[1], name)["value"], places=14)

    def test_single_tokens_have_no_deviation(self):
        cell = self.arrival_cell("independent", 1)
        self.assertNotIn("tid_mean_by_batch", cell["methods"][0]["discrepancies"])
        self.assertIn("renorm_d", cell["methods"][0]["discrepancies"])
        self.assertIsNone(cell["methods"][0]["output_gap"])
        self.assertNotIn("renorm_d", self.arrival_cell("independent", 1, "batch_ema")["methods"][0]["discrepancies"])


if __name__ == "__main__":
    unittest.main()
