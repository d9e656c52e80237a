"""What is fuzzed: one function a target, bytes in. Only the documented error is caught; all else is a find."""

from __future__ import annotations

import gzip
import io
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import tracer
from tests.wire import CLIENT, packets, sealed, source
from tracer import bundle, chainfile, client, conninfo, rootfile, serverkey, settings
from tracer.certificates import Certificate, Presented, from_pem
from tracer.der import DerError
from tracer.errors import TracerError
from tracer.packets.commented import copy
from tracer.packets.dissect import Dissector
from tracer.packets.keylog import KeyLog
from tracer.packets.link import LINKS
from tracer.packets.source import Packet, reverse
from tracer.protocol import handshake
from tracer.protocol.fields import leaves, parse
from tracer.protocol.keys import Keys
from tracer.render.comments import comments
from tracer.report import report
from tracer.verify import Trust, clients, table
from tracer.verify.chain import judge
from tracer.verify.revocation import from_der as read_crl
from tracer.verify.revocation import from_pem as read_crls

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SECRET = bytes(range(32))
SECRET_LABELS = ("HANDSHAKE_TRAFFIC_SECRET", "TRAFFIC_SECRET_0")
LINK_TYPES = (*sorted(LINKS), 147, 192, 105)  # of which the last are known to nobody, or to scapy
Target = Callable[[bytes], None]


# PACKETS


def capture(data: bytes) -> None:
    """A capture file, as it is: pcap, pcapng, gzip."""
    try:
        found = tracer.read(io.BytesIO(data))
        for connection in tracer.reassemble(found, all_tls=True):
            tracer.follow(connection, found.keys)
    except TracerError:
        pass


def packed(data: bytes) -> None:
    """A capture file that somebody has packed: what is inside is fuzzed, and the last bytes of the packing."""
    cut = data[:1]
    whole = gzip.compress(data[1:], 1)
    capture(whole[: len(whole) - cut[0] % 16] if cut else whole)


def link(data: bytes) -> None:
    """Frames of any link type: each behind its type and its length."""
    dissector, at = Dissector(set()), 0
    while at + 3 <= len(data):
        kind, length = LINK_TYPES[data[at] % len(LINK_TYPES)], int.from_bytes(data[at + 1 : at + 3], "big")
        dissector.segment(kind, data[at + 3 : at + 3 + length])
        at += 3 + length


def segments(data: bytes) -> None:
    """TCP segments in any order: overlaps, wraps, tiny ones. Each is 12 bytes and what it carries."""
    found = source(list(scripted(data)))
    for connection in tracer.reassemble(found, all_tls=True):
        trace = tracer.follow(connection, found.keys)
        for side in (connection.client_stream, connection.server_stream):
            assert all(0 <= start < stop <= len(side.data) for start, stop in side.gaps)
            assert [a.stop for a in side.arrivals] == sorted({a.stop for a in side.arrivals})
        covered(trace)


def scripted(data: bytes) -> Iterator[Packet]:
    """Sender and flow, flags, sequence number, acknowledgement, time, length: then the bytes."""
    at, number = 0, 0
    while at + 12 <= len(data):
        who, flags, seq, ack, late, length = struct.unpack_from(">BBIIBB", data, at)
        payload = data[at + 12 : at + 12 + length]
        flow = CLIENT[:9] + bytes([who >> 1 & 7]) + CLIENT[10:]
        number += 1
        yield Packet(
            number, 1000.0 + number / 1000 + late, reverse(flow) if who & 1 else flow, seq, ack, flags, payload
        )
        at += 12 + length


def covered(trace: tracer.Trace) -> None:
    """Messages account for each byte of theirs, and spans are of the stream (the first two laws)."""
    for message in trace.messages:
        tiles(message.fields, len(message.data))
        stream = trace.connection.stream(message.sender)
        assert all(0 <= start <= stop <= len(stream.data) for start, stop in message.spans)


def tiles(fields: tuple[tracer.protocol.fields.Field, ...], length: int) -> None:
    at = 0
    for leaf in leaves(fields):
        assert leaf.start == at, leaf
        at = leaf.stop
    assert at == length


