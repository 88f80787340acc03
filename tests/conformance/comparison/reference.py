#!/usr/bin/python3
"""The figures of a comparison in float64 NumPy, a second time: proto/normd/v1/report.proto defines them.

Written beside the C++ code and not after it, to be compared with it; comments say only what the proto
leaves open. Whole arrays are kept, and the sample is everything. Not here: costs, what chance
gives, the verdict, the change point, the shuffled order, and `state_bytes`.

    reference.py INPUT.npy [--lengths L.npy] [--sequences S.npy] > report.json

INPUT is [T, C]; or [N, T, C], padded, with lengths; or images [N, C, H, W]: a pixel is a token, an
image a sequence. Lengths that add up to T cut [T, C] into sequences.
"""

import argparse
import json
import math

import numpy as np

from batches import (
    average,
    batches_of,
    groups_of,
    inference_statistics,
    moments_of,
    moments_of_each,
    positions_of,
    running,
    stream_of,
)
from cells import cells, normalized

BATCH_SIZES = (0, 1, 2, 4, 8, 32, 128, 4096)
FEWEST_SEGMENTS, MOST_SEGMENTS = 16, 64


def variance_split(values):
    count, channels = values.shape
    mean = values.mean()
    total = np.sum((values - mean) ** 2)
    token_share = channels * np.sum((values.mean(axis=1) - mean) ** 2) / total
    channel_share = count * np.sum((values.mean(axis=0) - mean) ** 2) / total
    scales = {"token_scale_variation": values.std(axis=1), "channel_scale_variation": values.std(axis=0)}
    return {
        "token_share": token_share,
        "channel_share": channel_share,
        "residual_share": 1 - token_share - channel_share,
    } | {name: scale.std() / scale.mean() for name, scale in scales.items()}


def grouping(values, groups):
    """Absent for one group, or where no group has two tokens."""
    tokens = np.concatenate(groups) if groups else []
    if len(groups) < 2 or len(tokens) == len(groups):
        return None
    whole = moments_of(values[tokens])
    each = moments_of_each(values, groups)
    sizes = each.sizes[:, None]
    within = np.sum(sizes * each.variances, axis=0)
    between = np.sum(sizes * (each.means - whole.means) ** 2, axis=0)
    count = len(tokens)
    b, w = between / (len(groups) - 1), within / (count - len(groups))
    k = (count - np.sum(each.sizes**2) / count) / (len(groups) - 1)
    varying = whole.variances > 0
    return {
        "groups": len(groups),
        "tokens": count,
        "within_share": average(within, within + between, varying).item(),
        "intraclass_correlation": average(b - w, b + (k - 1) * w, varying).item(),
    }


def grouping_by_sequence(stream):
    result = grouping(stream.values, groups_of(stream.sequence, by_number=False))
    return result and result | {"constant_positions": []}


def grouping_by_position(stream):
    groups, constant = positions_of(stream)
    result = grouping(stream.values, groups)
    return result and result | {"constant_positions": constant}


def channels(values):
    """Medians are over channels that vary. First stand those whose largest ratio of three is largest: deviation
    and |mean| over the median deviation, kurtosis over the median kurtosis."""
    whole = moments_of(values)
    deviations, means = whole.deviations, whole.means
    varying = deviations > 0
    result = {"count": len(means), "without_variance": int(np.sum(~varying))}
    if not varying.any():
        return result | {"outliers": 0}
    fourth = ((values - means) ** 4).mean(axis=0)
    kurtosis = np.divide(fourth, whole.variances**2, out=np.zeros_like(fourth), where=varying)
    magnitudes = np.abs(values).max(axis=0)
    usual_deviation, usual_kurtosis = np.median(deviations[varying]), np.median(kurtosis[varying])
    ratios = [deviations / usual_deviation, np.abs(means) / usual_deviation, kurtosis / usual_kurtosis]
    outstanding = np.argsort(-np.max(ratios, axis=0), kind="stable")[:16]
    return result | {
        "outliers": int(np.sum(varying & ((deviations > 6 * usual_deviation) | (magnitudes > 20 * deviations)))),
        "median_kurtosis": usual_kurtosis,
        "outstanding": [
            {
                "index": int(c),
                "mean": means[c],
                "deviation": deviations[c],
                "kurtosis": kurtosis[c],
                "largest_magnitude": magnitudes[c],
            }
            for c in outstanding
        ],
    }


