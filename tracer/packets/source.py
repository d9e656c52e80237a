"""What a source of packets is: the values that the edges hand to the core.

Times are seconds since the epoch, UTC.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from tracer.protocol.keys import Keys

FIN, SYN, RST, ACK, URG = 1, 2, 4, 16, 32

SKIPPED_FLOWS = 200_000  # flows of which we remember that they are dead
LAST_MOMENT = 253402300799.0  # the end of the year 9999


class Packet(NamedTuple):
    """One TCP segment. `flow` is source address, destination address, source port, destination port, as on the wire."""

    number: int
    time: float
    flow: bytes
    seq: int
    ack: int
    flags: int
    payload: bytes
    cut: int = 0  # bytes of its payload that the capture did not keep


class Tick(NamedTuple):
    """Nothing arrived until `time`."""

    time: float


Record = Callable[[str, int, int, bytes, int], None]  # interface, link type, nanoseconds, frame, bytes that it had


class Skip(dict[bytes, None]):
    """The flows nobody needs packets of any more; forgets the oldest when there are too many. `in` asks it."""

    def add(self, flow: bytes) -> None:
        if len(self) >= SKIPPED_FLOWS:
            del self[next(iter(self))]
        self[flow] = None


@dataclass
class Counts:
    """What a source has read so far."""

    packets: int = 0
    bytes: int = 0
    first: float | None = None
    last: float | None = None
    dropped: int | None = None  # packets that came and were lost before anybody could read them; None: nobody counted


@dataclass
class Source:
    """Where packets come from. `walk` yields them; it asks `skip` before it makes a `Packet` of a dead flow.

    A live one ends soon after `stopped` was set, and is `behind` while more waits than it has handed on.
    """

    name: str
    walk: Callable[[Source], Iterator[Packet | Tick]]
    format: str = ""
    keys: Keys = field(default_factory=Keys)
    skip: Skip = field(default_factory=Skip)
    counts: Counts = field(default_factory=Counts)
    problems: list[str] = field(default_factory=list)
    unwrapped: set[str] = field(default_factory=set)  # tunnels and the like that packets came in
    packed: bool = False  # compressed: its bytes say nothing about the file's size
    way: str = ""  # of a live one: what it listens through
    record: Record | None = None  # a live one hands each frame to it
    stopped: bool = False
    behind: bool = False

    def __iter__(self) -> Iterator[Packet | Tick]:
        return self.walk(self)


class Address(NamedTuple):
    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@lru_cache(1024)  # what came with one packet came at one time
def moment(seconds: float) -> datetime:
    """Seconds since the epoch as an aware datetime; a stranger's clock may be anything, so it is bounded."""
    bounded = seconds if 0.0 <= seconds <= LAST_MOMENT else 0.0 if seconds < 0.0 else LAST_MOMENT
    return datetime.fromtimestamp(bounded, UTC)


def reverse(flow: bytes) -> bytes:
    """The key of the other direction."""
    size = (len(flow) - 4) // 2
    return flow[size : 2 * size] + flow[:size] + flow[-2:] + flow[-4:-2]


def address(flow: bytes) -> Address:
    """The sender that a flow key names."""
    size = (len(flow) - 4) // 2
    return Address(str(ipaddress.ip_address(flow[:size])), int.from_bytes(flow[-4:-2], "big"))
