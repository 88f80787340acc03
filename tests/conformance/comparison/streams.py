#!/usr/bin/python3
"""Writes streams made on purpose, float32, always the same: streams.py OUTDIR.

Each shows one thing that batch statistics can meet; what a name says is all that is not independent,
standard normal tokens.
"""

import pathlib
import sys

import numpy as np

TOKENS, CHANNELS = 8192, 32
SEQUENCES, STEPS = 256, 32
SEED = 20240607


def independent(generator):
    return generator.standard_normal((TOKENS, CHANNELS))


def autoregressive(generator, phi=0.9):
    """Each token keeps phi of the one before; variance 1 from the first on."""
    tokens = independent(generator)
    tokens[1:] *= np.sqrt(1 - phi**2)
    for t in range(1, TOKENS):
        tokens[t] += phi * tokens[t - 1]
    return tokens


def sequence_offset(generator):
    """[N, T, C]: each sequence has its own level in each channel, as wide as the tokens within it."""
    levels = generator.standard_normal((SEQUENCES, 1, CHANNELS))
    return generator.standard_normal((SEQUENCES, STEPS, CHANNELS)) + levels


def drift(generator):
    """The mean grows steadily by 3 deviations over the stream."""
    return independent(generator) + np.linspace(0, 3, TOKENS)[:, None]


def regime_switch(generator):
    """From 5/8 of the stream on, mean 2 and deviation 3."""
    tokens = independent(generator)
    late = TOKENS * 5 // 8
    tokens[late:] = 3 * tokens[late:] + 2
    return tokens


def outlier_channels(generator):
    """Two channels are 30 times as large as the others, one of them far from 0."""
    tokens = independent(generator)
    tokens[:, [5, 17]] *= 30
    tokens[:, 17] += 100
    return tokens


def token_scale(generator):
    """Each token is scaled as a whole, by a log-normal factor: heavy tails in every channel."""
    return independent(generator) * np.exp(0.6 * generator.standard_normal((TOKENS, 1)))


def padded(generator):
    """[N, T, C] and lengths: 30 to 70 % of each sequence is zeros. Valid tokens have mean 1."""
    lengths = generator.integers(STEPS * 3 // 10 + 1, STEPS * 7 // 10, SEQUENCES, endpoint=True)
    tokens = generator.standard_normal((SEQUENCES, STEPS, CHANNELS)) + 1
    tokens[np.arange(STEPS) >= lengths[:, None]] = 0
    return tokens, lengths


STREAMS = (independent, autoregressive, sequence_offset, drift, regime_switch, outlier_channels, token_scale)


def streams():
    """Names and arrays."""
    for number, make in enumerate(STREAMS):
        yield make.__name__, make(np.random.Generator(np.random.PCG64(SEED + number))).astype("<f4")
    tokens, lengths = padded(np.random.Generator(np.random.PCG64(SEED + len(STREAMS))))
    yield "padded", tokens.astype("<f4")
    yield "padded_lengths", lengths.astype("<i8")


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in streams():
        np.save(folder / f"{name}.npy", array)


if __name__ == "__main__":
    main()
