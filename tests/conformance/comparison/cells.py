"""The figures of a report's cells: one batch size in one order, and its methods."""

import math

import numpy as np

from batches import (
    Moments,
    average,
    batches_of,
    estimate,
    inference_statistics,
    moments_of,
    moments_of_each,
    root_of_ratio,
    running,
)

EPSILON = 1e-5
WARM_UP = 8  # batches before running statistics are measured
CO_BATCH_TOKENS, CO_BATCHES = 64, 8
ORDERS = ("BATCH_ORDER_ARRIVAL", "BATCH_ORDER_BY_SEQUENCE", "BATCH_ORDER_BY_POSITION")


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
    """Of each batch's tokens. The quantile q of n is the one of rank ceil(q n). Tokens whose inference output is 0
    enter `overall` alone."""
    distances = [lengths_of(ours - theirs) for ours, theirs in zip(training, inference)]
    lengths = [lengths_of(theirs) for theirs in inference]
    distance, length = np.concatenate(distances), np.concatenate(lengths)
    gaps = np.sort(distance[length > 0] / length[length > 0])
    if not len(gaps):
        return None
    squares = (np.array([np.sum(one**2) for one in each if len(one)]) for each in (distances, lengths))
    return {
        "p50": gaps[math.ceil(0.5 * len(gaps)) - 1],
        "p99": gaps[math.ceil(0.99 * len(gaps)) - 1],
        "largest": gaps[-1],
    } | root_of_ratio(*squares)


def batch_norm_gap(stream, tokens_of_batches, batches, estimator):
    """Over the tokens of batches that training takes: those of two tokens or more. Padding among them is not looked at."""
    taken = [b for b, size in enumerate(batches.sizes) if size > 1]
    if not taken:
        return None
    final = inference_statistics(batches, estimator)
    training, inference = [], []
    for b in taken:
        batch = tokens_of_batches[b]
        tokens = stream.values[batch[~stream.padded[batch]]]
        training.append(normalized(tokens, Moments(len(batch), batches.means[b], batches.variances[b])))
        inference.append(normalized(tokens, final))
    return gap_quantiles(training, inference)


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


def cell_with_padding(stream, size, estimator):
    """From the first chunk on that has any, in the order of arrival: padding enters all statistics."""
    padded = stream.where(stream.chunk >= stream.chunk[stream.padded].min())
    return cell(padded, ORDERS[0], size, estimator, moments_of(padded.values), with_padding=True)


def cell(stream, order, size, estimator, whole, with_padding=False):
    """A cell without a batch has no methods. `whole` are the moments of all tokens."""
    tokens_of_batches = batches_of(stream, order, size)
    result = {"order": order, "batch_size": size, "with_padding": with_padding, "batches": len(tokens_of_batches)}
    if not tokens_of_batches:
        return result
    batches = moments_of_each(stream.values, tokens_of_batches)
    mean_size = batches.sizes.mean()
    several = np.any(batches.sizes > 1)
    zero = {"value": 0.0, "low": 0.0, "high": 0.0}
    batch_norm = {
        "discrepancies": discrepancies(batches, estimator, whole),
        "output_gap": batch_norm_gap(stream, tokens_of_batches, batches, estimator),
        "co_batch_sensitivity": co_batch_sensitivity(stream.values, math.floor(mean_size + 0.5)) if several else None,
    }
    exact = dict.fromkeys(("p50", "p99", "largest", "overall"), 0.0)
    layer_norm = {"output_gap": exact, "co_batch_sensitivity": zero}
    return result | {
        "mean_batch_size": mean_size,
        "effective_batch_size": effective_batch_size(batches, whole),
        "methods": [batch_norm, layer_norm],
    }


def cells(stream, sizes, estimator):
    orders = ORDERS if stream.sequence is not None else ORDERS[:1]
    valid = stream.valid()
    whole = moments_of(valid.values)
    result = [cell(valid, order, size, estimator, whole) for order in orders for size in sizes]
    if stream.padded.any():
        result += [cell_with_padding(stream, size, estimator) for size in sizes]
    return result
