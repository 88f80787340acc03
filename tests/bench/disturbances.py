"""What a token waits for beside its own way: silence before it, and neighbours."""

import contextlib
import json
import signal
import statistics
import subprocess
import time

from servers import BIN, bench, bench_command, on_generator_core, output

SMALL_TOKENS = ["--method", "layer_norm", "--row-shape", 1024, "--streams", 16, "--rate", 5000]
# 4 MiB with their envelope: as long as messages may be.
LONG_CHUNKS = ["--method", "layer_norm", "--row-shape", 1024, "--rows-per-chunk", 1023]


def after_silence(normd, echo):
    """Latencies after silence of each length, side by side."""
    lines = output(BIN / "after_silence", f"--server={normd.address}", f"--baseline={echo.address}")
    return [json.loads(line) for line in lines.splitlines()]


@contextlib.contextmanager
def neighbour(server, streams):
    """A client that sends long chunks meanwhile, each stream one after the other."""
    flags = [*LONG_CHUNKS, "--streams", streams, "--rounds", 1, "--warm-up", 0, "--seconds", 600]
    command = on_generator_core(*bench_command(server, *flags))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    time.sleep(0.5)
    try:
        yield process
        if process.poll() is not None:
            raise RuntimeError("the neighbour ended before the measurement did")
    finally:
        process.kill()
        process.wait()


def p99_of_small_tokens(server, seconds):
    flags = ["--rounds", 1, "--warm-up", 0.5, "--seconds", seconds]
    return bench(server, *SMALL_TOKENS, *flags)["server"]["p99_us"]


def beside_long_chunks(servers, seconds, rounds):
    """p99 of small tokens at each server, in rounds, while another client sends long chunks."""

    def measured(server):
        with neighbour(server, streams=1):
            return p99_of_small_tokens(server, seconds)

    return [[measured(server) for server in servers] for _ in range(rounds)]


def beside_a_stopped_reader(server, seconds, rounds):
    """p99 of small tokens, in rounds: alone, and beside a client that reads its answers no more."""

    def beside():
        # Most of so many have sent a chunk whose answer no window has room for.
        with neighbour(server, streams=8) as process:
            process.send_signal(signal.SIGSTOP)
            return p99_of_small_tokens(server, seconds)

    return [[p99_of_small_tokens(server, seconds), beside()] for _ in range(rounds)]


def silence_bars(cases):
    for case in cases:
        for figure in ("median_ms", "max_ms"):
            value = case["normd"][figure] / case["echo"][figure]
            what = f"{case['kind']} after {case['silence_ms']} ms of silence: {figure} / echo's"
            yield what, value, 2, value <= 2


def long_chunks_bars(rounds):
    value = statistics.median(normd / echo for normd, echo, _ in rounds)
    control = statistics.median(control / echo for _, echo, control in rounds)
    yield f"p99 beside 4 MiB chunks / echo's (control {control:.2f})", value, 1.5, value <= 1.5


def stopped_reader_bars(rounds):
    value = statistics.median(beside / alone for alone, beside in rounds)
    yield "p99 beside a reader that stopped / alone", value, 2, value <= 2
