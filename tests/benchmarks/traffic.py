"""Captures to measure with, grown from what real PostgreSQL servers and clients have said.

`python -m tests.benchmarks.traffic FOLDER`, in a network namespace of its own, records the two seeds and their keys:
`handshakes.pcap` (pgbench -C under TLS 1.2, under 1.3, without TLS, and clients that refuse) and `bulk.pcap` (COPY inside
TLS). `… SEED TIMES OUT [pcapng] [ipv6]` repeats a seed, each time with other client addresses and later. What is inside TLS
comes again then, to the byte: once, nothing does. `… mixed HANDSHAKES BULK OUT` is the first seed once, among as much of the
second as makes `EACH_HANDSHAKE` packets a handshake.
"""

from __future__ import annotations

import heapq
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from captures import pki, stage
from tests.packets.listening import postgres

EACH = 200  # connections of each of pgbench's four clients: more messages than anything remembers
REFUSED = 25
ROWS = 20_000  # of 1000 bytes each, of one COPY
COPIES = 4
PORT = 5432  # that tshark knows PostgreSQL by
ETHERNET, IP4, IP6 = 14, 20, 40
EACH_HANDSHAKE = 270  # packets of a mixed capture, as of one that was measured at work
SSL_REQUEST = bytes.fromhex("0000000804d2162f")


class Frame(NamedTuple):
    """A frame of a seed: seconds since the first, its bytes, and whether the client sent it."""

    time: float
    data: bytes
    by_client: bool


def record(folder: Path) -> None:
    """Both seeds, with the keys of what was said inside TLS."""
    keys = folder / "keys.log"
    keys.touch()
    with postgres(port=PORT) as server:
        with stage.tcpdump(folder / "handshakes.pcap", PORT):
            for options in ("sslmode=require ssl_max_protocol_version=TLSv1.2", "sslmode=require", "sslmode=disable"):
                _pgbench(server, options, keys)
            root = folder / "other.pem"
            root.write_text(pki.certificates_pem([pki.region("eu-test-2").root]))
            for _ in range(REFUSED):
                stage.psql(server, f"sslmode=verify-full host=my-rds.example.test sslrootcert={root}", keylog=keys)
        with stage.tcpdump(folder / "bulk.pcap", PORT):
            query = f"copy (select repeat('x', 999) from generate_series(1, {ROWS})) to stdout"
            for _ in range(COPIES):
                stage.psql(server, "sslmode=require", query=query, keylog=keys)


def _pgbench(server: stage.Server, options: str, keys: Path) -> None:
    program = stage.binaries(15) / "pgbench"
    query = keys.parent / "query.sql"
    query.write_text("select 1;\n")
    logging = {"LD_PRELOAD": str(stage.keylog_preload()), "SSLKEYLOGFILE": str(keys), "PGPASSWORD": stage.PASSWORD}
    command = [str(program), "-n", "-C", "-c", "4", "-t", str(EACH), "-f", str(query), server.conninfo(options)]
    subprocess.run(command, check=True, env=stage.environment(program) | logging, capture_output=True)


def seed(path: Path) -> list[Frame]:
    """The frames of a seed: Ethernet and IPv4, as tcpdump writes them."""
    data, at, found = path.read_bytes(), 24, []
    began = None
    while at < len(data):
        seconds, fraction, captured, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16 : at + 16 + captured]
        began = began or seconds + fraction * 1e-6
        to_server = struct.unpack_from(">H", frame, ETHERNET + IP4 + 2)[0] == PORT
        found.append(Frame(seconds + fraction * 1e-6 - began, frame, to_server))
        at += 16 + captured
    return found


def grow(frames: list[Frame], times: int, path: Path, *, pcapng: bool = False, ipv6: bool = False) -> None:
    """A capture of so many repetitions of the seed."""
    _write(_repeated(frames, times, 0x0A000001, ipv6=ipv6), path, pcapng=pcapng)


def mix(handshakes: list[Frame], bulk: list[Frame], path: Path) -> None:
    """A capture in which handshakes are rare."""
    packets = EACH_HANDSHAKE * sum(frame.data.endswith(SSL_REQUEST) for frame in handshakes)
    times = -(-(packets - len(handshakes)) // len(bulk))
    seeds = _repeated(handshakes, 1, 0x0A000001), _repeated(bulk, times, 0x0B000001)
    _write(heapq.merge(*seeds, key=lambda frame: frame[0]), path)


def _write(frames: Iterable[tuple[int, bytes]], path: Path, *, pcapng: bool = False) -> None:
    with path.open("wb") as file:
        file.write(PCAPNG if pcapng else struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for clock, data in frames:
            file.write(_block(clock, data) if pcapng else _record(clock, data))


def _repeated(frames: list[Frame], times: int, client: int, *, ipv6: bool = False) -> Iterator[tuple[int, bytes]]:
    """The frames with their times, in microseconds; the clients' addresses count from `client`."""
    span = frames[-1].time + 1
    for number in range(times):
        for time, data in _copies(frames, struct.pack(">I", client + number), ipv6=ipv6):
            yield int((1_700_000_000 + number * span + time) * 1e6), data


def _copies(frames: list[Frame], client: bytes, *, ipv6: bool) -> Iterator[tuple[float, bytes]]:
    mapped = [b"\xfd" + bytes(11) + client, b"\xfd" + bytes(14) + b"\1"]
    for frame in frames:
        data = frame.data
        if ipv6:
            total = struct.unpack_from(">H", data, ETHERNET + 2)[0]  # behind it the frame may be padded
            tcp = data[ETHERNET + IP4 : ETHERNET + total]
            ends = mapped if frame.by_client else mapped[::-1]
            data = data[:12] + b"\x86\xdd\x60\0\0\0" + struct.pack(">HBB", len(tcp), 6, 64) + b"".join(ends) + tcp
        else:
            at = ETHERNET + (12 if frame.by_client else 16)
            data = data[:at] + client + data[at + 4 :]
        yield frame.time, data


def _record(clock: int, data: bytes) -> bytes:
    return struct.pack("<IIII", clock // 10**6, clock % 10**6, len(data), len(data)) + data


def _block(clock: int, data: bytes) -> bytes:
    padded = data + bytes(-len(data) % 4)
    length = 32 + len(padded)
    head = struct.pack("<IIIIIII", 6, length, 0, clock >> 32, clock & 0xFFFFFFFF, len(data), len(data))
    return head + padded + struct.pack("<I", length)


# a section, and an interface of Ethernet
PCAPNG = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28) + struct.pack("<IIHHII", 1, 20, 1, 0, 0, 20)

if __name__ == "__main__":
    if len(sys.argv) == 2:
        record(Path(sys.argv[1]))
    elif sys.argv[1] == "mixed":
        mix(*(seed(Path(name)) for name in sys.argv[2:4]), Path(sys.argv[4]))
    else:
        source, count, made, *form = sys.argv[1:]
        grow(seed(Path(source)), int(count), Path(made), pcapng="pcapng" in form, ipv6="ipv6" in form)
