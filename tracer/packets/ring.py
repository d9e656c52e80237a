"""Live traffic on Linux: a ring of blocks that the kernel fills and we empty (TPACKET_V3), behind a filter in the kernel.

It needs CAP_NET_RAW and nothing else. Each block is copied and handed back at once, and then walked as a file's chunks
are. Source: the Linux kernel's Documentation/networking/packet_mmap.rst and include/uapi/linux/if_packet.h.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tracer.errors import TracerError
from tracer.packets.filters import LOOPBACK, program
from tracer.packets.link import ETHERNET, RAW, SHORTCUTS
from tracer.packets.source import Packet, Source, Tick
from tracer.packets.walk import Frames

BLOCK, BLOCKS, FEWEST = 1 << 20, 64, 4  # bytes of a block, and how many of them
FRAME = 1 << 11  # bytes; a ring of this version packs frames closely, but wants a number
RETIRE = 50  # milliseconds until the kernel hands on a block that is not full
PATIENCE = 0.25  # seconds without a packet until a Tick
STATISTICS_PERIOD = 1.0  # seconds

SOL_PACKET, SO_ATTACH_FILTER = 263, 26
ADD_MEMBERSHIP, RX_RING, STATISTICS, VERSION, V3, PROMISCUOUS = 1, 5, 6, 10, 2, 1
ETH_P_ALL, HARDWARE_ETHERNET = 3, 1
READY, STATUS, NUMBER, FIRST, LENGTH = 1, 8, 12, 16, 20  # a block is ours; offsets in its description
TAGGED, TAG_TYPED = 1 << 4, 1 << 6  # TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID

# tpacket3_hdr: next, seconds, nanoseconds, kept, length, status, mac, net, tag, its type; sockaddr_ll: protocol, index,
# hardware
HEADER = struct.Struct("=IIIIIIHH4xIH10x2x2siH").unpack_from


@dataclass
class Ring:
    """An open ring, and the next block of it that is looked at."""

    socket: socket.socket
    memory: mmap.mmap
    interface: str | None
    index: int  # of the interface; 0 stands for all
    names: dict[int, str] = field(default_factory=dict)
    at: int = 0

    def ready(self) -> bool:
        return bool(self._number(STATUS) & READY)

    def filled(self) -> bool:
        """Whether an eighth of the ring waits: the rest is for what comes while others have the cores."""
        at = (self.at + len(self.memory) // 8) % len(self.memory)
        return bool(struct.unpack_from("=I", self.memory, at + STATUS)[0] & READY)

    def take(self) -> tuple[int, int, bytes]:
        """The number of packets in the next block, where the first one is, and the block; the kernel has it back."""
        number, first, length = self._number(NUMBER), self._number(FIRST), self._number(LENGTH)
        block = self.memory[self.at : self.at + length]
        struct.pack_into("=I", self.memory, self.at + STATUS, 0)
        self.at = (self.at + BLOCK) % len(self.memory)
        return number, first, block

    def drops(self) -> int:
        """Packets that found no room since the last time this was asked."""
        return int(struct.unpack("=III", self.socket.getsockopt(SOL_PACKET, STATISTICS, 12))[1])

    def gone(self) -> bool:
        """Whether the interface is there no more; another one of its name is not the same."""
        return self.index not in (0, *(index for index, _ in socket.if_nameindex()))

    def name(self, index: int) -> str:
        if index not in self.names:
            try:
                self.names[index] = socket.if_indextoname(index)
            except OSError:
                self.names[index] = f"interface {index}"
        return self.names[index]

    def close(self) -> None:
        self.memory.close()
        self.socket.close()

    def _number(self, at: int) -> int:
        return int(struct.unpack_from("=I", self.memory, self.at + at)[0])


def capture(interface: str | None = None, ports: Sequence[int] = ()) -> Source:
    """The packets of an interface, or of all, from now on.

    Raises `TracerError`, and `OSError` where there can be no ring: `PermissionError` without the right to one.
    """
    if sys.platform != "linux":
        raise TracerError("packet rings are Linux's", "pgtls live --via scapy")
    if interface is not None and interface not in (names := [name for _, name in socket.if_nameindex()]):
        raise TracerError(f"no interface {interface}", f"there are: {', '.join(names)}")
    ring = _open(interface, program(ports))
    source = Source(interface or "any", lambda source: _packets(source, ring), "live")
    source.counts.dropped = 0
    return source


def _open(interface: str | None, instructions: bytes) -> Ring:
    """The filter stands before the ring: what comes between is dropped with the queue that the ring replaces.

    A socket of protocol 0 gets nothing until it is bound; no binding means all interfaces.
    """
    protocol = 0 if interface else socket.htons(ETH_P_ALL)
    listening = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, protocol)
    try:
        code = ctypes.create_string_buffer(instructions, len(instructions))
        listening.setsockopt(
            socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(instructions) // 8, ctypes.addressof(code))
        )
        listening.setsockopt(SOL_PACKET, VERSION, V3)
        size = _reserve(listening)
        memory = mmap.mmap(listening.fileno(), size)
        index = socket.if_nametoindex(interface) if interface else 0
        if interface:
            listening.bind((interface, ETH_P_ALL))
            _promiscuous(listening, index)
    except BaseException:
        listening.close()
        raise
    return Ring(listening, memory, interface, index)


def _reserve(listening: socket.socket) -> int:
    """Ask for the ring's memory: as much as there is. Returns its bytes."""
    blocks = BLOCKS
    while True:
        request = struct.pack("=7I", BLOCK, blocks, FRAME, blocks * (BLOCK // FRAME), RETIRE, 0, 0)
        try:
            listening.setsockopt(SOL_PACKET, RX_RING, request)
        except OSError:
            if blocks <= FEWEST:
                raise
            blocks //= 2
        else:
            return BLOCK * blocks


def _promiscuous(listening: socket.socket, index: int) -> None:
    """Others' packets too, as at a mirror port; an interface that cannot shows its own."""
    try:
        listening.setsockopt(SOL_PACKET, ADD_MEMBERSHIP, struct.pack("=iHH8x", index, PROMISCUOUS, 0))
    except OSError:
        return


def _packets(source: Source, ring: Ring) -> Iterator[Packet | Tick]:
    frames = Frames(source)
    waiting = select.poll()
    waiting.register(ring.socket, select.POLLIN)
    asked = 0.0
    try:
        while True:
            ending = source.stopped
            if ending:
                time.sleep(2 * RETIRE / 1000)  # what has come lies in a block that is not full
            yield from _ready(frames, ring, endless=not ending)
            if ending or time.monotonic() - asked >= STATISTICS_PERIOD:
                asked = time.monotonic()
                source.counts.dropped = (source.counts.dropped or 0) + ring.drops()
                if ring.gone():
                    source.problems.append(f"{ring.interface} is gone")
                    return
            if ending:
                return
            if _failed(waiting):
                _note(source, ring)
            if not ring.ready():
                yield Tick(time.time())
    finally:
        ring.close()


def _ready(frames: Frames, ring: Ring, *, endless: bool) -> Iterator[Packet | Tick]:
    """What lies in the ring: at the end once round, however fast more comes."""
    source, taken = frames.source, 0
    while ring.ready() and (endless or taken < len(ring.memory) // BLOCK):
        taken += 1
        number, first, block = ring.take()
        source.behind = ring.filled()
        yield from _block(frames, ring, number, first, block)
        source.counts.bytes += len(block)
        yield Tick(source.counts.last or time.time())
        if endless and source.stopped:
            return


def _failed(waiting: select.poll) -> bool:
    """Wait for a block; whether the socket has an error instead."""
    return any(event & select.POLLERR for _, event in waiting.poll(PATIENCE * 1000))


def _note(source: Source, ring: Ring) -> None:
    """Asking for an error clears it: an interface that is down may come up again."""
    error = ring.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    problem = f"{source.name}: {os.strerror(error).lower()}"
    if error and problem not in source.problems:
        source.problems.append(problem)


def _block(frames: Frames, ring: Ring, count: int, at: int, block: bytes) -> Iterator[Packet]:
    """The packets of a block."""
    number, dead, record = frames.number, frames.dead, frames.source.record
    shortcut = SHORTCUTS[RAW]
    seconds = nanoseconds = 0
    for _ in range(count):
        following, seconds, nanoseconds, kept, length, status, mac, net, tag, type_, protocol, index, hardware = HEADER(
            block, at
        )
        number += 1
        if number == 1:
            frames.source.counts.first = seconds + nanoseconds * 1e-9
        start, network, stop = at + mac, at + net, at + mac + kept
        at += following
        if record is not None:
            frame, link = block[start:stop], ETHERNET
            if hardware not in (HARDWARE_ETHERNET, LOOPBACK):
                frame, link = block[network:stop], RAW
            elif status & TAGGED:
                frame = frame[:12] + struct.pack(">HH", type_ if status & TAG_TYPED else 0x8100, tag) + frame[12:]
            record(ring.name(index), link, seconds * 1_000_000_000 + nanoseconds, frame, length + len(frame) - kept)
        if stop - network >= 40 and dead(shortcut, block, network):
            continue
        frames.number = number
        plain = protocol in PLAIN
        packet = frames.packet(
            RAW if plain else ETHERNET, block[network if plain else start : stop], seconds + nanoseconds * 1e-9
        )
        if packet is not None:
            yield packet
    if count:
        frames.number = number
        frames.saw(seconds + nanoseconds * 1e-9)


PLAIN = (b"\x08\0", b"\x86\xdd")  # IPv4 and IPv6 stand at the network header
