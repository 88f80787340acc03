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
import dataclasses
import functools
import json
import math

import numpy as np

EPSILON = 1e-5
CHUNK_ROWS = {2: 256, 3: 32, 4: 32}  # by the input's rank
BATCH_SIZES = (0, 1, 2, 4, 8, 32, 128, 4096)
WARM_UP = 8  # batches before running statistics are measured
MOST_BLOCKS = 32
FEWEST_FOR_INTERVAL = 8
FEWEST_SEGMENTS, MOST_SEGMENTS = 16, 64
CO_BATCH_TOKENS, CO_BATCHES = 64, 8
ORDERS = ("BATCH_ORDER_ARRIVAL", "BATCH_ORDER_BY_SEQUENCE", "BATCH_ORDER_BY_POSITION")


# The stream.


@dataclasses.dataclass
class Stream:
    """Tokens in the order of arrival; of each, where it belongs."""

    values: np.ndarray  # [T, C]
    chunk: np.ndarray  # [T]
    sequence: np.ndarray | None = None  # [T]
    position: np.ndarray | None = None  # [T]
    padded: np.ndarray | None = None  # [T]

    def where(self, mask):
        parts = (getattr(self, field.name) for field in dataclasses.fields(self))
        return Stream(*(None if part is None else part[mask] for part in parts))

    def valid(self):
        return self.where(~self.padded)


