"""The link layers that only scapy knows. scapy is loaded when the first such packet comes."""

from __future__ import annotations

from functools import cache
from typing import Any

from tracer.packets.link import LINKS


def known(link: int) -> bool:
    """Whether packets of that link type can be read."""
    return link in LINKS or link in _layers()


def network(link: int, frame: bytes) -> tuple[str, bytes] | None:
    """What the link layer is called, and the IP packet in the frame; None where there is none. Raises nothing."""
    layer = _layers().get(link)
    if layer is None:
        return None
    try:
        for inner in layer(frame).iterpayloads():
            if type(inner).__name__ in ("IP", "IPv6"):
                return str(layer(frame).name), bytes(inner.original)
    except Exception:  # noqa: BLE001 (a dissector of scapy may raise anything)
        return None
    return None


@cache
def _layers() -> dict[int, Any]:
    import logging

    logging.getLogger("scapy").setLevel(logging.ERROR)
    import scapy.all  # noqa: F401 (it fills the table)
    from scapy.config import conf

    return dict(conf.l2types.num2layer)
