#!/usr/bin/env python3
"""Writes example reports, as JSON of normd.v1.ComparisonReport, for tests of the page.

Figures are made up, but of the size that real activations give; only the standard library and a seed
go into them. Usage: make_examples.py FOLDER
"""

import json
import math
import pathlib
import random
import sys

SIZES = [1, 2, 4, 8, 32, 128, 4096]
ORDERS = [
    "BATCH_ORDER_ARRIVAL",
    "BATCH_ORDER_SHUFFLED",
    "BATCH_ORDER_BY_SEQUENCE",
    "BATCH_ORDER_BY_POSITION",
]
DISCREPANCIES = [
    "tid_mean_by_batch",
    "tid_deviation_by_batch",
    "tid_mean_by_running",
    "tid_deviation_by_running",
    "renorm_d",
    "renorm_r",
    "powernorm_mean",
    "powernorm_variance",
    "powernorm_relative",
    "final_mean",
    "final_deviation",
]
CHANNELS = 128


def as_proto_json(value):
    """As protobuf writes it: 64-bit integers are strings, and zeros are left out."""
    if isinstance(value, dict):
        written = {name: as_proto_json(item) for name, item in value.items()}
        return {name: item for name, item in written.items() if item not in (0, "0", False, None, "", [])}
    if isinstance(value, list):
        return [as_proto_json(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def estimate(value, batches, spread=0.08):
    if batches < 8:
        return {"value": value}
    half = value * spread * min(1.0, 4 / math.sqrt(batches))
    return {"value": value, "low": value - half, "high": value + half}


def is_of_deviation(name):
    return "deviation" in name or "variance" in name or name == "renorm_r"


def discrepancies(size, ratio, tokens, batches):
    """All that a method which keeps statistics has; ratio is that of the means."""
    result = {}
    for name in DISCREPANCIES:
        deviation = is_of_deviation(name)
        if size == 1 and (deviation or name.endswith("by_batch")):
            continue
        floor = math.sqrt(2 / (math.pi * size)) * math.sqrt(max(0.0, 1 - size / tokens))
        if deviation:
            floor *= 0.71 * (1 + 0.6 / size)
        if name.startswith("powernorm") and not name.endswith("relative"):
            floor *= 0.09
        own_ratio = 1 + (ratio - 1) * (0.8 if deviation else 1.0)
        found = {"measured": estimate(floor * own_ratio, batches), "ratio": estimate(own_ratio, batches)}
        # The form divided by the batch's deviation has no expectation for batches of two.
        if not (size == 2 and name.endswith("by_batch")):
            found["noise_floor"] = floor
        else:
            del found["ratio"]
        result[name] = found
    return result


def gap_of_batches(size, ratio):
    p50 = min(1.6, 1.25 * ratio / math.sqrt(size))
    return {"p50": p50, "p99": p50 * 2.4, "largest": p50 * 5.1, "overall": p50 * 1.15, "low": p50 * 1.05, "high": p50 * 1.26}


def mean_ratio(order, size):
    growth = math.log2(size)
    if order == "BATCH_ORDER_SHUFFLED":
        return 1.0 + 0.01 * math.sin(growth)
    if order == "BATCH_ORDER_ARRIVAL":
        return 1.01 + 0.017 * growth + 0.0012 * growth**2.6
    if order == "BATCH_ORDER_BY_SEQUENCE":
        return 1.02 + 0.14 * growth
    return 1.05 + 0.04 * growth + 0.018 * growth**2.5


def cell(order, size, mean_size, tokens, keepers, with_padding=False, likeness=1.0):
    batches = max(1, int(tokens // mean_size))
    ratio = 1 + likeness * (mean_ratio(order, mean_size) - 1)
    methods = []
    for keeps in keepers:
        if not keeps:
            methods.append({
                "output_gap": {"p50": 0.0, "p99": 0.0, "largest": 0.0, "overall": 0.0},
                "co_batch_sensitivity": {"value": 0.0, "low": 0.0, "high": 0.0},
            })
            continue
        found = {"discrepancies": discrepancies(mean_size, ratio, tokens, batches)}
        if mean_size > 1:
            found["output_gap"] = gap_of_batches(mean_size, ratio)
            found["co_batch_sensitivity"] = estimate(0.95 / math.sqrt(mean_size), 64)
        methods.append(found)
    return {
        "order": order,
        "batch_size": size,
        "with_padding": with_padding,
        "batches": batches,
        "mean_batch_size": float(mean_size),
        "from_sample": order != "BATCH_ORDER_ARRIVAL",
        "effective_batch_size": mean_size / ratio**2,
        "methods": methods,
    }


def normal_density(x, mean, deviation):
    return math.exp(-0.5 * ((x - mean) / deviation) ** 2) / deviation


def density(method, size, training, weight_of):
    low, high, bins = -4.0, 4.0, 64
    centers = [low + (bin + 0.5) * (high - low) / bins for bin in range(bins)]
    weights = [weight_of(x) for x in centers]
    total = sum(weights)
    return {
        "method": method,
        "batch_size": size,
        "training": training,
        "low": low,
        "high": high,
        "shares": [weight / total for weight in weights],
    }


def densities(keepers):
    def heavy(x):
        return 0.7 * normal_density(x, -0.12, 0.72) + 0.3 * normal_density(x, 0.28, 1.5)

    def by_batches_of_128(x):
        return 0.68 * normal_density(x, -0.08, 0.76) + 0.32 * normal_density(x, 0.2, 1.4)

    def by_pairs(x):
        return normal_density(abs(x), 0.96, 0.05) + 0.01

    result = []
    for method, keeps in enumerate(keepers):
        for size in (128, 2):
            training = heavy if not keeps else (by_pairs if size == 2 else by_batches_of_128)
            result.append(density(method, size, True, training))
            result.append(density(method, size, False, heavy))
    return result


def co_batches(keepers, noise):
    result = []
    for method, keeps in enumerate(keepers):
        for size in (2, 8, 32, 128):
            spread = 1.4 / math.sqrt(size) if keeps else 0.0
            outputs = [0.83 + noise.gauss(0, spread) for _ in range(8)]
            if keeps and size == 2:
                outputs = [0.999 if noise.random() < 0.7 else -0.999 for _ in range(8)]
            result.append({"method": method, "batch_size": size, "channel": 17, "outputs": outputs})
    return result


def plots(tokens, keepers, noise, shift):
    """Of a stream whose mean moves by `shift` deviations at 60 % of it."""
    segments = 64
    per_segment = tokens // segments
    floor = math.sqrt(2 / (math.pi * per_segment))
    channels = []
    drawn = noise.sample(range(CHANNELS), 32)
    for rank in range(32):
        direction = noise.choice((-1, 1)) * shift * (1.5 - rank / 40)
        phase = noise.random() * 6
        channels.append({
            "channel": drawn[rank],
            "values": [
                noise.gauss(0, 0.07) + 0.12 * math.sin(segment / 5 + phase)
                + direction * (0.55 if segment > 0.6 * segments else -0.35)
                for segment in range(segments)
            ],
        })
    return {
        "segment_ends": [per_segment * (segment + 1) for segment in range(segments)],
        "discrepancy": {
            "channel": -1,
            "values": [
                floor * (1.1 + 0.5 * noise.random()) + shift * (0.33 if segment > 0.6 * segments else 0.24)
                * (1 + 0.25 * math.sin(segment / 3.7) + 0.1 * noise.gauss(0, 1))
                for segment in range(segments)
            ],
        },
        "discrepancy_floor": [floor] * segments,
        "channels": channels,
        "densities": densities(keepers),
        "co_batches": co_batches(keepers, noise),
    }


THRESHOLDS = {"largest_gap": 0.25, "largest_ratio": 1.5, "largest_drift": 0.25, "widest_interval": 0.5}


def plan(orders, sizes, in_use):
    return {
        "batch_sizes": [*sizes, 0],
        "orders": orders,
        "seed": 7,
        "sample_bytes": 32 << 20,
        "batch_size_in_use": in_use,
        "thresholds": THRESHOLDS,
    }


def outstanding_channels(noise):
    return [
        {
            "index": noise.randrange(CHANNELS),
            "mean": noise.gauss(0, 1.2),
            "deviation": 7.5 - 0.7 * rank,
            "kurtosis": 15.2 / (1 + 0.3 * rank),
            "largest_magnitude": 61.0 - 5 * rank,
        }
        for rank in range(8)
    ]


def transformer():
    """Two methods over tokens in sentences: batches are off, and the stream changes."""
    noise = random.Random(7)
    tokens, keepers = 65536, [True, False]
    cells = [cell(order, size, size, tokens, keepers) for order in ORDERS for size in SIZES]
    cells += [cell("BATCH_ORDER_ARRIVAL", 0, 256, tokens, keepers)]
    cells += [cell("BATCH_ORDER_BY_SEQUENCE", 0, 20.5, tokens, keepers)]
    cells += [cell("BATCH_ORDER_BY_POSITION", 0, 164.0, tokens, keepers)]
    return {
        "tokens": tokens,
        "sequences": 3200,
        "sampled_tokens": tokens,
        "non_finite_tokens": 3,
        "cells": cells,
        "variance_split": {
            "token_share": 0.021,
            "channel_share": 0.143,
            "residual_share": 0.836,
            "token_scale_variation": 0.51,
            "channel_scale_variation": 0.28,
        },
        "by_sequence": {"groups": 3200, "tokens": tokens, "within_share": 0.94, "intraclass_correlation": 0.013},
        "by_position": {
            "groups": 41,
            "tokens": tokens - 3200,
            "within_share": 0.995,
            "intraclass_correlation": 0.004,
            "constant_positions": [0],
        },
        "channels": {
            "count": CHANNELS,
            "without_variance": 1,
            "outliers": 2,
            "median_kurtosis": 4.6,
            "outstanding": outstanding_channels(noise),
        },
        "drift": {
            "symmetric_divergence": 0.31,
            "mean_shift": 0.41,
            "mean_shift_floor": 0.012,
            "change_point": 39936,
        },
        "methods": [
            {"name": "batch_norm", "title": "BatchNorm", "cold_start": {"tokens": 4096}, "state_bytes": 2048, "nanoseconds_per_token": 31.5},
            {"name": "layer_norm", "title": "LayerNorm", "gap_is_exactly_zero": True, "nanoseconds_per_token": 44.2},
        ],
        "plots": plots(tokens, keepers, noise, 0.45),
        "verdict": {
            "kind": "KIND_USE_LAYER_NORM",
            "summary": "Use LayerNorm, not BatchNorm: batches of 128 tokens do not stand for the whole stream, and neither do the "
            "statistics of the whole stream stand for its parts.",
            "reasons": [
                "The last quarter's mean is 0.41 deviations from the first's, where chance gives 0.012 and "
                "0.25 is allowed; the stream changes at token 39,936.",
                "At 128 tokens per batch, 1 % of the tokens come out in training at least 35 % away from "
                "what inference gives; 25 % is allowed.",
                "The batches' means are 1.32 times as far from the final ones as chance explains, which "
                "alone would be within the 1.5 that is allowed.",
            ],
            "batch_size": 128,
            "method": "batch_norm",
            "thresholds": THRESHOLDS,
        },
        "plan": plan(ORDERS, SIZES, 128),
    }


def convolution():
    """Four methods over images with padding: batches stand for the whole."""
    noise = random.Random(11)
    tokens, keepers, sizes = 24576, [True, False, False, True], [2, 32, 128]
    orders = ORDERS[:2]
    cells = [cell(order, size, size, tokens, keepers, likeness=0.2) for order in orders for size in sizes]
    cells += [
        cell("BATCH_ORDER_ARRIVAL", 0, 2048, tokens, keepers, with_padding, likeness=0.2)
        for with_padding in (False, True)
    ]
    return {
        "tokens": tokens,
        "sequences": 384,
        "padded_tokens": 9000,
        "sampled_tokens": 16384,
        "cells": cells,
        "variance_split": {
            "token_share": 0.31,
            "channel_share": 0.44,
            "residual_share": 0.25,
            "token_scale_variation": 0.22,
            "channel_scale_variation": 0.61,
        },
        "by_sequence": {"groups": 384, "tokens": tokens, "within_share": 0.99, "intraclass_correlation": -0.004},
        "channels": {"count": 32, "median_kurtosis": 3.4},
        "drift": {"symmetric_divergence": 0.002, "mean_shift": 0.011, "mean_shift_floor": 0.010, "symmetric_divergence_floor": 0.002, "excess": 0.001},
        "padding": {
            "padded_share": 0.268,
            "mean_without": 3.0,
            "mean_with": 1.5,
            "variance_without": 2.0,
            "variance_with": 3.25,
        },
        "methods": [
            {"name": "batch_norm", "title": "BatchNorm", "cold_start": {"tokens": 256}, "padding_gap": 0.47, "state_bytes": 512, "nanoseconds_per_token": 9.1},
            {"name": "layer_norm", "title": "LayerNorm", "gap_is_exactly_zero": True, "nanoseconds_per_token": 14.8},
            {"name": "rms_norm", "title": "RMSNorm", "gap_is_exactly_zero": True, "nanoseconds_per_token": 12.0},
            {"name": "batch_norm #2", "title": "BatchNorm #2", "cold_start": {}, "padding_gap": 0.38, "state_bytes": 512, "nanoseconds_per_token": 9.3},
        ],
        "plots": plots(tokens, keepers, noise, 0.0),
        "verdict": {
            "kind": "KIND_BATCH_NORM_IS_FINE",
            "summary": "BatchNorm is fine here: batches of 2,048 tokens stand for the whole: what training sees is what inference gives.",
            "reasons": ["99 % of the tokens come out within 8 % of what inference gives; 25 % is allowed."],
            "batch_size": 2048,
            "method": "batch_norm",
            "thresholds": THRESHOLDS,
        },
        "plan": plan(orders, sizes, None),
    }


def minimal():
    """As little as a report can hold."""
    return {
        "tokens": 5,
        "cells": [{
            "order": "BATCH_ORDER_ARRIVAL",
            "batch_size": 2,
            "batches": 2,
            "mean_batch_size": 2.0,
            "methods": [{"discrepancies": {"final_mean": {"measured": {"value": 0.5}, "noise_floor": 0.44}}}],
        }],
        "methods": [{"name": "unheard_of", "title": "<b>Unheard of</b>", "state_bytes": 64}],
        "verdict": {
            "kind": "KIND_NOT_ENOUGH_DATA",
            "summary": "Five tokens are too few to say </script><!-- anything.",
            "tokens_needed": 12000,
            "batch_size": 2,
            "method": "unheard_of",
            "thresholds": THRESHOLDS,
        },
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for report in (transformer, convolution, minimal):
        path = folder / f"{report.__name__}.json"
        path.write_text(json.dumps(as_proto_json(report()), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