def segments_of(count):
    """Ends of at most 64 segments of 2^j tokens, j the smallest; the last may be shorter."""
    length = 1
    while count > MOST_SEGMENTS * length:
        length *= 2
    return [min(end, count) for end in range(length, count + length, length)]


def drift(values):
    """Quarters are of whole segments, rounded down; chance is not here."""
    ends = segments_of(len(values))
    quarter = len(ends) // 4
    if len(ends) < FEWEST_SEGMENTS:
        return None
    first, last = values[: ends[quarter - 1]], values[ends[-quarter - 1] :]
    a, b, whole = moments_of(first), moments_of(last), moments_of(values)
    varying = (a.variances > 0) & (b.variances > 0)
    squares = a.variances[varying] + b.variances[varying], a.variances[varying] * b.variances[varying]
    jump = (a.means - b.means)[varying] ** 2
    divergence = (squares[0] ** 2 / squares[1] - 4 + jump * squares[0] / squares[1]) / 2
    return {
        "symmetric_divergence": divergence.mean() if varying.any() else None,
        "mean_shift": average(np.abs(a.means - b.means), whole.deviations, whole.variances > 0).item(),
    }


def cold_start(stream, size, estimator):
    """The final statistics are those that training in these batches ends with."""
    tokens_of_batches = batches_of(stream, "BATCH_ORDER_ARRIVAL", size)
    if not tokens_of_batches:
        return None
    batches = moments_of_each(stream.values, tokens_of_batches)
    early = running(batches, estimator, from_initial=True)
    final = inference_statistics(batches, estimator)
    tokens, varying, due = None, final.variances > 0, 1
    for b, seen in enumerate(np.cumsum(batches.sizes)):
        if seen < due:
            continue
        while due <= seen:
            due *= 2
        mean = average(np.abs(early.means[b] - final.means), final.deviations, varying)
        deviation = average(np.abs(early.deviations[b] - final.deviations), final.deviations, varying)
        if not max(mean, deviation) < 0.1:
            tokens = None
        elif tokens is None:
            tokens = seen
    return {"tokens": tokens}


def chunks_with_padding(stream):
    """Of chunks that have any: each one's tokens with padding and without, where it has any without."""
    for chunk in groups_of(stream.chunk, by_number=True):
        valid = chunk[~stream.padded[chunk]]
        if 0 < len(valid) < len(chunk):
            yield stream.values[chunk], stream.values[valid]


def padding_effect(stream):
    """avg is over channels that vary among valid tokens."""
    if not stream.padded.any():
        return None
    varying = moments_of(stream.valid().values).variances > 0
    figures = []
    for padded, valid in chunks_with_padding(stream):
        both = moments_of(valid), moments_of(padded)
        figures.append([one.means[varying].mean() for one in both] + [one.variances[varying].mean() for one in both])
    names = ("mean_without", "mean_with", "variance_without", "variance_with")
    return {"padded_share": stream.padded.mean()} | dict(zip(names, np.mean(figures, axis=0)))


def padding_gap(stream):
    """Over chunks that training takes: with two valid tokens or more."""
    if not stream.padded.any():
        return None
    difference = total = 0.0
    for padded, valid in chunks_with_padding(stream):
        if len(valid) > 1:
            without = normalized(valid, moments_of(valid))
            difference += np.sum((normalized(valid, moments_of(padded)) - without) ** 2)
            total += np.sum(without**2)
    return math.sqrt(difference / total) if total else None


