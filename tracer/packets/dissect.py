"""From any frame to its TCP segment: through link layers, tunnels and fragments.

`link.segment` is tried first and does for nearly all frames; what stands here is for the rest.
"""

from __future__ import annotations

from tracer.packets import scapy_layers, tunnels
from tracer.packets.fragments import Fragments
from tracer.packets.link import LINKS, RAW, Segment, labelled, segment

NESTED = 8  # packets inside packets


class Dissector:
    """Remembers fragments, and in `unwrapped` what the packets were wrapped in."""

    def __init__(self, unwrapped: set[str]) -> None:
        self.unwrapped = unwrapped
        self.fragments = Fragments()

    def segment(self, link: int, frame: bytes) -> Segment | None:
        """The TCP segment in a frame, or None: another protocol, a part of a packet, too short. Raises nothing."""
        found = segment(link, frame)
        if found is not None:
            return found
        names: set[str] = set()
        for _ in range(NESTED):
            inner = self._inside(link, frame)
            if inner is None:
                return None
            name, link, frame = inner
            names.add(name)
            found = segment(link, frame)
            if found is not None:
                self.unwrapped |= names
                return found
        return None

    def _inside(self, link: int, frame: bytes) -> tuple[str, int, bytes] | None:
        if link not in LINKS:
            found = scapy_layers.network(link, frame)
            return (found[0], RAW, found[1]) if found else None
        at = LINKS[link](frame)
        if at is None:
            label = labelled(link, frame)
            inner = tunnels.labels(frame, label) if label is not None else None
        elif len(frame) > at + 20:
            whole = self.fragments.add(frame, at)
            if whole is not None:
                return "IP fragments", RAW, whole
            inner = tunnels.inside(frame, at)
        else:
            return None
        return (inner.name, inner.link, frame[inner.at :]) if inner and inner.at < len(frame) else None