def stream_of(data, lengths=None, sequences=None, chunk_rows=None):
    """Of an array as above; `chunk_rows` are the rows (tokens, steps or images) of each chunk."""
    data = np.asarray(data)
    rows = len(data)
    if chunk_rows is None:
        chunk_rows = [CHUNK_ROWS[data.ndim]] * -(-rows // CHUNK_ROWS[data.ndim])
    if data.ndim == 4:
        data = data.transpose(0, 2, 3, 1).reshape(rows, -1, data.shape[1])
    chunk = np.repeat(np.arange(len(chunk_rows)), chunk_rows)[:rows]
    padded = None
    if data.ndim == 3:
        steps = data.shape[1]
        if lengths is not None:
            padded = (np.arange(steps) >= np.asarray(lengths)[:, None]).ravel()
        sequences = np.repeat(np.arange(rows), steps) if steps > 1 else None
        chunk = np.repeat(chunk, steps)
    elif lengths is not None:
        sequences = np.repeat(np.arange(len(lengths)), lengths)
    values = data.reshape(-1, data.shape[-1]).astype(np.float64)
    if padded is None:
        padded = np.zeros(len(values), bool)
    return Stream(values, chunk, sequences, positions_in(sequences), padded)


def positions_in(sequences):
    """Counts every token, those too that are left out later."""
    if sequences is None:
        return None
    seen = {}
    positions = np.empty(len(sequences), np.int64)
    for token, sequence in enumerate(sequences):
        positions[token] = seen.get(sequence, 0)
        seen[sequence] = positions[token] + 1
    return positions


def groups_of(labels, by_number):
    """The tokens of each label; labels by number, or as they first come."""
    numbers, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    tokens = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
    ranks = np.arange(len(numbers)) if by_number else np.argsort(first)
    return [tokens[rank] for rank in ranks]


def positions_of(stream):
    """The groups of tokens, and the numbers of the positions that are constant and left out of them."""
    groups = groups_of(stream.position, by_number=True)
    limits = moments_of(stream.values).deviations / 1000
    constant = [len(group) > 1 and np.all(moments_of(stream.values[group]).deviations <= limits) for group in groups]
    numbers = [int(stream.position[group[0]]) for group, same in zip(groups, constant) if same]
    return [group for group, same in zip(groups, constant) if not same], numbers


def batches_of(stream, order, size):
    """The tokens of each batch. A group's end that fills no batch is left out."""
    if order == "BATCH_ORDER_BY_SEQUENCE":
        groups = groups_of(stream.sequence, by_number=False)
    elif order == "BATCH_ORDER_BY_POSITION":
        groups = positions_of(stream)[0]
    elif size == 0:
        groups = groups_of(stream.chunk, by_number=True)
    else:
        groups = [np.arange(len(stream.values))]
    if size == 0:
        return groups
    return [group[i : i + size] for group in groups for i in range(0, len(group) - size + 1, size)]


# Statistics.


@dataclasses.dataclass
class Moments:
    """Of batches; or of one, without the first axis."""

    sizes: np.ndarray  # [B]
    means: np.ndarray  # [B, C]
    variances: np.ndarray  # [B, C], biased

    @property
    def deviations(self):
        return np.sqrt(self.variances)


def moments_of(values):
    """Exactly 0 is the variance of a channel that does not vary."""
    centered = values - values[0]
    return Moments(len(values), values[0] + centered.mean(axis=0), centered.var(axis=0))


def moments_of_each(values, batches):
    each = [moments_of(values[batch]) for batch in batches]
    return Moments(*(np.array([getattr(one, part) for one in each]) for part in ("sizes", "means", "variances")))


def running(batches, estimator, from_initial=False):
    """Statistics after each batch: by weights that are divided by their sum, or from mean 0 and variance 1.

    Where batch variances are averaged, they are the unbiased ones, and single tokens do not enter;
    NaN before the first that does.
    """
    if estimator == "cumulative":
        first = batches.means[0]
        count = np.cumsum(batches.sizes)[:, None]
        weights = batches.sizes[:, None]
        means = np.cumsum(weights * (batches.means - first), axis=0) / count
        squares = np.cumsum(weights * (batches.variances + (batches.means - first) ** 2), axis=0) / count
        return Moments(count, first + means, np.maximum(squares - means**2, 0))
    momentum = 0.1 if estimator == "batch_ema" else None
    starts = from_initial and momentum is not None
    channels = batches.means.shape[1]
    mean, variance = np.zeros(channels), np.ones(channels) if starts else np.zeros(channels)
    weight = 1.0 if starts else 0.0
    means, variances = np.empty_like(batches.means), np.empty_like(batches.means)
    entered = 0
    for b, size in enumerate(batches.sizes):
        if size > 1:
            entered += 1
            new = momentum if momentum else 1 / entered
            unbiased = batches.variances[b] * size / (size - 1)
            mean = (1 - new) * mean + new * batches.means[b]
            variance = (1 - new) * variance + new * unbiased
            weight = (1 - new) * weight + new
        means[b], variances[b] = (mean / weight, variance / weight) if weight else (np.nan, np.nan)
    return Moments(np.cumsum(batches.sizes), means, variances)


def inference_statistics(batches, estimator):
    """What training in these batches ends with."""
    after = running(batches, estimator, from_initial=True)
    return Moments(batches.sizes.sum(), after.means[-1], after.variances[-1])


# Estimates.


@functools.cache
def t_quantile(degrees):
    """The 97.5 % quantile of Student's t distribution, by its closed form for whole degrees."""

    def central_probability(t):
        angle = math.atan(t / math.sqrt(degrees))
        odd = degrees % 2
        term = math.cos(angle) if odd else 1.0
        total = 0.0
        for k in range(odd, degrees - 1, 2):
            total += term
            term *= math.cos(angle) ** 2 * (k + 1) / (k + 2)
        total *= math.sin(angle)
        return (angle + total) * 2 / math.pi if odd else total

    low, high = 0.0, 700.0
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if central_probability(middle) < 0.95 else (low, middle)
    return middle


def estimate(figures, transform=lambda mean: mean):
    """Of one figure a batch, NaN where a batch has none; `transform` grows, and is not below 0."""
    figures = figures[~np.isnan(figures)]
    if not len(figures):
        return None
    value = figures.mean()
    result = {"value": transform(value)}
    if len(figures) < FEWEST_FOR_INTERVAL:
        return result
    length = 1
    while len(figures) // length > MOST_BLOCKS:
        length *= 2
    count = len(figures) // length
    blocks = figures[: count * length].reshape(count, length).mean(axis=1)
    half_width = t_quantile(count - 1) * blocks.std(ddof=1) / math.sqrt(count)
    return result | {"low": transform(max(value - half_width, 0)), "high": transform(value + half_width)}


def average(numerator, denominator, varying):
    """avg of ratios over channels that vary and whose denominator is not 0; NaN where none is left."""
    used = varying & (denominator > 0)
    ratios = np.divide(numerator, denominator, out=np.zeros_like(numerator), where=used)
    counts = used.sum(axis=-1)
    return np.divide(ratios.sum(axis=-1), counts, out=np.full(counts.shape, np.nan), where=counts > 0)


# Cells.


def discrepancies(batches, estimator, whole):
    """Of batches (`Moments`); `whole` are the moments of all tokens."""
    varying = whole.variances > 0
    several = batches.sizes > 1
    m_batch, s_batch = batches.means, batches.deviations
    after = running(batches, estimator)
    m_after, s_after = after.means, after.deviations
    missing = np.full((1, m_batch.shape[1]), np.nan)
    m_before, s_before = np.vstack([missing, m_after[:-1]]), np.vstack([missing, s_after[:-1]])
    channels = m_batch.shape[1]

    def compared(figures):  # these compare s_B, or divide by it
        return np.where(several, figures, np.nan)

    def root_over_channels(mean):
        return math.sqrt(mean) / channels

    def squared_distance(a, b):
        return np.sum((a - b) ** 2, axis=1)

    def by(deviations, difference):
        return average(np.abs(difference), np.broadcast_to(deviations, difference.shape), varying)

    s = whole.deviations
    figures = {
        "tid_mean_by_batch": compared(by(s_batch, m_after - m_batch)),
        "tid_deviation_by_batch": compared(by(s_batch, s_after - s_batch)),
        "tid_mean_by_running": by(s_after, m_after - m_batch),
        "tid_deviation_by_running": compared(by(s_after, s_batch - s_after)),
        "renorm_d": by(s_before, m_batch - m_before),
        "renorm_r": compared(by(s_before, s_batch - s_before)),
        "powernorm_mean": squared_distance(m_batch, m_before),
        "powernorm_variance": compared(squared_distance(s_batch**2, s_before**2)),
        "powernorm_relative": average((m_batch - m_before) ** 2, s_before**2, varying),
        "final_mean": by(s, m_batch - whole.means),
        "final_deviation": compared(by(s, s_batch - s)),
    }
    roots = {"powernorm_mean": root_over_channels, "powernorm_variance": root_over_channels}
    roots["powernorm_relative"] = math.sqrt
    found = {}
    for name, figure in figures.items():
        kept = figure if name.startswith("final") else figure[WARM_UP:]
        if measured := estimate(kept, roots.get(name, lambda mean: mean)):
            found[name] = {"measured": measured}
    return found


def normalized(values, statistics):
    return (values - statistics.means) / np.sqrt(statistics.variances + EPSILON)


def layer_normalized(values):
    centered = values - values.mean(axis=1, keepdims=True)
    return centered / np.sqrt((centered**2).mean(axis=1, keepdims=True) + EPSILON)


def lengths_of(vectors):
    return np.sqrt(np.sum(vectors**2, axis=-1))


def gap_quantiles(training, inference):
    """The quantile q of n is the one of rank ceil(q n). Tokens whose inference output is 0 enter `overall` alone."""
    distance, length = lengths_of(training - inference), lengths_of(inference)
    gaps = np.sort(distance[length > 0] / length[length > 0])
    if not len(gaps):
        return None
    return {
        "p50": gaps[math.ceil(0.5 * len(gaps)) - 1],
        "p99": gaps[math.ceil(0.99 * len(gaps)) - 1],
        "largest": gaps[-1],
        "overall": math.sqrt(np.sum(distance**2) / np.sum(length**2)),
    }


def batch_norm_gap(values, tokens_of_batches, batches, estimator):
    """Over the tokens of batches that training takes: those of two tokens or more."""
    taken = [b for b, size in enumerate(batches.sizes) if size > 1]
    if not taken:
        return None
    final = inference_statistics(batches, estimator)
    training, inference = [], []
    for b in taken:
        tokens = values[tokens_of_batches[b]]
        training.append(normalized(tokens, Moments(len(tokens), batches.means[b], batches.variances[b])))
        inference.append(normalized(tokens, final))
    return gap_quantiles(np.concatenate(training), np.concatenate(inference))


def co_batch_sensitivity(values, size, seed=0):
    """Mates are drawn from all tokens but the token itself, without replacement, whatever the order."""
    if size < 2 or size > len(values):
        return None
    generator = np.random.Generator(np.random.PCG64(seed))
    figures = []
    for token in generator.choice(len(values), min(CO_BATCH_TOKENS, len(values)), replace=False):
        outputs = []
        for _ in range(CO_BATCHES):
            mates = generator.choice(len(values) - 1, size - 1, replace=False)
            batch = values[np.append(mates + (mates >= token), token)]
            outputs.append(normalized(values[token], moments_of(batch)))
        outputs = np.array(outputs)
        squares = np.sum(outputs**2)
        figures.append(math.sqrt(np.sum((outputs - outputs.mean(axis=0)) ** 2) / squares) if squares else np.nan)
    return estimate(np.array(figures))


def effective_batch_size(batches, whole):
    """Of batches of several sizes, n is their mean."""
    if len(batches.sizes) < 2:
        return None
    varying = whole.variances > 0
    spread = average(batches.means.var(axis=0), whole.variances, varying)
    return (1 - 1 / len(batches.sizes)) / spread if spread > 0 else None


def cell(stream, order, size, estimator, with_padding=False):
    """A cell without a batch has no methods."""
    tokens_of_batches = batches_of(stream, order, size)
    result = {"order": order, "batch_size": size, "with_padding": with_padding, "batches": len(tokens_of_batches)}
    if not tokens_of_batches:
        return result
    whole = moments_of(stream.values)
    batches = moments_of_each(stream.values, tokens_of_batches)
    mean_size = batches.sizes.mean()
    several = np.any(batches.sizes > 1)
    zero = {"value": 0.0, "low": 0.0, "high": 0.0}
    batch_norm = {
        "discrepancies": discrepancies(batches, estimator, whole),
        "output_gap": batch_norm_gap(stream.values, tokens_of_batches, batches, estimator),
        "co_batch_sensitivity": co_batch_sensitivity(stream.values, math.floor(mean_size + 0.5)) if several else None,
    }
    layer_norm = {"output_gap": dict.fromkeys(("p50", "p99", "largest", "overall"), 0.0), "co_batch_sensitivity": zero}
    return result | {
        "mean_batch_size": mean_size,
        "effective_batch_size": effective_batch_size(batches, whole),
        "methods": [batch_norm, layer_norm],
    }


def cells(stream, sizes, estimator):
    """With padding where there is any, after those of the same order without."""
    padding = stream.padded.any()
    orders = ORDERS if stream.sequence is not None else ORDERS[:1]
    valid = stream.valid()
    return [
        cell(stream if with_padding else valid, order, size, estimator, with_padding)
        for order in orders
        for with_padding in ((False, True) if padding else (False,))
        for size in sizes
    ]


# The whole stream.


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
    return grouping(stream.values, groups_of(stream.sequence, by_number=False))


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
    """Each chunk's tokens with padding and without, where it has any without."""
    for chunk in groups_of(stream.chunk, by_number=True):
        valid = chunk[~stream.padded[chunk]]
        if len(valid):
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
    parser.add_argument("--estimator", choices=("cumulative", "cumulative_batch", "batch_ema"), default="cumulative")
    parser.add_argument("--batch-sizes", type=lambda text: [int(size) for size in text.split(",")], default=BATCH_SIZES)
    parser.add_argument("--batch-size-in-use", type=int, default=0)
    parser.add_argument("--chunk-rows", type=int, help="rows of every chunk but the last: tokens, sequences or images")
    arguments = parser.parse_args()
    data = np.load(arguments.input)
    lengths, sequences = (name and np.load(name) for name in (arguments.lengths, arguments.sequences))
    chunk_rows = arguments.chunk_rows and [arguments.chunk_rows] * -(-len(data) // arguments.chunk_rows)
    stream = stream_of(data, lengths, sequences, chunk_rows)
    found = report(stream, arguments.batch_sizes, arguments.estimator, arguments.batch_size_in_use)
    print(json.dumps(plain(found), indent=1))


if __name__ == "__main__":
    main()
