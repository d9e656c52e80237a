"""Live traffic through scapy's sockets: any platform that scapy knows, with the rights to capture."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from typing import Any

from tracer.errors import TracerError
from tracer.packets.dissect import Dissector
from tracer.packets.scapy_layers import known
from tracer.packets.source import SYN, Packet, Source, Tick

PATIENCE = 0.25  # seconds without a packet until a Tick
BUFFER = 32 << 20  # bytes that the kernel may hold for us
LONGEST = 1 << 18  # bytes of one frame: offloading makes them longer than the wire does


def live(interface: str | None = None) -> Source:
    """The packets of an interface from now on, until the iteration is stopped. Raises `TracerError`."""
    import logging

    logging.getLogger("scapy").setLevel(logging.ERROR)
    import scapy.all  # noqa: F401 (it finds the interfaces and the way to listen on this platform)
    from scapy.config import conf
    from scapy.interfaces import get_if_list

    names = list(get_if_list())
    if interface is not None and interface not in names:
        raise TracerError(f"no interface {interface}", f"there are: {', '.join(names)}")
    conf.bufsize = max(conf.bufsize, BUFFER)
    try:
        listening = conf.L2listen(iface=interface) if interface else conf.L2listen()
    except PermissionError:
        raise TracerError(
            "no right to capture",
            "run it as root, or give the interpreter the right: setcap cap_net_raw+ep PYTHON",
            "or let another program capture: tcpdump -U -w - … | pgtls read -",
        ) from None
    except OSError as error:
        raise TracerError(f"cannot capture on {interface or 'the default interface'}: {error}") from None
    name = interface or str(conf.iface)
    return Source(name, lambda source: _packets(source, listening), "live")


def _packets(source: Source, listening: Any) -> Iterator[Packet | Tick]:  # noqa: ANN401 (one of scapy's sockets)
    link = _link_type(listening)
    counts = source.counts
    dissector = Dissector(source.unwrapped)
    try:
        while True:
            if not select.select([listening], [], [], PATIENCE)[0]:
                yield Tick(time.time())
                continue
            _, frame, stamp = listening.recv_raw(LONGEST)
            if frame is None:
                continue
            when = float(stamp) if stamp is not None else time.time()
            counts.packets += 1
            counts.bytes += len(frame)
            counts.last = when
            counts.first = when if counts.first is None else counts.first
            found = dissector.segment(link, frame)
            if found is not None and (found.flow not in source.skip or found.flags & SYN):
                yield Packet(counts.packets, when, *found)
    finally:
        listening.close()


def _link_type(listening: Any) -> int:  # noqa: ANN401
    """The link type by the layer that scapy would read the frames with."""
    from scapy.config import conf

    layer = getattr(listening, "LL", None)
    number = conf.l2types.layer2num.get(layer, 1) if layer is not None else 1
    return number if known(number) else 1
