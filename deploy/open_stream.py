#!/usr/bin/env python3
"""Holds a LayerNorm stream open, in Python as any client would: one row of four values, silence, another row.

Prints a line for each answer. Exit status 0 where every row was answered and the stream ended with `closed`.
"""

import argparse
import pathlib
import queue
import struct
import subprocess
import sys
import tempfile
import time

import grpc

ROOT = pathlib.Path(__file__).resolve().parent.parent


def load_messages():
    """The contract's messages, compiled by protoc as they are now."""
    with tempfile.TemporaryDirectory() as out:
        protos = [*(ROOT / "proto").glob("normd/v1/*.proto"), *(ROOT / "proto").glob("google/rpc/*.proto")]
        subprocess.run(["protoc", f"-I{ROOT / 'proto'}", f"--python_out={out}", *map(str, protos)], check=True)
        sys.path.insert(0, out)
        from normd.v1 import normalization_pb2
    return normalization_pb2


def main():
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("server", help="HOST:PORT")
    flags.add_argument("--silence", type=float, default=0, metavar="SECONDS")
    flags.add_argument("--until-closed", action="store_true", help="send no second row: wait for the server to drain")
    flags = flags.parse_args()

    messages = load_messages()
    requests = queue.Queue()
    open_stream = grpc.insecure_channel(flags.server).stream_stream(
        "/normd.v1.NormalizationService/NormalizeStream",
        request_serializer=messages.NormalizeStreamRequest.SerializeToString,
        response_deserializer=messages.NormalizeStreamResponse.FromString,
    )
    answers = open_stream(iter(requests.get, None))

    def expect(case):
        answer = next(answers)
        if answer.WhichOneof("message") != case:
            sys.exit(f"expected {case}, got {answer}")
        return getattr(answer, case)

    def exchange(number):
        chunk = messages.Chunk(sequence_number=number, data=struct.pack("<4f", 1, 2, 3, 4))
        requests.put(messages.NormalizeStreamRequest(chunk=chunk))
        row = struct.unpack("<4f", expect("result").data)
        print(f"row {number} answered:", *(f"{value:.4g}" for value in row), flush=True)

    opening = messages.Open(row_shape=[4])
    opening.spec.layer_norm.SetInParent()
    requests.put(messages.NormalizeStreamRequest(open=opening))
    expect("opened")
    exchange(1)
    if not flags.until_closed:
        time.sleep(flags.silence)
        exchange(2)
        requests.put(None)
    closed = expect("closed")
    print(f"closed after row {closed.last_sequence_number}: {answers.code().name}", flush=True)


if __name__ == "__main__":
    main()
