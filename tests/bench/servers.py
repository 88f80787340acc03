"""Servers to be measured, each on the servers' core, and the load generator on another."""

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import time

BIN = pathlib.Path(__file__).resolve().parents[2] / "build/release/bin"
SERVER_CORE, GENERATOR_CORE = (sorted(os.sched_getaffinity(0)) * 2)[:2]


class Server:
    """One, until `stop`."""

    def __init__(self, folder, name, *command):
        self.name = name
        port_file = pathlib.Path(folder) / f"{name}.port"
        self.process = subprocess.Popen(
            ["taskset", "-c", str(SERVER_CORE), *command, "--listen=127.0.0.1:0", f"--port_file={port_file}"]
        )
        self.pid = str(self.process.pid)
        for _ in range(600):
            if port_file.exists() and port_file.read_text().endswith("\n"):
                break
            if self.process.poll() is not None:
                raise RuntimeError(f"{name} ended with status {self.process.returncode}")
            time.sleep(0.05)
        else:
            self.stop()
            raise RuntimeError(f"{name} did not listen within 30 s")
        self.address = f"127.0.0.1:{int(port_file.read_text())}"

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def most_resident_kib(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0])


@contextlib.contextmanager
def running(**commands):
    """Servers of these names and commands, in order."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        servers = []
        for name, command in commands.items():
            servers.append(Server(folder, name, *map(str, command)))
            stack.callback(servers[-1].stop)
        yield servers


def on_generator_core(*command):
    return ["taskset", "-c", str(GENERATOR_CORE), *map(str, command)]


def output(*command):
    return subprocess.run(on_generator_core(*command), check=True, stdout=subprocess.PIPE, text=True).stdout


def bench_command(server, *flags):
    return [BIN / "normctl", "--json", "--server", server.address, "bench", *flags]


def bench(server, *flags):
    return json.loads(output(*bench_command(server, *flags)))
