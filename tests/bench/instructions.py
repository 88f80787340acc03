"""What tests/bench/instructions.sh runs, once everything is built."""

import collections
import pathlib
import subprocess
import sys
import tempfile
import time

from servers import BIN, bench_command, on_generator_core, running

DEFAULT_LOAD = ["--method", "layer_norm", "--row-shape", "64"]
COMMANDS = {"normd": [BIN / "normd", "--threads=1"], "echo": [BIN / "echo_server", "--threads=1"]}
BATCHES_OF_A_TOKEN = 2  # gRPC's: a read and a write
WARM_UP, COUNTED = 5, 5  # seconds


def under_valgrind(command, profile):
    return ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={profile}", *command]


def count(server, load):
    """Counts while the server is under load; its profile is written when it ends."""
    bench = bench_command(server, "--warm-up", 1, "--seconds", WARM_UP + COUNTED + 2, "--rounds", 1, *load)
    with subprocess.Popen(on_generator_core(*bench), stdout=subprocess.DEVNULL) as generator:
        for switch, seconds in (("on", WARM_UP), ("off", COUNTED)):
            time.sleep(seconds)
            subprocess.run(["callgrind_control", "-i", switch, server.pid], check=True, stdout=subprocess.DEVNULL)
    if generator.returncode != 0:
        raise RuntimeError(f"normctl bench ended with status {generator.returncode}")


def instructions_by_object(profile):
    """Of a token, by the name of the binary or library (Callgrind's format, version 1)."""
    names = {}  # of objects and of functions, by number: each is told once
    spent = collections.Counter()
    batches = 0
    binary = called = None
    of_callee = False
    for line in profile.read_text().splitlines():
        key, _, value = line.partition("=")
        if key in ("ob", "cob", "fn", "cfn"):
            number, _, name = value.partition(" ")
            name = names.setdefault((key.removeprefix("c"), number), name)
            if key == "ob":
                binary = pathlib.Path(name).name
            elif key == "cfn":
                called = name
        elif key == "calls":
            of_callee = True
            if called == "grpc_call_start_batch":
                batches += int(value.split()[0])
        elif line[:1] in tuple("0123456789+-*"):
            if not of_callee:
                spent[binary] += int(line.split()[1])
            of_callee = False
    tokens = batches / BATCHES_OF_A_TOKEN
    return {name: instructions / tokens for name, instructions in spent.items()}


def main():
    load = sys.argv[1:] or DEFAULT_LOAD
    with tempfile.TemporaryDirectory() as folder:
        profiles = {name: pathlib.Path(folder) / f"{name}.out" for name in COMMANDS}
        commands = {name: under_valgrind(COMMANDS[name], profiles[name]) for name in COMMANDS}
        with running(**commands) as servers:
            for server in servers:
                count(server, load)
        spent = {name: instructions_by_object(profile) for name, profile in profiles.items()}
    print(f"{'instructions a token':40}" + "".join(f"{name:>10}" for name in spent))
    print(f"{'':40}" + "".join(f"{sum(by_object.values()):10.0f}" for by_object in spent.values()))
    for binary in sorted(set().union(*spent.values()), key=lambda name: -max(s.get(name, 0) for s in spent.values())):
        of_each = [by_object.get(binary, 0) for by_object in spent.values()]
        if max(of_each) >= 20:
            print(f"  {binary:38}" + "".join(f"{instructions:10.0f}" for instructions in of_each))
    return 0


if __name__ == "__main__":
    sys.exit(main())
