#!/usr/bin/python3
"""Writes tests/data/floors/floors.csv: simulated noise floors, with intervals of 99.9 %.

Needs python3-numpy. Run from anywhere; takes some minutes. Each draw is one batch of n normally
distributed values and the statistics it is put beside, as the running estimators keep them; each
figure is report.proto's formula for it (message Discrepancies). Batches of up to 4 values are drawn
value by value; of larger ones the mean and the sum of squares are, which are independent, normally
and chi-square distributed. What divides by s_B has no variance for n = 3, and for n = 4 hardly
one: there the sum of squares is drawn with a degree of freedom less, and weighed by the ratio of
densities.
"""

import math
import pathlib

import numpy as np

FILE = pathlib.Path(__file__).resolve().parents[2] / "data" / "floors" / "floors.csv"
FIGURES = (
    "tid_mean_by_batch", "tid_deviation_by_batch", "tid_mean_by_running",
    "tid_deviation_by_running", "renorm_d", "renorm_r", "powernorm_mean", "powernorm_variance",
    "powernorm_relative", "final_mean", "final_deviation")
SQUARES = ("powernorm_mean", "powernorm_variance", "powernorm_relative")
UNEQUAL = (2, 3, 5, 8, 13, 21, 34, 55, 89)
CHUNK = 200_000
WIDTH = 0.0095  # of an interval, relative
QUANTILE = 3.2905  # of the normal distribution, 99.95 %


class Batch:
    """Means and centered sums of squares of many batches, and how much each weighs."""

    def __init__(self, random, n, fewer=0):
        self.n = n
        self.weight = np.ones(CHUNK)
        if n <= 4 and not fewer:
            values = random.standard_normal((n, CHUNK))
            self.mean = values.mean(axis=0)
            self.squares = ((values - self.mean) ** 2).sum(axis=0)
            return
        degrees = n - 1
        self.mean = random.standard_normal(CHUNK) / math.sqrt(n)
        self.squares = random.chisquare(degrees - fewer, CHUNK)
        if fewer:
            scale = math.lgamma((degrees - fewer) / 2) - math.lgamma(degrees / 2)
            self.weight = np.exp(scale) * (self.squares / 2) ** (fewer / 2)

    def variance(self, unbiased=False):
        return self.squares / (self.n - 1 if unbiased else self.n)


class Pooled:
    def __init__(self, random, count):
        self.count = count
        self.all = Batch(random, count)
        self.mean, self.variance = self.all.mean, self.all.variance()

    def enter(self, batch):
        total = self.count + batch.n
        difference = batch.mean - self.mean
        self.mean = self.mean + difference * batch.n / total
        squares = self.all.squares + batch.squares
        self.variance = (squares + difference**2 * self.count * batch.n / total) / total


class Averaged:
    """By momentum, or all batches alike for momentum 0; weights are divided by their sum."""

    def __init__(self, random, counts, momentum, unbiased):
        self.momentum, self.unbiased = momentum, unbiased
        self.weights, self.mean, self.variance = 0, 0, 0
        for count in counts:
            self.enter(Batch(random, count))

    def enter(self, batch):
        self.weights = self.weights * (1 - self.momentum) + 1
        share = 1 / self.weights
        self.mean = self.mean + share * (batch.mean - self.mean)
        self.variance = self.variance + share * (batch.variance(self.unbiased) - self.variance)


class TokenAveraged:
    """By token: d = x - m, m += a d, v = (1 - a) (v + a d^2); weights are divided by their sum."""

    def __init__(self, random, count, alpha):
        self.alpha, self.weights, self.mean, self.variance = alpha, 0, 0, 0
        for _ in range(count):
            self.enter_token(random.standard_normal(CHUNK))

    def enter_token(self, token):
        self.weights = self.weights * (1 - self.alpha) + self.alpha
        share = self.alpha / self.weights
        difference = token - self.mean
        self.mean = self.mean + share * difference
        self.variance = (1 - share) * (self.variance + share * difference**2)

    def enter(self, batch):
        for token in batch.values:
            self.enter_token(token)


class BatchOfTokens(Batch):
    """With its tokens."""

    def __init__(self, random, n):
        self.n, self.weight = n, np.ones(CHUNK)
        self.values = random.standard_normal((n, CHUNK))
        self.mean = self.values.mean(axis=0)
        self.squares = ((self.values - self.mean) ** 2).sum(axis=0)


