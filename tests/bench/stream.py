#!/usr/bin/env python3
"""What tests/bench/stream.sh runs, once everything is built."""

import argparse
import json
import pathlib
import statistics
import sys

import disturbances
from servers import BIN, bench, output, running

# method, session, features, rows a chunk, streams, mode
CASES = [
    ("layer_norm", "none", 1024, 1, 1, "closed"),
    ("layer_norm", "none", 1024, 1, 16, "closed"),
    ("layer_norm", "none", 1024, 1, 64, "closed"),
    ("layer_norm", "none", 64, 1, 16, "closed"),
    ("layer_norm", "none", 4096, 1, 16, "closed"),
    ("layer_norm", "none", 1024, 32, 16, "closed"),
    ("batch_norm", "own", 1024, 1, 16, "closed"),
    ("batch_norm", "own", 1024, 32, 16, "closed"),
    ("batch_norm", "shared", 1024, 1, 16, "closed"),
    ("layer_norm", "none", 1024, 1, 16, "open"),
]
OPEN_LOOP_LOAD = 0.7  # of the peak in closed loop


def load_flags(method, session, features, rows):
    flags = ["--method", method, "--row-shape", features, "--rows-per-chunk", rows]
    if session != "none":
        flags += ["--new-sessions", session, "--mode", "streaming", "--estimator", "cumulative"]
    return flags


def against(normd, echo, control):
    flags = ["--pid", normd.pid, "--baseline", echo.address, "--baseline-pid", echo.pid]
    return flags + ["--control", control.address, "--control-pid", control.pid]


def best_echo_threads():
    """The number of threads with which the echo is fastest on its core."""
    rates = {}
    for threads in (1, 2):
        flags = ["--method", "layer_norm", "--seconds", 1, "--warm-up", 0.3, "--rounds", 3]
        with running(echo=[BIN / "echo_server", f"--threads={threads}"]) as (echo,):
            rates[threads] = bench(echo, *flags)["server"]["tokens_per_s"]
    return max(rates, key=rates.get), rates


def kernel_us():
    """Processor time of the arithmetic alone, by (method, session, features, rows), for one row."""
    result = {}
    for method, session, features, rows, _, _ in CASES:
        flags = [f"--features={features}", f"--rows={rows}", f"--method={method}"]
        result[method, session, features, rows] = float(output(BIN / "kernel_time", *flags)) / rows
    return result


def run_cases(normd, echo, control, kernel, seconds, rounds):
    peak = 0
    for method, session, features, rows, streams, mode in CASES:
        flags = [*load_flags(method, session, features, rows), "--streams", streams]
        flags += ["--seconds", seconds, "--warm-up", 0.5, "--rounds", rounds]
        if mode == "open":
            flags += ["--rate", round(OPEN_LOOP_LOAD * peak)]
        result = bench(normd, *flags, *against(normd, echo, control))
        if (method, features, rows, streams, mode) == ("layer_norm", 1024, 1, 16, "closed"):
            peak = result["server"]["tokens_per_s"]
        ratio, spread = result["ratio"], result["control_ratio"]
        yield {
            "method": method,
            "session": session,
            "features": features,
            "rows_per_chunk": rows,
            "streams": streams,
            "mode": mode,
            "normd": result["server"],
            "echo": result["baseline"],
            "control": spread,
            "ratio": ratio,
            "kernel_us": kernel[method, session, features, rows],
        }


def name_of(case):
    session = "" if case["session"] == "none" else f" {case['session']}"
    shape = f"{case['features']}x{case['rows_per_chunk']}"
    return f"{case['method']}{session} {shape} {case['streams']} streams {case['mode']}"


def print_case(case):
    normd, echo, ratio, control = case["normd"], case["echo"], case["ratio"], case["control"]
    print(
        f"{name_of(case):42} {normd['tokens_per_s']:9.0f} {ratio['throughput']:5.2f} ({control['throughput']:.2f})"
        f"  p99 {normd['p99_us']:7.0f} {ratio['p99']:5.2f} ({control['p99']:.2f})"
        f"  p99.9 {ratio['p999']:5.2f} ({control['p999']:.2f})"
        f"  cpu {normd['cpu_us']:6.2f} {echo['cpu_us']:6.2f} {ratio['cpu']:5.2f} kernel {case['kernel_us']:6.2f}"
        f"  busy {normd['server_cpus']:.2f} {echo['server_cpus']:.2f}, generator {normd['generator_cpus']:.2f}",
        flush=True,
    )


