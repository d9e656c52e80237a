"""A relay between a real client and a real server: every byte and every close of both, and when it came.

`Relay.while_running` serves connections until the client's own answer is there and all of them have ended; what each
side did comes back as connections that `tracer.follow` reads.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import tracer
from tracer.packets.source import ACK, FIN, RST, SYN, Packet, Source, reverse
from tracer.protocol.keys import Keys
from tracer.streams import Connection

PATIENCE = 20.0  # seconds for one cell
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, no time


@dataclass
class Pair:
    """A connection in flight: both sockets, and what happened so far as (time, sender, flags, payload)."""

    client: socket.socket
    server: socket.socket
    started: float
    events: list[tuple[float, str, int, bytes]] = field(default_factory=list)
    open: set[str] = field(default_factory=lambda: {"client", "server"})


class Relay:
    """Listens on a port of its own and passes everything on to `target`, a port of this machine."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.port: int = self.listener.getsockname()[1]
        self.poll = selectors.DefaultSelector()
        self.poll.register(self.listener, selectors.EVENT_READ, self._accept)
        self.pairs: list[Pair] = []

    def close(self) -> None:
        self.poll.close()
        self.listener.close()

    def while_running(self, answer: int, read: Callable[[], str]) -> tuple[str, list[Connection]]:
        """Serve until the client has answered on the file descriptor `answer` and its connections are over."""
        self.pairs, said = [], []
        until = time.monotonic() + PATIENCE
        self.poll.register(answer, selectors.EVENT_READ, lambda: said.append(read()))
        while time.monotonic() < until:
            ready = self.poll.select(0.0 if said and not self._in_flight() else 0.2)
            if not ready and said and not self._in_flight():
                break
            for key, _ in ready:
                key.data()
            if said and answer in self.poll.get_map():
                self.poll.unregister(answer)
        else:
            raise TimeoutError(f"the client did not end in {PATIENCE} s: {[p.events for p in self.pairs]}")
        return said[0], connections(self.pairs)

    def _in_flight(self) -> bool:
        return any(pair.open for pair in self.pairs)

    def _accept(self) -> None:
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.target), PATIENCE)
        pair = Pair(client, server, time.time())
        self.pairs.append(pair)
        for sender, near, far in (("client", client, server), ("server", server, client)):
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.poll.register(near, selectors.EVENT_READ, lambda s=sender, n=near, f=far: self._pass(pair, s, n, f))

    def _pass(self, pair: Pair, sender: str, near: socket.socket, far: socket.socket) -> None:
        if sender not in pair.open:
            return
        try:
            data = near.recv(1 << 16)
            flags = 0 if data else FIN
        except ConnectionResetError:
            data, flags = b"", RST
        pair.events.append((time.time(), sender, flags, data))
        with contextlib.suppress(OSError):  # the other side is gone: its own reset is on its way
            if flags & RST:
                far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            elif flags & FIN:
                far.shutdown(socket.SHUT_WR)
            else:
                far.sendall(data)
        if flags:
            pair.open.discard(sender)
            self.poll.unregister(near)
        if flags & RST and pair.open:
            self.poll.unregister(far)
            pair.open.clear()
        if not pair.open:
            near.close()
            far.close()


@contextmanager
def relay(target: int) -> Iterator[Relay]:
    made = Relay(target)
    try:
        yield made
    finally:
        made.close()


# AS A CAPTURE

CLIENT_PORT = 40000


def connections(pairs: list[Pair]) -> list[Connection]:
    """What the relay saw, as reassembled connections in the order in which they were opened."""
    given = [packet for number, pair in enumerate(pairs) for packet in packets(pair, CLIENT_PORT + number)]

    def walk(_: Source) -> Iterator[Packet]:
        yield from (packet._replace(number=at) for at, packet in enumerate(given, 1))

    return list(tracer.reassemble(Source("relay", walk), all_tls=True))


def packets(pair: Pair, port: int) -> Iterator[Packet]:
    """The segments of one connection: a handshake, then what the relay read, as it read it."""
    flow = bytes([127, 0, 0, 1, 127, 0, 0, 1]) + struct.pack(">HH", port, 5432)
    at = {"client": 1000, "server": 2000}

    def segment(moment: float, sender: str, flags: int, payload: bytes = b"") -> Packet:
        other = "server" if sender == "client" else "client"
        way = flow if sender == "client" else reverse(flow)
        made = Packet(0, moment, way, at[sender], at[other], flags, payload)
        at[sender] += len(payload) + bool(flags & (SYN | FIN))
        return made

    yield segment(pair.started, "client", SYN)
    yield segment(pair.started, "server", SYN | ACK)
    for moment, sender, flags, payload in pair.events:
        yield segment(moment, sender, flags | ACK, payload)


def traces(found: list[Connection], keys: bytes) -> list[tracer.Trace]:
    """The traces of these connections, opened with a key log."""
    log = Keys()
    log.add(keys)
    return [tracer.follow(connection, log) for connection in found]