def measure(batch, running):
    """Yields the figures of batches beside the statistics before them, and after."""
    ready = batch.n > 1
    deviation, before = np.sqrt(batch.variance()), np.sqrt(running.variance)
    distance = batch.mean - running.mean
    yield "renorm_d", np.abs(distance) / before
    if ready:
        yield "renorm_r", np.abs(deviation / before - 1)
        yield "powernorm_variance", (batch.variance() - running.variance) ** 2
    yield "powernorm_mean", distance**2
    yield "powernorm_relative", (distance / before) ** 2
    running.enter(batch)
    after = np.sqrt(running.variance)
    distance = np.abs(running.mean - batch.mean)
    yield "tid_mean_by_running", distance / after
    if ready:
        yield "tid_deviation_by_running", np.abs(deviation / after - 1)
    if batch.n > 2:
        yield "tid_mean_by_batch", distance / deviation
        yield "tid_deviation_by_batch", np.abs(after / deviation - 1)


def measure_whole(batch, others):
    others.enter(batch)
    deviation = np.sqrt(others.variance)
    yield "final_mean", np.abs(batch.mean - others.mean) / deviation
    if batch.n > 1:
        yield "final_deviation", np.abs(np.sqrt(batch.variance()) / deviation - 1)


def interval(name, sums):
    count, total, squares = sums
    mean = total / count
    error = QUANTILE * math.sqrt((squares / count - mean**2) / count)
    low, high = mean - error, mean + error
    return (math.sqrt(low), math.sqrt(high)) if name in SQUARES else (low, high)


def simulate(seed, n, create, figures=measure, draw=Batch):
    """Intervals by figure: draws until each is narrow enough."""
    random = np.random.default_rng(seed)
    sums = {}
    while True:
        found = list(figures(draw(random, n), create(random)))
        if n in (3, 4) and figures is measure and draw is Batch:
            weighed = Batch(random, n, fewer=1)
            found = [item for item in found if "by_batch" not in item[0]] + [
                (name, values * weighed.weight)
                for name, values in figures(weighed, create(random)) if "by_batch" in name]
        for name, values in found:
            new = np.array([values.size, values.sum(), (values**2).sum()])
            sums[name] = sums.get(name, 0) + new
        result = {name: interval(name, part) for name, part in sums.items()}
        if all(high - low < WIDTH * low for low, high in result.values()):
            return result


def cases():
    """Yields kind, n, count or counts, momentum, unbiased, creation."""
    for n in (1, 2, 3, 4, 8, 32, 128):
        for count in (8 * n, 50 * n):
            yield "pooled", n, (count,), 0, False, lambda random, m=count: Pooled(random, m)
        for count in (4 * n, 20 * n):
            yield "whole", n, (count,), 0, False, lambda random, m=count - n: Pooled(random, m)
        if n == 1:
            continue
        for counts, momentum, unbiased in (
                ((n,) * 8, 0.1, True), ((n,) * 100, 0.1, True), ((n,) * 12, 0.1, False),
                ((n,) * 8, 0.4, False), ((n,) * 10, 0, True), ((n,) * 30, 0, False),
                (UNEQUAL, 0, True), (UNEQUAL, 0.1, False)):
            yield ("averaged", n, counts, momentum, unbiased,
                   lambda random, c=counts, a=momentum, u=unbiased: Averaged(random, c, a, u))


    for n in (1, 2, 8, 32):  # n * alpha from 0.02 on
        for count, alpha in ((8 * n, 0.02), (8 * n, 0.25 / n), (8 * n, 1 / n), (60, 0.1)):
            if alpha < 1:
                yield ("token", n, (count,), alpha, False,
                       lambda random, m=count, a=alpha: TokenAveraged(random, m, a))


def main():
    lines = [",".join(("kind", "n", "counts", "momentum", "unbiased") + FIGURES)]
    for seed, (kind, n, counts, momentum, unbiased, create) in enumerate(cases()):
        figures = measure_whole if kind == "whole" else measure
        result = simulate(seed, n, create, figures, BatchOfTokens if kind == "token" else Batch)
        if kind == "token" and n * momentum > 0.5:  # there is no floor
            result = {name: part for name, part in result.items() if "tid_deviation" not in name}
        cells = [f"{result[name][0]:.6g} {result[name][1]:.6g}" if name in result else ""
                 for name in FIGURES]
        equal = len(set(counts)) == 1
        sizes = f"{counts[0]} x {len(counts)}" if equal else " ".join(map(str, counts))
        lines.append(",".join([kind, str(n), sizes, str(momentum), str(int(unbiased))] + cells))
        print(lines[-1], flush=True)
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
