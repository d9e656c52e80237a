"""A capture of a million packets, nearly all of flows that are not PostgreSQL: pgtls beside tshark and beside `cat`.

`make bench`; an argument is the number of packets.
"""

from __future__ import annotations

import random
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

STORY = Path(__file__).resolve().parents[2] / "captures" / "verify-full" / "capture.pcapng"
PACKETS = 1_000_000
FLOWS = 500
CONNECTIONS = 20
ENHANCED = 6


def frames(story: bytes) -> list[bytes]:
    """The frames of a pcapng file of ours."""
    found, at = [], 0
    while at < len(story):
        kind, length = struct.unpack_from("<II", story, at)
        if kind == ENHANCED:
            (captured,) = struct.unpack_from("<I", story, at + 20)
            found.append(story[at + 28 : at + 28 + captured])
        at += length
    return found


def with_port(frame: bytes, port: int) -> bytes:
    """A frame of another connection: the client's port is another."""
    changed = bytearray(frame)
    for at in (34, 36):
        if struct.unpack_from(">H", changed, at)[0] != 5432:
            struct.pack_into(">H", changed, at, port)
    return bytes(changed)


def noise() -> Iterator[bytes]:
    """Segments of flows whose beginning was not captured."""
    chance = random.Random(1)  # noqa: S311 (the same noise every time)
    ends = [struct.pack(">IIHH", 0x0A000000 + i, 0x0A010000 + i, 30000 + i, 9999) for i in range(FLOWS)]
    sequence = [1] * FLOWS
    payload = bytes(range(1, 201))
    ip = b"\x45\0" + struct.pack(">H", 40 + len(payload)) + b"\0\0\x40\0\x40\x06\0\0"
    while True:
        i = chance.randrange(FLOWS)
        tcp = ends[i][8:] + struct.pack(">II", sequence[i], 1) + b"\x50\x18\xff\xff\0\0\0\0"
        sequence[i] += len(payload)
        yield b"\2" * 12 + b"\x08\0" + ip + ends[i][:8] + tcp + payload


def write(path: Path, packets: int) -> None:
    """The capture: noise, and a few connections spread over it."""
    story = frames(STORY.read_bytes())
    every = packets // CONNECTIONS
    clock = 1_700_000_000_000_000
    others = noise()
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for n in range(packets):
            group = [next(others)]
            if n % every == every // 2:
                group += [with_port(frame, 40000 + n // every) for frame in story]
            for frame in group:
                clock += 50
                file.write(struct.pack("<IIII", clock // 10**6, clock % 10**6, len(frame), len(frame)) + frame)


def run(name: str, *command: str) -> float:
    """Run a command; says how long it took and the most memory that a child of ours has used so far."""
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"{name:10} {seconds:8.2f} s   peak so far {peak:5} MB")
    return seconds


def main() -> None:
    """Compare."""
    packets = int(sys.argv[1]) if len(sys.argv) > 1 else PACKETS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "noise.pcap"
        write(path, packets)
        print(f"{packets:,} packets, {path.stat().st_size:,} bytes, {CONNECTIONS} connections")
        run("cat", "cat", str(path))
        ours = run("pgtls", sys.executable, "-m", "tracer", "read", str(path), "--format", "ndjson")
        if shutil.which("tshark"):
            fields = ("-T", "fields", "-e", "tls.handshake.type")
            theirs = run("tshark", "tshark", "-r", str(path), "-Y", "tls.handshake", *fields)
            print(f"tshark takes {theirs / ours:.0f} times as long")


if __name__ == "__main__":
    main()
