"""What fuzzing begins with: the captures of the stories, cut into what each target takes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import tracer
from tests.wire import Say
from tracer.packets.source import Packet

HERE = Path(__file__).parent
CAPTURES = HERE.parent.parent / "captures"
CORPUS = HERE / "corpus"
LARGEST = 40_000  # bytes of a seed: a mutation of more finds nothing in less time


@cache
def seeds(target: str) -> list[bytes]:
    """The seeds of a target, each once: those that are made of captures, and the corpus that lies in the repository."""
    kept = [path.read_bytes() for path in sorted((CORPUS / target).glob("*"))]
    return [seed for seed in dict.fromkeys([*MADE[target](), *kept]) if len(seed) <= LARGEST]


@cache
def files() -> list[Path]:
    return sorted(CAPTURES.glob("*/*.pcapng"))


@cache
def traces() -> list[tracer.Trace]:
    found = []
    for file in files():
        source = tracer.read(file)
        found += [tracer.follow(connection, source.keys) for connection in tracer.reassemble(source, all_tls=True)]
    return found


def whole_files() -> Iterator[bytes]:
    for file in files():
        yield file.read_bytes()


def packed_files() -> Iterator[bytes]:
    for data in whole_files():
        yield b"\0" + data


def frames() -> Iterator[bytes]:
    """Frames as the target `link` has them, of the link types that it counts: Ethernet is the second."""
    for file in files():
        data, at, found = file.read_bytes(), 0, b""
        while at + 12 <= len(data) and len(found) < 4000:
            kind, length = struct.unpack_from("<II", data, at)
            if kind == 6:
                size = struct.unpack_from("<I", data, at + 20)[0]
                frame = data[at + 28 : at + 28 + size]
                found += bytes([1]) + len(frame).to_bytes(2, "big") + frame
            at += max(length, 12)
        yield found


def scripts() -> Iterator[bytes]:
    """Segments as the target `segments` has them."""
    for file in files():
        out, first = b"", None
        for packet in tracer.read(file):
            if not isinstance(packet, Packet):
                continue
            first = first or packet.flow
            for at in range(0, max(len(packet.payload), 1), 250):
                part = packet.payload[at : at + 250]
                seq = packet.seq + at & 0xFFFFFFFF
                who = int(packet.flow != first)
                out += struct.pack(">BBIIBB", who, packet.flags, seq, packet.ack, 0, len(part)) + part
        yield out


def talk(said: list[Say]) -> bytes:
    """What two spoke, as the target `preamble` and others have it."""
    parts = [
        bytes([sender == "server"]) + len(data[at : at + 60000]).to_bytes(2, "big") + data[at : at + 60000]
        for sender, data in said
        for at in range(0, len(data), 60000)
    ]
    return b"".join(parts)


def talks() -> Iterator[bytes]:
    for trace in traces():
        said: list[Say] = []
        at = {"client": 0, "server": 0}
        for message in trace.messages:
            stop = max(stop for _, stop in message.spans)
            data = trace.connection.stream(message.sender).data[at[message.sender] : stop]
            at[message.sender] = max(at[message.sender], stop)
            if data:
                said.append((message.sender, data))
        yield talk(said)


def inner_talks() -> Iterator[bytes]:
    """The target `tls` seals by itself what begins with the type of application data."""
    for trace in traces():
        said: list[Say] = []
        for message in trace.messages:
            data, tls = message.data[:60000], message.layer == "tls"
            if message.opened:
                said.append((message.sender, b"\x17" + data + (b"\x16" if tls else b"\x17")))
            elif tls and message.kind != "Sealed":
                kind = 20 if message.kind == "ChangeCipherSpec" else 21 if message.kind == "Alert" else 22
                said.append((message.sender, bytes([kind, 3, 3]) + len(data).to_bytes(2, "big") + data))
        yield talk(said)


def words() -> Iterator[bytes]:
    """What was said in the language of PostgreSQL."""
    for trace in traces():
        yield talk([(m.sender, m.data) for m in trace.messages if m.layer == "postgres" and m.kind != "Sealed"][2:])


def messages() -> Iterator[bytes]:
    for trace in traces():
        version = 4 if trace.tls and trace.tls.version == "TLS 1.3" else 3
        for message in trace.messages:
            if message.layer == "tls" and message.kind not in ("Alert", "ChangeCipherSpec", "Sealed", "Unread"):
                yield bytes([version, 1]) + message.data


def compressible() -> Iterator[bytes]:
    for trace in traces():
        if (message := trace.of("Certificate", "server")) is not None:
            yield b"\0\1" + (message.length - 4).to_bytes(3, "big") + b"\0" + message.data[4:]


def chains() -> Iterator[bytes]:
    for trace in traces():
        yield talk([("server", der) for der in trace.certificates])


def ders() -> Iterator[bytes]:
    for trace in traces():
        yield from trace.certificates


def lists() -> Iterator[bytes]:
    for path in sorted(CAPTURES.glob("*/*.crl")) + sorted(CAPTURES.glob("*/*crl*.pem")):
        yield path.read_bytes()


def logs() -> Iterator[bytes]:
    from tracer.packets.frames import key_log

    for file in files():
        source = tracer.read(file)
        list(source)
        yield key_log(source.keys)[:4000]


def pems() -> Iterator[bytes]:
    for path in sorted(CAPTURES.glob("*/*.pem")):
        yield path.read_bytes()
    yield from lists()


def strings() -> Iterator[bytes]:
    yield b"host=db.example,b.example port=5432 sslmode=verify-full sslrootcert='a b\\'c' hostaddr=::1"
    yield b"postgresql://me:p%20w@[::1]:5432,db.example/base?sslmode=require&application_name=%C3%A4"
    yield b"db.example:5433"


MADE = {
    "capture": whole_files,
    "packed": packed_files,
    "annotated": whole_files,
    "link": frames,
    "segments": scripts,
    "preamble": talks,
    "backend": words,
    "outputs": talks,
    "tls": inner_talks,
    "message": messages,
    "compressed": compressible,
    "certificate": ders,
    "chain": chains,
    "revocation": lists,
    "keylog": logs,
    "pem": pems,
    "connection_string": strings,
}
