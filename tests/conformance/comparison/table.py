#!/usr/bin/python3
"""What `normctl compare` says of real activations and of streams made on purpose, as a table.

    table.py BIN       where BIN holds normd and normctl
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

import streams

DATA = pathlib.Path(__file__).parents[2] / "data"
SIZES = (2, 32, 128)
HEAD = ("tokens", "gap at 2", "32", "128", "128 are worth", "x chance", "token scale", "heaviest kurtosis", "drift", "verdict at 32", "at 128")
WORDS = {
    "KIND_BATCH_NORM_IS_FINE": "BatchNorm is fine",
    "KIND_USE_LAYER_NORM": "LayerNorm",
    "KIND_USE_FROZEN_STATISTICS": "frozen",
    "KIND_NOT_ENOUGH_DATA": "not enough data",
}


def inputs(folder):
    """Names and arguments of compare."""
    yield "CNN, by image", [DATA / "cnn_conv1_nchw.npy", "--channels-first", "--rows-per-chunk", "2"]
    for name, title in (("transformer_l1", "Transformer"), ("minilm", "MiniLM")):
        lengths = ["--lengths", DATA / f"{name}_lengths.npy", "--rows-per-chunk", "4"]
        yield f"{title}, by sentence", [DATA / f"{name}_tokens.npy", *lengths]
    for name, array in streams.streams():
        np.save(folder / f"{name}.npy", array)
    for make in streams.STREAMS:
        yield make.__name__.replace("_", " "), [folder / f"{make.__name__}.npy"]
    yield "padded, masked", [folder / "padded.npy", "--lengths", folder / "padded_lengths.npy", "--rows-per-chunk", "4"]


def compare(binaries, address, arguments, size):
    command = [binaries / "normctl", "--server", address, "--json", "compare", *arguments, "--batch-size-in-use", str(size)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["report"]


def row(name, reports):
    report = reports[128]
    arrival = {
        int(cell["batch_size"]): cell
        for cell in report["cells"]
        if cell["order"] == "BATCH_ORDER_ARRIVAL" and not cell["with_padding"]
    }
    gaps = [f"{100 * arrival[size]['methods'][0]['output_gap']['overall']:.3g} %" for size in SIZES]
    return [
        name,
        *gaps,
        f"{arrival[128]['effective_batch_size']:.3g}",
        f"{arrival[128]['methods'][0]['discrepancies']['final_mean']['ratio']['value']:.2f}",
        f"{report['variance_split']['token_scale_variation']:.2f}",
        f"{max(channel['kurtosis'] for channel in report['channels']['outstanding']):.3g}",
        f"{report['drift']['excess']:.2f}",
        WORDS[reports[32]["verdict"]["kind"]],
        WORDS[report["verdict"]["kind"]],
    ]


def main():
    binaries = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        port = folder / "port"
        server = subprocess.Popen([binaries / "normd", "--listen=127.0.0.1:0", f"--port_file={port}", "--log_level=warn"])
        try:
            while not (port.exists() and port.read_text()):
                time.sleep(0.02)
            address = f"127.0.0.1:{port.read_text().strip()}"
            print(f"| {' | '.join(HEAD)} |\n|{' --- |' * len(HEAD)}")
            for title, arguments in inputs(folder):
                reports = {size: compare(binaries, address, arguments, size) for size in (32, 128)}
                print(f"| {' | '.join(row(title, reports))} |")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
