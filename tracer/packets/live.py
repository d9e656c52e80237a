"""Live traffic through scapy's sockets: any platform that scapy knows, with the rights to capture."""

from __future__ import annotations

import select
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from tracer.errors import TracerError
from tracer.packets.filters import checked
from tracer.packets.scapy_layers import known
from tracer.packets.source import Packet, Source, Tick
from tracer.packets.walk import Frames

PATIENCE = 0.25  # seconds without a packet until a Tick
STATISTICS_PERIOD = 1.0  # seconds
LAST = 2.0  # seconds at the end for what has come and was not read, however fast more comes
BUFFER = 32 << 20  # bytes that the kernel may hold for us
LONGEST = 1 << 18  # bytes of one frame: offloading makes them longer than the wire does
SOL_PACKET, STATISTICS, IGNORE_OUTGOING = 263, 6, 23  # include/uapi/linux/if_packet.h


def capture(interface: str | None = None, ports: Sequence[int] = ()) -> Source:
    """The packets of an interface from now on. Raises `TracerError`, `PermissionError` without the right to, and `OSError`."""
    wanted = frozenset(checked(ports))
    import logging

    logging.getLogger("scapy").setLevel(logging.ERROR)
    import scapy.all  # noqa: F401 (it finds the interfaces and the way to listen on this platform)
    from scapy.config import conf
    from scapy.error import Scapy_Exception
    from scapy.interfaces import get_if_list

    names = list(get_if_list())
    if interface is not None and interface not in names:
        raise TracerError(f"no interface {interface}", f"there are: {', '.join(names)}")
    conf.bufsize = max(conf.bufsize, BUFFER)
    try:
        listening = conf.L2listen(iface=interface) if interface else conf.L2listen()
    except Scapy_Exception as error:  # its own word for an OSError, where it opens /dev/bpf or libpcap
        raise (PermissionError if "permission" in str(error).lower() else OSError)(str(error)) from None
    name = interface or str(conf.iface)
    if sys.platform == "linux" and name == conf.loopback_name:  # a packet there goes out and comes in
        listening.ins.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
    return Source(name, lambda source: _packets(source, listening, wanted), "live")


def _packets(source: Source, listening: Any, ports: frozenset[int]) -> Iterator[Packet | Tick]:  # noqa: ANN401 (one of scapy's sockets)
    link = _link_type(listening)
    frames = Frames(source)
    asked, end = 0.0, float("inf")
    try:
        while True:
            now = time.monotonic()
            if source.stopped:
                end = min(end, now + LAST)
            if now - asked >= STATISTICS_PERIOD:
                asked = now
                _count_drops(source, listening)
                yield Tick(time.time())
            waits = select.select([listening], [], [], 0 if source.stopped else PATIENCE)[0]
            if source.stopped and (not waits or now >= end):
                break
            if not waits:
                yield Tick(time.time())
                continue
            _, frame, stamp = listening.recv_raw(LONGEST)
            if frame is None:
                continue
            when = float(stamp) if stamp is not None else time.time()
            frames.number += 1
            source.counts.bytes += len(frame)
            frames.saw(when)
            found = _wanted(frames, link, frame, when, ports)
            if found is not None:
                yield found
        _count_drops(source, listening)
    finally:
        listening.close()


def _wanted(frames: Frames, link: int, frame: bytes, when: float, ports: frozenset[int]) -> Packet | None:
    """The packet, where it is of these ports; it is written down when it is, whoever still needs it."""
    found = frames.dissector.segment(link, frame)
    if found is None or (ports and not ports & set(struct.unpack(">HH", found.flow[-4:]))):
        return None
    source = frames.source
    if source.record is not None:
        source.record(source.name, link, int(when * 1e9), frame, len(frame))
    return frames.needed(found, when)


def _count_drops(source: Source, listening: Any) -> None:  # noqa: ANN401
    """Where the socket is one of Linux's; elsewhere nobody counts for us."""
    if sys.platform == "linux":
        drops = struct.unpack("=II", listening.ins.getsockopt(SOL_PACKET, STATISTICS, 8))[1]
        source.counts.dropped = (source.counts.dropped or 0) + drops


def _link_type(listening: Any) -> int:  # noqa: ANN401
    """The link type by the layer that scapy would read the frames with."""
    from scapy.config import conf

    layer = getattr(listening, "LL", None)
    number = conf.l2types.layer2num.get(layer, 1) if layer is not None else 1
    return number if known(number) else 1
