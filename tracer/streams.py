"""TCP segments to connections.

A `Source` yields `Packet`s and, while nothing arrives, `Tick`s. `reassemble` keeps the bytes of the flows that may be
PostgreSQL, forgets the others, and hands each connection on once, when it is settled:

* both sides have closed and no byte before the FIN is missing, or 2 s after they closed; a reset;
* a refusing alert in clear, and a close;
* application data both ways, or ReadyForQuery in plaintext: then after 1 s of quiet, or 10 s from its start;
* a SYN that opens the same ports anew; 60 s of silence; a bound on its bytes; the end of the input.

Times are seconds since the epoch, UTC.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tracer.packets.source import ACK, FIN, RST, SYN, Address, Packet, Source, Tick, address, moment, reverse
from tracer.protocol.settled import ends_in_alert, is_postgres, spoke_both_ways
from tracer.segments import STREAM_BYTES, Direction, Stream

LIVE_FLOWS = 20_000  # flows in flight that are kept at once
AFTER_CLOSE, QUIET, ENOUGH, SILENCE, SWEEP = 2.0, 1.0, 10.0, 60.0, 0.25  # seconds
LEAP = 86400.0  # seconds between two packets that make the clock doubtful

Sender = Literal["client", "server"]
Ending = Literal["closed", "reset", "refused", "quiet", "reused", "silent", "full", "end"]


@dataclass(frozen=True, slots=True)
class Connection:
    """One TCP connection, settled. `id` counts from 1 in the order of first packets; `packets` are those with news."""

    id: int
    capture: str
    client: Address
    server: Address
    started: datetime
    first_packet: int
    packets: int
    client_stream: Stream
    server_stream: Stream
    ending: Ending
    whole: bool  # both SYNs were seen
    closed_first: Sender | None  # who sent the first FIN or RST

    def stream(self, sender: Sender) -> Stream:
        return self.client_stream if sender == "client" else self.server_stream


def reassemble(source: Source, *, all_tls: bool = False, after: int = 0) -> Iterator[Connection]:
    """The PostgreSQL connections of a source, each as it settles; with `all_tls` other TLS connections too.

    Their ids count from `after` + 1.
    """
    return (item for item in arriving(source, all_tls=all_tls, after=after) if isinstance(item, Connection))


def arriving(source: Source, *, all_tls: bool = False, after: int = 0) -> Iterator[Connection | Tick]:
    """The same, with every `Tick` in between: for whoever has more to do while nothing settles."""
    flows = _Flows(source, all_tls)
    flows.numbered = after
    for item in source:
        if isinstance(item, Packet):
            yield from flows.packet(item)
        else:
            yield from flows.time(item.time)
            yield item
    yield from flows.end()


class _Flow:
    """A connection in flight."""

    def __init__(self, packet: Packet) -> None:
        self.first = packet
        self.sides = {packet.flow: Direction(packet.flow)}
        other = reverse(packet.flow)
        self.sides[other] = Direction(other)
        self.client: Direction | None = None
        self.found = False
        self.id = 0
        self.last = packet.time
        self.closed_at: float | None = None
        self.closed_first: Direction | None = None
        self.quiet_checked = False
        self.packets = 0

    def server(self) -> Direction:
        assert self.client is not None
        return self.sides[reverse(self.client.key)]

    def add(self, packet: Packet) -> None:
        side = self.sides[packet.flow]
        if packet.flags & SYN:
            self._opened(side, packet)
        if side.keeps_alive(packet):
            return
        side.add(packet)
        if packet.flags & RST and not side.believes(packet):
            return
        side.reset = side.reset or bool(packet.flags & RST)
        if packet.flags & (FIN | RST) and self.closed_first is None:
            self.closed_first = side
        if packet.payload or packet.flags & (FIN | SYN | RST):
            self.last = max(self.last, packet.time)
            self.packets += 1
            self.quiet_checked = False

    def _opened(self, side: Direction, packet: Packet) -> None:
        """Who sends the SYN is the client; when both do (RFC 9293 §3.5, simultaneous open), who speaks first is."""
        other = self.sides[reverse(packet.flow)]
        if packet.flags & ACK:
            self.client = self.client or (None if side.syn else other)
        else:
            self.client = None if other.syn and not other.data and self.client is other else side


class _Flows:
    """All flows in flight, by the flow key of either direction."""

    def __init__(self, source: Source, all_tls: bool) -> None:
        self.source, self.all_tls = source, all_tls
        self.skip = source.skip
        self.flows: dict[bytes, _Flow] = {}
        self.unnumbered: list[tuple[int, _Flow]] = []
        self.numbered = 0
        self.now = 0.0
        self.leapt = False
        self.swept = 0.0

    def packet(self, packet: Packet) -> Iterator[Connection]:
        self._advance(packet.time)
        if self.now - self.swept >= SWEEP:
            yield from self.time(self.now)
        flow = self.flows.get(packet.flow)
        if flow is not None and self._reopened(flow, packet):
            yield from self._settle(flow, "reused")
            flow = None
        if flow is None:
            flow = self._new(packet)
            if flow is None:
                return
        flow.add(packet)
        if not flow.found and not self._recognise(flow):
            return
        ending = self._ending(flow, packet)
        if ending is not None:
            yield from self._settle(flow, ending)

    def _advance(self, time: float) -> None:
        """Time goes on, never back; a leap is believed when two packets in a row agree on it."""
        if time - self.now < LEAP or self.leapt or not self.now:
            self.now = max(self.now, time)
            self.leapt = False
        else:
            self.leapt = True

    def time(self, now: float) -> Iterator[Connection]:
        """Settle what time settles."""
        self.now = max(now, self.now)
        self.swept = self.now
        for flow in list({id(f): f for f in self.flows.values()}.values()):
            ending = self._overdue(flow)
            if ending is not None:
                yield from self._settle(flow, ending)

    def end(self) -> Iterator[Connection]:
        for flow in sorted({id(f): f for f in self.flows.values()}.values(), key=lambda f: f.first.number):
            yield from self._settle(flow, "end")

    def _new(self, packet: Packet) -> _Flow | None:
        if packet.flags & SYN:
            self.skip.pop(packet.flow, None)
            self.skip.pop(reverse(packet.flow), None)
        elif packet.flow in self.skip or not packet.payload:
            return None
        if len(self.flows) >= 2 * LIVE_FLOWS:
            self._forget(next((f for f in self.flows.values() if not f.found), next(iter(self.flows.values()))))
        flow = _Flow(packet)
        for key in flow.sides:
            self.flows[key] = flow
        return flow

    def _reopened(self, flow: _Flow, packet: Packet) -> bool:
        """A SYN that is no retransmission opens a new connection on the same ports."""
        side = flow.sides[packet.flow]
        if not packet.flags & SYN or packet.flags & ACK:
            return False
        return side.base is not None and side.base != (packet.seq + 1) & 0xFFFFFFFF

    def _recognise(self, flow: _Flow) -> bool:
        """Find out whether this is PostgreSQL; a flow that is not is forgotten. False while it is not known to be."""
        for side in (flow.client,) if flow.client else flow.sides.values():
            other = flow.sides[reverse(side.key)]
            speaks = is_postgres(bytes(side.data[:STREAM_BYTES]), bytes(other.data[:64]), self.all_tls)
            if speaks is not None:
                break
        if speaks == "more":
            sides = flow.sides.values()
            if any(s.reset or s.full() for s in sides) or all(s.complete() for s in sides):
                self._forget(flow)
            return False
        if speaks is None:
            asked = [flow.client] if flow.client else list(flow.sides.values())
            if any(side.data for side in asked) or any(side.full() for side in flow.sides.values()):
                self._forget(flow)
            return False
        flow.found = True
        if flow.client is None:
            flow.client = other if speaks == "server" else side
        heapq.heappush(self.unnumbered, (flow.first.number, flow))
        return True

    def _ending(self, flow: _Flow, packet: Packet) -> Ending | None:
        """What this packet settles."""
        assert flow.client is not None
        client, server = flow.client, flow.server()
        if packet.flags & RST and flow.sides[packet.flow].reset:
            return "reset"
        if client.complete() and server.complete():
            return "closed"
        if client.full() or server.full():
            return "full"
        if packet.flags & FIN or client.fin is not None or server.fin is not None:
            if flow.closed_at is None and client.fin is not None and server.fin is not None:
                flow.closed_at = packet.time
            if (client.complete() or server.complete()) and (ends_in_alert(client.data) or ends_in_alert(server.data)):
                return "refused"
        return None

    def _overdue(self, flow: _Flow) -> Ending | None:
        quiet = self.now - flow.last
        if quiet >= SILENCE:
            return "silent"
        if flow.closed_at is not None and self.now - flow.closed_at >= AFTER_CLOSE:
            return "closed"
        enough = self.now - flow.first.time >= ENOUGH
        if flow.client is not None and flow.found and (enough or (quiet >= QUIET and not flow.quiet_checked)):
            flow.quiet_checked = True
            if spoke_both_ways(bytes(flow.client.data), bytes(flow.server().data)):
                return "quiet"
        return None

    def _settle(self, flow: _Flow, ending: Ending) -> Iterator[Connection]:
        self._forget(flow)
        if not flow.found:
            return
        assert flow.client is not None
        client, server = flow.client, flow.server()
        self._number(flow)
        yield Connection(
            id=flow.id,
            capture=self.source.name,
            client=address(client.key),
            server=address(server.key),
            started=moment(flow.first.time),
            first_packet=flow.first.number,
            packets=flow.packets,
            client_stream=client.stream(server),
            server_stream=server.stream(client),
            ending=ending,
            whole=client.syn and server.syn,
            closed_first=None if flow.closed_first is None else "client" if flow.closed_first is client else "server",
        )

    def _number(self, flow: _Flow) -> None:
        """Connections are numbered by their first packet: those found so far that began earlier come first."""
        while flow.id == 0:
            self.numbered += 1
            heapq.heappop(self.unnumbered)[1].id = self.numbered

    def _forget(self, flow: _Flow) -> None:
        for key in flow.sides:
            self.flows.pop(key, None)
            self.skip.add(key)
