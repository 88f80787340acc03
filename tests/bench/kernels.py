#!/usr/bin/env python3
"""What tests/bench/kernels.sh runs, once everything is built."""

import argparse
import json
import os
import pathlib
import statistics
import subprocess

from servers import BIN, on_generator_core, output

SIZES = {"float32": 4, "bfloat16": 2, "float16": 2}
SHAPE_OF_IMAGES = (32, 64 * 56 * 56)


def machine():
    """Caches as the kernel tells them: the C library's sysconf need not know those of a virtual machine."""
    caches = {}
    for index in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
        if kind != "Instruction":
            caches[f"L{level}"] = int(size.removesuffix("K")) << 10
    models = [line for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].split(":", 1)[1].strip() if models else os.uname().machine
    return {"cpu": model, "processors": len(os.sched_getaffinity(0)), "caches": caches}


def run_cases(rounds, only, threads):
    command = [BIN / "kernels", f"--rounds={rounds}", f"--only={only}", f"--threads={threads}"]
    command = on_generator_core(*command) if threads == 1 else command
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode != 0:
        raise SystemExit(process.returncode)


def shape_of(case):
    shape = case["rows"], case["features"]
    return "32x64x56x56" if shape == SHAPE_OF_IMAGES else "{}x{}".format(*shape)


def name_of(case):
    return f"{case['op']} {case['dtype']} {shape_of(case)}"


def print_case(case):
    def figure(value, form):
        return format(value, form) if value is not None else "-".rjust(int(form.split(".")[0]))

    gbps, ratio = case["gbps"], case["ratio"]
    print(
        f"{name_of(case):42}" + "".join(figure(value, "8.1f") for value in gbps.values()),
        "  " + "".join(figure(value, "9.2f") for value in ratio.values()),
        flush=True,
    )


def input_and_output(case):
    return 2 * case["rows"] * case["features"] * SIZES[case["dtype"]]


def layer_norm_bars(case, out_of_cache):
    onednn = 1.5 if case["rows"] * case["features"] <= 16 * 4096 else 1.2
    yield case["ratio"]["onednn"], "times oneDNN", onednn
    yield case["ratio"]["pytorch"], "times PyTorch", 3
    if out_of_cache:
        yield case["ratio"]["memcpy"], "times memcpy", 0.8
    if shape_of(case) == "16x4096":
        yield case["ratio"]["memcpy"], "times memcpy", 0.3


def batch_norm_bars(case, out_of_cache):
    if case["op"] == "batch_norm_train" and case["rows"] >= 8:
        peers = [case["ratio"][peer] for peer in ("onednn", "pytorch") if case["ratio"][peer] is not None]
        yield min(peers, default=None), "times the faster peer", 1.2
    if out_of_cache:
        yield case["ratio"]["memcpy"], "times memcpy", 0.5 if case["op"] == "batch_norm_train" else 0.8


def bars_beside_ours(case, cases, out_of_cache):
    """Against another case of ours, both as parts of memcpy: a machine may change between the two."""
    part = case["ratio"]["memcpy"]
    if case["op"] == "rms_norm" and case["dtype"] == "float32":
        layer_norm = cases.get(("layer_norm", "float32", shape_of(case)))
        if layer_norm:
            yield part / layer_norm["ratio"]["memcpy"], "times our layer_norm", 1
    single = cases.get((case["op"], "float32", shape_of(case)))
    if case["dtype"] != "float32" and single and out_of_cache:
        # Half the bytes an element.
        yield 2 * part / single["ratio"]["memcpy"], "times our float32, in elements", 1.6


def bars(cases, last_level_cache):
    """(what, value, the bar's value)"""
    by_name = {(case["op"], case["dtype"], shape_of(case)): case for case in cases}
    for case in cases:
        if case["gbps"]["normd"] is None:
            continue
        # By float32's size, so that the types are compared at the same shapes.
        single = input_and_output(case | {"dtype": "float32"})
        out_of_cache = single > 2 * last_level_cache
        found = []
        if case["dtype"] == "float32" and case["op"] == "layer_norm":
            found += layer_norm_bars(case, out_of_cache)
        if case["dtype"] == "float32" and case["op"].startswith("batch_norm"):
            found += batch_norm_bars(case, out_of_cache)
        found += bars_beside_ours(case, by_name, out_of_cache)
        for value, what, bar in found:
            if value is None:  # a peer that has no such kernel on this processor
                continue
            yield f"{name_of(case)}: {what}", value, bar


def thread_bars(cases, rounds):
    """Two threads beside one, both as parts of one thread's memcpy: what is large, and what stays one part."""
    for shape, bar in (("512x4096", 1.7), ("16x4096", 0.95)):
        for one in cases:
            if (one["op"], one["dtype"], shape_of(one)) == ("layer_norm", "float32", shape):
                (two,) = run_cases(rounds, f"layer_norm/float32/{shape}", 2)
                value = two["ratio"]["memcpy"] / one["ratio"]["memcpy"]
                yield f"{name_of(one)}: two threads, times one", value, bar


def main():
    flags = argparse.ArgumentParser(description="The kernels beside oneDNN's, PyTorch's and memcpy.")
    flags.add_argument("--json", metavar="FILE", help="where to write all figures")
    flags.add_argument("--rounds", type=int, default=9)
    flags.add_argument("--only", metavar="OP/TYPE/SHAPE", default="", help="as layer_norm/float32/16x4096; * is any")
    flags.add_argument("--threads", type=int, default=1)
    flags = flags.parse_args()
    results = {"machine": machine(), "cases": []}
    caches = results["machine"]["caches"]
    print(f"{results['machine']['cpu']}, " + ", ".join(f"{name} {size >> 10} KiB" for name, size in caches.items()))
    print(f"{'GB/s of input and output':42}   normd  + read  onednn pytorch  memcpy   times onednn  pytorch   memcpy")
    for case in run_cases(flags.rounds, flags.only, flags.threads):
        results["cases"].append(case)
        print_case(case)
    found = list(bars(results["cases"], list(caches.values())[-1]))
    if flags.threads == 1:
        found += thread_bars(results["cases"], flags.rounds)
    for what, value, bar in found:
        print(f"{'ok  ' if value >= bar else 'MISS'} {what}: {value:.2f}, bar {bar:.2f}")
    # The first finds the processor asleep.
    call_ns = 1000 * statistics.median(float(output(BIN / "kernel_time", "--features=64", "--rows=1")) for _ in range(5))
    print(f"{'ok  ' if call_ns < 100 else 'MISS'} one row of 64 float32, the call in all: {call_ns:.0f} ns, bar 100")
    if flags.json:
        pathlib.Path(flags.json).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
