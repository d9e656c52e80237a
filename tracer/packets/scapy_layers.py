"""Link layers that only scapy knows, and PostgreSQL's preamble, which scapy does not know. scapy is loaded when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
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


def register(ports: Sequence[int] = (5432,)) -> None:
    """Make scapy's own TLS layer parse the flows of these server ports: SSLRequest, GSSENCRequest and their answers come first.

    For the whole process, and for reassembled streams: `sniff(…, session=TCPSession)`. What is neither is `Raw`.
    """
    from scapy.layers.inet import TCP
    from scapy.packet import bind_layers, split_layers

    for port in ports:
        for side in ({"dport": port}, {"sport": port}):
            split_layers(TCP, _postgres(), **side)  # it may be there
            bind_layers(TCP, _postgres(), **side)


@cache
def _postgres() -> Any:  # noqa: ANN401 (scapy has no types)
    """The layer of TCP that decides what its bytes are."""
    from scapy.fields import IntEnumField, IntField, StrFixedLenField
    from scapy.layers.tls.all import TLS
    from scapy.packet import Packet, Raw

    class PostgresRequest(Packet):  # type: ignore[misc]
        name = "PostgreSQL request for encryption"
        fields_desc = [IntField("length", 8), IntEnumField("code", min(REQUESTS), REQUESTS)]  # noqa: RUF012

    class PostgresAnswer(Packet):  # type: ignore[misc]
        name = "PostgreSQL answer"
        fields_desc = [StrFixedLenField("answer", b"S", 1)]  # noqa: RUF012

    class Postgres(Packet):  # type: ignore[misc]
        name = "PostgreSQL"

        @classmethod
        def tcp_reassemble(cls, data: bytes, metadata: Any, session: Any) -> Any:  # noqa: ANN401
            """`session` is of the connection, both ways: once TLS began there is nothing else."""
            if data.startswith(RECORD):
                session["tls"] = True
            if session.get("tls"):
                return TLS.tcp_reassemble(data, metadata, session)
            if len(data) == 8 and int.from_bytes(data[4:], "big") in REQUESTS:
                session["asked"] = True
                return PostgresRequest(data)
            if session.get("asked") and data in (b"S", b"N", b"G"):
                session["asked"] = False
                return PostgresAnswer(data)
            return None if len(data) < len(RECORD) else Raw(data)

    return Postgres


REQUESTS = {80877103: "SSLRequest", 80877104: "GSSENCRequest"}  # protocol.h: NEGOTIATE_SSL_CODE, NEGOTIATE_GSS_CODE
RECORD = bytes.fromhex("1603")  # a TLS record of a handshake (RFC 8446 §5.1)


@cache
def _layers() -> dict[int, Any]:
    import logging

    logging.getLogger("scapy").setLevel(logging.ERROR)
    import scapy.all  # noqa: F401 (it fills the table)
    from scapy.config import conf

    return dict(conf.l2types.num2layer)
