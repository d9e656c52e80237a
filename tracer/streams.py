"""TCP segments to connections.

A `Source` yields `Packet`s and, while nothing arrives, `Tick`s. `reassemble` keeps the bytes of the flows that may be
PostgreSQL, forgets the others, and hands each connection on once, when it is settled:

* both sides have closed and no byte before the FIN is missing, or 2 s after they closed; the same of a reset;
* a refusing alert in clear, and a close;
* a session that has begun, as far as that can be seen, and the server's word last: then after 1 s of quiet, or 10 s from
  its start (`tracer.protocol.settled.began`);
  or when it has carried more bytes than any handshake does;
* a SYN that opens the same ports anew; 60 s of silence; a bound on its bytes; the end of the input.

Times are seconds since the epoch, UTC.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tracer.clock import Clock
from tracer.packets.source import ACK, FIN, RST, SYN, Address, Packet, Source, Tick, address, moment, reverse
from tracer.protocol.settled import began, ends_in_alert, is_postgres, lost_request
from tracer.segments import STREAM_BYTES, Direction, Stream

LIVE_FLOWS = 20_000  # flows in flight that are kept at once
ALL_BYTES = 256 << 20  # of all flows in flight: a hundred times what so many handshakes at once take
SESSION_BYTES = 1 << 14  # of both directions: with so many behind a session's beginning a login is over
AFTER_CLOSE, QUIET, ENOUGH, SILENCE, SWEEP = 2.0, 1.0, 10.0, 60.0, 0.25  # seconds

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
            if flows.passes(item.time):
                yield from flows.sweep()
            if item.payload or item.flags & (SYN | FIN | RST) or item.cut:
                yield from flows.packet(item)  # the others only say what was heard
        else:
            flows.clock.advance(item.time)
            yield from flows.sweep()
            yield item
    yield from flows.end()


class _Flow:
    """A connection in flight. Times are those of the `Clock`."""

    __slots__ = (
        "asked",
        "bound",
        "client",
        "closed_at",
        "closed_first",
        "first",
        "found",
        "id",
        "kept",
        "last",
        "opened",
        "packets",
        "pair",
        "running",
        "sides",
        "sure",
    )

    def __init__(self, packet: Packet, now: float) -> None:
        self.first = packet
        self.pair = Direction(packet.flow), Direction(reverse(packet.flow))
        self.sides = {side.key: side for side in self.pair}
        self.client: Direction | None = None
        self.found = False
        self.id = 0
        self.opened = self.last = now
        self.closed_at: float | None = None
        self.closed_first: Direction | None = None
        self.asked = False  # whether a session has begun, and nothing came since
        self.sure: bool | None = None  # the answer
        self.packets = 0
        self.kept = 0  # bytes
        self.bound = SESSION_BYTES  # of those, until it is looked at again
        self.running = False  # whether a session had begun when it was

    def server(self) -> Direction:
        assert self.client is not None
        return self.other(self.client)

    def other(self, side: Direction) -> Direction:
        return self.pair[1] if side is self.pair[0] else self.pair[0]

    def add(self, packet: Packet, now: float) -> None:
        side = self.sides[packet.flow]
        if packet.flags & SYN:
            self._opened(side, packet)
        if side.keeps_alive(packet):
            return
        side.add(packet)
        if packet.flags & RST and not side.believes(packet):
            return
        if packet.flags & (FIN | RST):
            self._closed(side, packet, now)
        if packet.payload or packet.flags & (FIN | SYN | RST):
            self.last = now
            self.packets += 1
            self.asked = False

    def reset(self) -> bool:
        """Whether a side has reset it, and no byte in front of that is missing any more."""
        one, other = self.pair
        return (one.reset is not None and one.complete()) or (other.reset is not None and other.complete())

    def half_open(self) -> bool:
        """Whether one side knocked, and nobody has answered or spoken."""
        one, other = self.pair
        return (one.base is None or other.base is None) and not any(s.data or s.waiting for s in (one, other))

    def _closed(self, side: Direction, packet: Packet, now: float) -> None:
        if packet.flags & RST:
            side.close(packet)
        self.closed_first = self.closed_first or side
        over = packet.flags & RST or all(side.fin is not None for side in self.pair)
        if over and self.closed_at is None:
            self.closed_at = now

    def _opened(self, side: Direction, packet: Packet) -> None:
        """Who sends the SYN is the client; when both do (RFC 9293 §3.5, simultaneous open), who speaks first is."""
        other = self.other(side)
        if self.found:
            return  # who is who has been seen by now
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
        # those that are not known to be PostgreSQL, by their first packet's key: who is forgotten first stands in front
        self.half_open: dict[bytes, _Flow] = {}
        self.unknown: dict[bytes, _Flow] = {}
        self.unfollowed = 0
        self.unnumbered: list[tuple[int, _Flow]] = []
        self.numbered = 0
        self.clock = Clock()
        self.swept = 0.0
        self.kept = 0  # bytes of all flows

    def passes(self, time: float) -> bool:
        """Time passes; whether it may have settled something."""
        self.clock.advance(time)
        return self.clock.now - self.swept >= SWEEP

    def packet(self, packet: Packet) -> list[Connection]:
        """What a packet settles that says something."""
        settled: list[Connection] = []
        flow = self.flows.get(packet.flow)
        if flow is not None and packet.flags & SYN and self._reopened(flow, packet):
            settled += self._settle(flow, "reused")
            flow = None
        if flow is None:
            flow = self._new(packet)
            if flow is None:
                return settled
        flow.add(packet, self.clock.now)
        self._weigh(flow)
        if self.kept > ALL_BYTES:
            settled += self._settle(self._oldest(), "full")
            if packet.flow not in self.flows:
                return settled
        if not flow.found and not self._recognise(flow):
            self._answered(flow)
            return settled
        ending = self._ending(flow)
        return settled if ending is None else settled + self._settle(flow, ending)

    def sweep(self) -> Iterator[Connection]:
        """Settle what time settles."""
        self.swept = self.clock.now
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
        if packet.flow == reverse(packet.flow):
            return None  # from a port to itself: nobody serves anybody there
        if len(self.flows) >= 2 * LIVE_FLOWS:
            self._make_room()
        flow = _Flow(packet, self.clock.now)
        for key in flow.sides:
            self.flows[key] = flow
        self.half_open[packet.flow] = flow
        return flow

    def _weigh(self, flow: _Flow) -> None:
        """What a flow keeps, and all of them."""
        one, other = flow.pair
        kept = len(one.data) + one.held + len(other.data) + other.held
        self.kept, flow.kept = self.kept + kept - flow.kept, kept

    def _oldest(self) -> _Flow:
        """Who goes when there are too many bytes: one that is not known to be PostgreSQL, else the first that began."""
        return next(iter((self.unknown or self.half_open or self.flows).values()))

    def _answered(self, flow: _Flow) -> None:
        if flow.first.flow in self.half_open and not flow.half_open():
            self.unknown[flow.first.flow] = self.half_open.pop(flow.first.flow)

    def _make_room(self) -> None:
        """Forget a flow: one that nobody has answered, or one that is not known to be PostgreSQL, or the oldest.

        One that nobody has answered is no loss: when its answer comes it is followed from there.
        """
        if self.half_open:
            flow = next(iter(self.half_open.values()))
            self._forget(flow)
            for key in flow.sides:
                self.skip.pop(key, None)
            return
        self._forget(next(iter((self.unknown or self.flows).values())))
        if self.unfollowed:
            self.source.problems.remove(self._unfollowed())
        self.unfollowed += 1
        self.source.problems.append(self._unfollowed())

    def _unfollowed(self) -> str:
        some = "1 connection was" if self.unfollowed == 1 else f"{self.unfollowed:,} connections were"
        return f"{some} not followed because more than {LIVE_FLOWS:,} were open at once"

    def _reopened(self, flow: _Flow, packet: Packet) -> bool:
        """A SYN that is no retransmission opens a new connection on the same ports."""
        side = flow.sides[packet.flow]
        return not packet.flags & ACK and side.base is not None and side.base != (packet.seq + 1) & 0xFFFFFFFF

    def _recognise(self, flow: _Flow) -> bool:
        """Find out whether this is PostgreSQL; a flow that is not is forgotten. False while it is not known to be."""
        if flow.client is not None and not flow.client.data and _lost_request(flow.client, flow.server()):
            self._find(flow)
            return True
        for side in (flow.client,) if flow.client else flow.pair:
            other = flow.other(side)
            speaks = is_postgres(bytes(side.data[:STREAM_BYTES]), bytes(other.data[:64]), self.all_tls)
            if speaks is not None:
                break
        if speaks == "more":
            if flow.reset() or any(s.full() for s in flow.pair) or all(s.complete() for s in flow.pair):
                self._forget(flow)
            return False
        if speaks is None:
            asked = [flow.client] if flow.client else flow.pair
            if any(side.data for side in asked) or any(side.full() for side in flow.pair):
                self._forget(flow)
            return False
        if flow.client is None:
            flow.client = other if speaks == "server" else side
        self._find(flow)
        return True

    def _find(self, flow: _Flow) -> None:
        flow.found = True
        self.half_open.pop(flow.first.flow, None)
        self.unknown.pop(flow.first.flow, None)
        heapq.heappush(self.unnumbered, (flow.first.number, flow))

    def _ending(self, flow: _Flow) -> Ending | None:
        """What this packet settles."""
        assert flow.client is not None
        client, server = flow.client, flow.server()
        closing = flow.closed_first is not None  # else no side is complete
        if closing and flow.reset():
            return "reset"
        client_done, server_done = closing and client.complete(), closing and server.complete()
        if client_done and server_done:
            return "closed"
        if client.full() or server.full() or (flow.running and flow.kept > flow.bound):
            return "full"
        if (client_done or server_done) and (ends_in_alert(client.data) or ends_in_alert(server.data)):
            return "refused"
        if flow.kept > flow.bound:
            flow.running, flow.bound = _began(client, server) is True, flow.kept + SESSION_BYTES
        return None

    def _overdue(self, flow: _Flow) -> Ending | None:
        now = self.clock.now
        if now - flow.last >= SILENCE:
            return "silent"
        if flow.closed_at is not None and now - flow.closed_at >= AFTER_CLOSE:
            return "closed"
        quiet, enough = now - flow.last >= QUIET, now - flow.opened >= ENOUGH
        if flow.client is not None and flow.found and (quiet or enough):
            if not flow.asked:
                flow.asked, flow.sure = True, _began(flow.client, flow.server())
            if flow.sure or (flow.sure is None and quiet and enough):
                return "quiet"
        return None

    def _settle(self, flow: _Flow, ending: Ending) -> list[Connection]:
        """The connection, where it is one."""
        self._forget(flow)
        if not flow.found:
            return []
        assert flow.client is not None
        client, server = flow.client, flow.server()
        self._number(flow)
        was_reset = client.reset is not None or server.reset is not None
        settled = Connection(
            id=flow.id,
            capture=self.source.name,
            client=address(client.key),
            server=address(server.key),
            started=moment(flow.first.time),
            first_packet=flow.first.number,
            packets=flow.packets,
            client_stream=client.stream(server),
            server_stream=server.stream(client),
            ending="reset" if was_reset else ending,
            whole=client.syn and server.syn,
            closed_first=None if flow.closed_first is None else "client" if flow.closed_first is client else "server",
        )
        return [settled]

    def _number(self, flow: _Flow) -> None:
        """Connections are numbered by their first packet: those found so far that began earlier come first."""
        while flow.id == 0:
            self.numbered += 1
            heapq.heappop(self.unnumbered)[1].id = self.numbered

    def _forget(self, flow: _Flow) -> None:
        self.half_open.pop(flow.first.flow, None)
        self.unknown.pop(flow.first.flow, None)
        self.kept, flow.kept = self.kept - flow.kept, 0
        for key in flow.sides:
            self.flows.pop(key, None)
            self.skip.add(key)


def _lost_request(client: Direction, server: Direction) -> bool:
    """Whether all was seen but the SSLRequest."""
    if not (client.syn and server.syn and client.waiting):
        return False
    offset, *_, payload = client.waiting[0]
    return lost_request(offset, payload, bytes(server.data[:16]))


def _began(client: Direction, server: Direction) -> bool | None:
    """Whether it is a session by now; None: perhaps."""
    return began(bytes(client.data), bytes(server.data), client.marks(), server.marks())