def series(values):
    """The parts of Plots that follow from the tokens alone. Channels vary most by the mean of their squares here."""
    whole = moments_of(values)
    ends = segments_of(len(values))
    means = np.array([moments_of(part).means for part in np.split(values, ends[:-1])])
    shifts = np.divide(means - whole.means, whole.deviations, out=np.zeros_like(means), where=whole.deviations > 0)
    varying = whole.variances > 0
    most = [c for c in np.argsort(-(shifts**2).mean(axis=0), kind="stable")[:32] if varying[c]]
    return {
        "segment_ends": ends,
        "discrepancy": {"channel": -1, "values": np.abs(shifts[:, varying]).mean(axis=1).tolist()},
        "channels": [{"channel": int(c), "values": shifts[:, c].tolist()} for c in most],
    }


def density(outputs, low, high, bins):
    """Shares of values in bins of equal width; low ends belong to a bin, high ends to the next."""
    numbers = np.clip(np.floor((outputs - low) / (high - low) * bins), 0, bins - 1).astype(np.int64)
    return np.bincount(numbers.ravel(), minlength=bins) / outputs.size


def report(stream, sizes=BATCH_SIZES, estimator="cumulative", size_in_use=0):
    """ComparisonReport. Methods are BatchNorm by the estimator, and LayerNorm."""
    finite = np.isfinite(stream.values).all(axis=1)
    lost = np.sum(~finite & ~stream.padded)
    stream = stream.where(finite)
    valid = stream.valid()
    all_cells = cells(stream, sizes, estimator)
    sequences = stream.sequence is not None
    return {
        "tokens": len(valid.values),
        "sequences": len(np.unique(valid.sequence)) if sequences else 0,
        "padded_tokens": np.sum(stream.padded),
        "non_finite_tokens": lost,
        "sampled_tokens": len(valid.values),
        "cells": all_cells,
        "variance_split": variance_split(valid.values),
        "by_sequence": grouping_by_sequence(valid) if sequences else None,
        "by_position": grouping_by_position(valid) if sequences else None,
        "channels": channels(valid.values),
        "drift": drift(valid.values),
        "padding": padding_effect(stream),
        "methods": [
            {
                "gap_is_exactly_zero": False,
                "cold_start": cold_start(valid, size_in_use, estimator),
                "padding_gap": padding_gap(stream),
            },
            {"gap_is_exactly_zero": True, "padding_gap": 0.0 if stream.padded.any() else None},
        ],
        "plots": series(valid.values),
        "plan": {"batch_sizes": list(sizes), "batch_size_in_use": size_in_use},
    }


def plain(value):
    """For JSON: without what is absent, and without NumPy's types."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items() if part is not None}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input")
    parser.add_argument("--lengths")
    parser.add_argument("--sequences")
    parser.add_argument("--estimator", choices=("cumulative", "cumulative_batch", "batch_ema", "token_ema"), default="cumulative")
    parser.add_argument("--batch-sizes", type=lambda text: [int(size) for size in text.split(",")], default=BATCH_SIZES)
    parser.add_argument("--batch-size-in-use", type=int, default=0)
    parser.add_argument("--chunk-rows", type=int, help="rows of every chunk but the last: tokens, sequences or images")
    arguments = parser.parse_args()
    data = np.load(arguments.input)
    lengths, sequences = (name and np.load(name) for name in (arguments.lengths, arguments.sequences))
    chunk_rows = arguments.chunk_rows and [arguments.chunk_rows] * -(-len(data) // arguments.chunk_rows)
    stream = stream_of(data, lengths, sequences, chunk_rows, axis=1 if data.ndim == 4 else -1)
    found = report(stream, arguments.batch_sizes, arguments.estimator, arguments.batch_size_in_use)
    print(json.dumps(plain(found), indent=1))


if __name__ == "__main__":
    main()