def bars(cases):
    """(what, value, the bar's value, whether it holds)"""
    closed = [case for case in cases if case["mode"] == "closed"]
    layer_norm = [case for case in closed if case["method"] == "layer_norm"]
    mean = statistics.geometric_mean([case["ratio"]["throughput"] for case in layer_norm])
    yield "geometric mean of layer_norm's throughput / echo's", mean, 0.9, mean >= 0.9
    for case in closed:
        value, control = case["ratio"]["throughput"], case["control"]
        bar = {"none": 0.9, "own": 0.85, "shared": 0.7}[case["session"]]
        if case["session"] == "own" and case["rows_per_chunk"] > 1:
            echo_us = case["echo"]["cpu_us"]
            bar *= echo_us / (echo_us + case["kernel_us"])
        if case["session"] == "none":
            bar -= max(abs(1 - control["throughput_least"]), abs(control["throughput_most"] - 1))
        yield f"{name_of(case)}: throughput / echo's", value, bar, value >= bar
    for case in closed:
        value, bar = case["ratio"]["p99"], max(1.25, case["control"]["p99_most"])
        yield f"{name_of(case)}: p99 / echo's", value, bar, value <= bar
    for case in cases:
        # By the rounds' ratios: a machine may become slower between normd's median and the echo's.
        value = case["ratio"]["cpu"] * case["echo"]["cpu_us"]
        bar = case["echo"]["cpu_us"] * max(1, case["control"]["cpu"]) + 1.1 * case["kernel_us"]
        yield f"{name_of(case)}: us of processor a token", value, bar, value <= bar
    for case in cases:
        if case["mode"] == "open":
            value = case["ratio"]["p999"]
            yield f"{name_of(case)}: p99.9 / echo's", value, 2, value <= 2


def main():
    flags = argparse.ArgumentParser(description="The token path beside a plain gRPC echo.")
    flags.add_argument("--json", metavar="FILE", help="where to write all figures")
    flags.add_argument("--seconds", type=float, default=2, help="of each measurement")
    flags.add_argument("--rounds", type=int, default=5)
    flags.add_argument("--full", action="store_true", help="after silence, and beside neighbours, too")
    flags = flags.parse_args()
    threads, rates = best_echo_threads()
    print(f"echo: rows/s by threads {({k: round(v) for k, v in rates.items()})}, so {threads}")
    echo_command = [BIN / "echo_server", f"--threads={threads}"]
    normd_command = [BIN / "normd", "--log_level=warn"]
    with running(normd=normd_command, echo=echo_command, control=echo_command) as servers:
        results = {"echo_threads": threads, "cases": []}
        held = []
        print("ratios are to the echo; in brackets the control's")
        for case in run_cases(*servers, kernel_us(), flags.seconds, flags.rounds):
            results["cases"].append(case)
            print_case(case)
        held += bars(results["cases"])
        if flags.full:
            results["after_silence"] = disturbances.after_silence(*servers[:2])
            held += disturbances.silence_bars(results["after_silence"])
            beside = disturbances.beside_long_chunks(servers, flags.seconds, flags.rounds)
            held += disturbances.long_chunks_bars(beside)
            stopped = disturbances.beside_a_stopped_reader(servers[0], flags.seconds, flags.rounds)
            held += disturbances.stopped_reader_bars(stopped)
            results["p99_us"] = {"beside_long_chunks": beside, "beside_a_stopped_reader": stopped}
    for what, value, bar, holds in held:
        print(f"{'ok  ' if holds else 'MISS'} {what}: {value:.2f}, bar {bar:.2f}")
    if flags.json:
        pathlib.Path(flags.json).write_text(json.dumps(results, indent=1) + "\n")
    return 0 if all(holds for *_, holds in held) else 1


if __name__ == "__main__":
    sys.exit(main())
