#!/usr/bin/env python3
"""What tests/bench/many_streams.sh runs, once everything is built."""

import argparse
import sys

from servers import BIN, bench, running

SECONDS_BETWEEN_TOKENS = 5  # of one stream
MOST_KIB = 32  # a stream, beside the echo


def hold(server, flags):
    """The load's figures and the most memory, in KiB a stream, that the server took under it."""
    load = ["--method", "layer_norm", "--streams", flags.streams, "--connections", flags.connections, "--rounds", 1]
    load += ["--rate", flags.streams / SECONDS_BETWEEN_TOKENS]
    load += ["--warm-up", SECONDS_BETWEEN_TOKENS, "--seconds", flags.seconds]
    before = server.most_resident_kib()
    # Fails where a stream does, or an answer is missing or another's.
    figures = bench(server, *load)["server"]
    return figures, (server.most_resident_kib() - before) / flags.streams


def main():
    flags = argparse.ArgumentParser(description="Many streams that are mostly quiet.")
    flags.add_argument("--streams", type=int, default=10000)
    flags.add_argument("--connections", type=int, default=100)
    flags.add_argument("--seconds", type=float, default=600)
    flags = flags.parse_args()
    limits = [f"--max_streams={flags.streams}", f"--max_streams_per_connection={flags.streams}"]
    commands = {
        "echo": [BIN / "echo_server"],
        "normd": [BIN / "normd", "--log_level=warn", *limits],
    }
    memory = {}
    with running(**commands) as servers:
        for server in servers:
            figures, memory[server.name] = hold(server, flags)
            print(
                f"{server.name:5} {flags.streams} streams, {flags.connections} connections: "
                f"{figures['tokens_per_s']:.0f} tokens/s all answered, {figures['unsent']:.0f} too late to be sent, "
                f"p50 {figures['p50_us'] / 1000:.2f} ms, p99 {figures['p99_us'] / 1000:.2f} ms, "
                f"most {figures['max_us'] / 1000:.1f} ms; {memory[server.name]:.1f} KiB a stream",
                flush=True,
            )
    more = memory["normd"] - memory["echo"]
    print(f"normd takes {more:.1f} KiB a stream more than the echo, bar {MOST_KIB}")
    return 0 if more < MOST_KIB else 1


if __name__ == "__main__":
    sys.exit(main())