def annotated(data: bytes) -> None:
    """A capture, copied with the comments that its connections get."""
    try:
        found = tracer.read(io.BytesIO(data))
        said: dict[int, list[str]] = {}
        for connection in tracer.reassemble(found, all_tls=True):
            trace = tracer.follow(connection, found.keys)
            for packet, lines in comments(report(trace, Trust(time=trace.time)), quote=True).items():
                said.setdefault(packet, []).extend(lines)
        out = io.BytesIO()
        copy(io.BytesIO(data), out, said or {1: ["x"]})
    except TracerError:
        return
    if not out.getvalue():
        return  # nothing of it could be read
    again = tracer.read(io.BytesIO(out.getvalue()))
    assert list(again) is not None
    assert found.problems or again.counts.packets == found.counts.packets, (again.counts, found.counts)


# BYTES OF A CONNECTION


def said(data: bytes) -> list[tuple[str, bytes]]:
    """What two speak, in turn: a byte for who, two for how much."""
    found, at = [], 0
    while at + 3 <= len(data):
        length = int.from_bytes(data[at + 1 : at + 3], "big")
        found.append(("server" if data[at] & 1 else "client", data[at + 3 : at + 3 + length]))
        at += 3 + length
    return found


def preamble(data: bytes) -> None:
    """A connection from its first byte: PostgreSQL, TLS, whatever they say."""
    for connection in tracer.reassemble(source(packets(said(data)))):
        covered(tracer.follow(connection))


def tls(data: bytes) -> None:
    """TLS behind SSLRequest and S, and its keys: what stands in the records that are said to be sealed is sealed here."""
    request = [("client", bytes.fromhex("0000000804d2162f")), ("server", b"S")]
    numbers = {"client": 0, "server": 0}
    words = list(said(data))
    for at, (sender, plain) in enumerate(words):
        if plain[:1] == b"\x17" and len(plain) < 16000:
            words[at] = (sender, sealed(SECRET, plain[1:], numbers[sender]))
            numbers[sender] += 1
    keys = Keys()
    hello = next((plain for sender, plain in words if sender == "client"), b"")
    random = hello[11:43].ljust(32, b"\0")
    keys.secrets[random] = {f"{side}_{label}": SECRET for side in ("CLIENT", "SERVER") for label in SECRET_LABELS}
    for connection in tracer.reassemble(source(packets(request + words))):
        covered(tracer.follow(connection, keys))


def outputs(data: bytes) -> None:
    """The same, and every output of it."""
    for connection in tracer.reassemble(source(packets(said(data))), all_tls=True):
        trace = tracer.follow(connection)
        judged = report(trace, Trust(host="db.example", sslmode="verify-full", roots=[], time=trace.time))
        tracer.render.text(judged, verbose=2)
        tracer.render.json(judged)
        tracer.render.html(judged)
        tracer.render.markdown(judged)
        comments(judged, quote=True)


SUITES = ("", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_NULL_SHA", "TLS_DHE_PSK_WITH_AES_128_CBC_SHA",
          "TLS_SRP_SHA_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_PSK_WITH_NULL_SHA")  # fmt: skip
VERSIONS = (None, 0x0300, 0x0301, 0x0303, 0x0304)


def message(data: bytes) -> None:
    """One handshake message of any version and cipher suite, with all its extensions."""
    if len(data) < 2 + handshake.HEADER:
        return
    version, suite, whole = VERSIONS[data[0] % len(VERSIONS)], SUITES[data[1] % len(SUITES)], data[2:]
    kind, read = handshake.message(whole, version, suite)
    fields, _ = parse(read, whole)
    tiles(fields, len(whole))
    tracer.trace.summary(kind, fields, len(whole))


def compressed(data: bytes) -> None:
    """A CompressedCertificate: what is compressed is fuzzed, and what it says of itself."""
    if len(data) < 6:
        return
    stream = zlib.compress(data[6:], 1)
    body = data[:2] + data[2:5] + len(stream).to_bytes(3, "big") + stream
    whole = b"\x19" + len(body).to_bytes(3, "big") + body
    handshake.decompressed(whole)
    raw = b"\x19" + len(data).to_bytes(3, "big") + data
    handshake.decompressed(raw)
    for bytes_ in (whole, raw):
        fields, _ = parse(handshake.message(bytes_, 0x0304, "")[1], bytes_)
        tiles(fields, len(bytes_))


