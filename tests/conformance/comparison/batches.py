"""Tokens, batches of them, and their statistics in float64 NumPy: what the figures of reference.py are made of."""

import dataclasses
import functools
import math

import numpy as np

CHUNK_ROWS = {2: 256, 3: 32, 4: 32}  # by the input's rank
TOKEN_ALPHA = 0.001
MOST_BLOCKS = 32
FEWEST_FOR_INTERVAL = 8


# The stream.


@dataclasses.dataclass
class Stream:
    """Tokens in the order of arrival; of each, where it belongs."""

    values: np.ndarray  # [T, C]
    chunk: np.ndarray  # [T]
    sequence: np.ndarray | None = None  # [T]
    padded: np.ndarray | None = None  # [T]

    @property
    def position(self):
        """Among the tokens of its sequence that are here."""
        return None if self.sequence is None else positions_in(self.sequence)

    def where(self, mask):
        parts = (getattr(self, field.name) for field in dataclasses.fields(self))
        return Stream(*(None if part is None else part[mask] for part in parts))

    def valid(self):
        return self.where(~self.padded)


def stream_of(data, lengths=None, sequences=None, chunk_rows=None, mask=None, axis=-1):
    """Of an array as above; `chunk_rows` are the rows (tokens, sequences or images) of each chunk, `axis` the
    channels', and lengths those of [N, T, ...] or of what [T, C] is cut into."""
    data = np.moveaxis(np.asarray(data), axis, -1)
    rows, channels = len(data), data.shape[-1]
    if chunk_rows is None:
        chunk_rows = [CHUNK_ROWS[data.ndim]] * -(-rows // CHUNK_ROWS[data.ndim])
    chunk = np.repeat(np.arange(len(chunk_rows)), chunk_rows)[:rows]
    values = data.reshape(rows, -1, channels).astype(np.float64)
    tokens = values.shape[1]  # of a row
    padded = np.zeros((rows, tokens), bool) if mask is None else np.repeat(~mask[:, None], tokens, axis=1)
    if data.ndim > 2:
        if lengths is not None:
            steps = np.arange(tokens) // (tokens // data.shape[1])
            padded |= steps >= np.asarray(lengths)[:, None]
        sequences = np.repeat(np.arange(rows), tokens) if tokens > 1 else None
    elif lengths is not None:
        sequences = np.repeat(np.arange(len(lengths)), lengths)
    return Stream(values.reshape(-1, channels), np.repeat(chunk, tokens), sequences, padded.ravel())


def positions_in(sequences):
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
    tokens: list = dataclasses.field(default_factory=list)  # [B] of [n, C]

    @property
    def deviations(self):
        return np.sqrt(self.variances)


def moments_of(values):
    """Exactly 0 is the variance of a channel that does not vary."""
    centered = values - values[0]
    return Moments(len(values), values[0] + centered.mean(axis=0), centered.var(axis=0))


def moments_of_each(values, batches):
    each = [moments_of(values[batch]) for batch in batches]
    parts = (np.array([getattr(one, part) for one in each]) for part in ("sizes", "means", "variances"))
    return Moments(*parts, [values[batch] for batch in batches])


def token_weighted(batches, alpha, from_initial):
    """By sums over tokens of weight alpha (1 - alpha)^age, about the first of them."""
    center = batches.tokens[0][0]
    weight, first, second = 0.0, np.zeros_like(center), np.zeros_like(center)
    if from_initial:  # one token more, of variance 1 about 0
        weight, first, second = 1.0, -center, 1 + center**2
    means, variances = np.empty_like(batches.means), np.empty_like(batches.means)
    for b, tokens in enumerate(batches.tokens):
        weights = alpha * (1 - alpha) ** np.arange(len(tokens) - 1, -1, -1)
        kept = (1 - alpha) ** len(tokens)
        weight = kept * weight + weights.sum()
        first = kept * first + weights @ (tokens - center)
        second = kept * second + weights @ (tokens - center) ** 2
        means[b] = center + first / weight
        variances[b] = np.maximum(second / weight - (first / weight) ** 2, 0)
    return Moments(np.cumsum(batches.sizes), means, variances)


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
    if estimator == "token_ema":
        return token_weighted(batches, TOKEN_ALPHA, from_initial)
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


def blocks_of(figures):
    """Means of 2^j neighbors, of as many blocks as there may be."""
    length = 1
    while len(figures) // length > MOST_BLOCKS:
        length *= 2
    count = len(figures) // length
    return figures[: count * length].reshape(count, length).mean(axis=1)


def reach(blocks):
    """Half the interval of their mean."""
    return t_quantile(len(blocks) - 1) * blocks.std(ddof=1) / math.sqrt(len(blocks))


def estimate(figures, transform=lambda mean: mean):
    """Of one figure a batch, NaN where a batch has none; `transform` grows, and is not below 0."""
    figures = figures[~np.isnan(figures)]
    if not len(figures):
        return None
    value = figures.mean()
    result = {"value": transform(value)}
    if len(figures) < FEWEST_FOR_INTERVAL:
        return result
    half_width = reach(blocks_of(figures))
    return result | {"low": transform(max(value - half_width, 0)), "high": transform(value + half_width)}


def root_of_ratio(dividends, divisors):
    """sqrt of one sum over batches over another: Cochran 1977, section 6.3."""
    ratio = dividends.sum() / divisors.sum()
    result = {"overall": math.sqrt(ratio)}
    if len(dividends) < FEWEST_FOR_INTERVAL:
        return result
    dividends, divisors = blocks_of(dividends), blocks_of(divisors)
    half_width = reach(dividends - ratio * divisors) / divisors.mean()
    return result | {"low": math.sqrt(max(ratio - half_width, 0)), "high": math.sqrt(ratio + half_width)}


def average(numerator, denominator, varying):
    """avg of ratios over channels that vary and whose denominator is not 0; NaN where none is left."""
    used = varying & (denominator > 0)
    ratios = np.divide(numerator, denominator, out=np.zeros_like(numerator), where=used)
    counts = used.sum(axis=-1)
    return np.divide(ratios.sum(axis=-1), counts, out=np.full(counts.shape, np.nan), where=counts > 0)