# CERTIFICATES


def certificate(data: bytes) -> None:
    """One certificate: its values, and the verdict of one that is sent alone and trusted."""
    read = Certificate.from_der(data)
    shown(read)
    if read.spki:
        judge([read], [read], NOW)
        judge([read], [read], NOW, openssl=(1, 1))


def shown(read: Certificate) -> None:
    values = (
        read.subject,
        read.issuer,
        read.short,
        read.names,
        read.basic_constraints,
        read.key_usage,
        read.public_key,
    )
    texts = [name.text for name in read.names]
    assert values, texts
    assert isinstance(read.signature_name, str)
    assert isinstance(read.extended_key_usage, frozenset | None)


def chain(data: bytes) -> None:
    """Certificates one behind the other, as a server sends them: for every client, and as its own root file."""
    found = [Certificate.from_der(der) for _, der in said(data)][:8]
    if not found or not found[0].spki:
        return
    presented = Presented(tuple(found))
    trust = Trust(host="db.example", sslmode="verify-full", roots=[one for one in found if one.spki], time=NOW)
    for name in ("libpq", "libpq-12", *clients.drivers()):
        table(presented, trust, clients.get(name))


def revocation(data: bytes) -> None:
    """A revocation list, DER or PEM, and a chain that is looked up in it."""
    lists = list(read_crls(data))
    with suppress(DerError):
        lists.append(read_crl(data))
    for leaf, root in _authority():
        judge([leaf], [root], NOW, crls=lists)


_MADE: list[tuple[Certificate, Certificate]] = []


def _authority() -> list[tuple[Certificate, Certificate]]:
    if not _MADE:
        folder = Path(__file__).parent.parent.parent / "captures" / "revoked"
        root = from_pem((folder / "roots.pem").read_bytes())[0]
        found = tracer.read(folder / "capture.pcapng")
        (trace,) = [tracer.follow(c, found.keys) for c in tracer.reassemble(found)]
        assert trace.presented.certificates
        _MADE.append((trace.presented.certificates[0], root))
    return _MADE


# FILES


def keylog(data: bytes) -> None:
    """A key log, whole and as it grows; the middle is cut."""
    keys = Keys()
    keys.add(data)
    half = len(data) // 2
    path = _FILES / "keylog"
    path.write_bytes(data[:half])
    log, grown = KeyLog(path), Keys()
    log.look(grown)
    path.write_bytes(data)
    log.look(grown, last=True)
    if b"\r" not in data and b"\x0b" not in data and b"\x0c" not in data:
        assert set(grown.secrets) <= set(keys.secrets)


def pem(data: bytes) -> None:
    """A root file, a chain, a bundle, a server's key, a list of revocations."""
    rootfile.entries(data)
    found = from_pem(data)
    for read in found:
        shown(read)
    bundle.entries(found, NOW)
    path = _FILES / "pem"
    path.write_bytes(data)
    for load in (chainfile.load, serverkey.load):
        with suppress(TracerError):
            load(str(path))
    read_crls(data)


def connection_string(data: bytes) -> None:
    """A conninfo string, a URI, or what is typed by hand; and the settings that come of it."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        conninfo.parse(text)
        given = client.told(text)
        resolved = settings.resolve(given, {}, None)
        client.endpoints(resolved)
        settings.sentence(resolved)
    except TracerError:
        return


def backend(data: bytes) -> None:
    """A PostgreSQL session in clear: the words of both behind a startup message."""
    start = struct.pack(">I", 17) + bytes.fromhex("00030000") + b"user\0me\0\0"
    for connection in tracer.reassemble(source(packets([("client", start), *said(data)]))):
        covered(tracer.follow(connection))


_FILES = Path(tempfile.mkdtemp(prefix="pgtls-fuzz-"))

TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        *(capture, packed, link, segments, annotated),
        *(preamble, backend, tls, outputs, message, compressed),
        *(certificate, chain, revocation, keylog, pem, connection_string),
    )
}
