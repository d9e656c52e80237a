"""What each sslmode costs against one server: the same connection made in every way, in turn, and summed up.

The ways take turns, so that a slow moment of the server or of the network falls on all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from tracer.cost import PHASES, Cost
from tracer.verify.model import SSLMODES

FEW = 4  # with fewer samples than this the spread is all of them


@dataclass(frozen=True, slots=True)
class Way:
    """One way to connect: libpq's parameters, by their names. `tls` is the newest version that it allows."""

    sslmode: str
    tls: str | None = None
    direct: bool = False

    @property
    def parameters(self) -> dict[str, str]:
        given = {"sslmode": self.sslmode}
        if self.tls is not None:
            given["ssl_max_protocol_version"] = self.tls
        if self.direct:
            given["sslnegotiation"] = "direct"
        return given

    @property
    def asks(self) -> bool:
        """Whether its first attempt is for TLS."""
        return self.sslmode not in IN_PLAINTEXT


@dataclass(frozen=True, slots=True)
class Row:
    """What one way cost: medians of `samples` connections, times in seconds. `problem` says why there is no figure.

    `spread` is the first and the third quartile of `total`.
    """

    way: Way
    samples: int
    round_trips: int | None = None
    bytes_client: int | None = None
    bytes_server: int | None = None
    total: float | None = None
    spread: tuple[float, float] | None = None
    seconds: Mapping[str, float | None] | None = None
    problem: str | None = None


def ways(*, direct: bool) -> Iterator[Way]:
    """Every sslmode, with TLS 1.3 and 1.2 where it asks for TLS, and `direct` negotiation where the server has that."""
    for mode in SSLMODES:
        if mode in IN_PLAINTEXT:
            yield Way(mode)
            continue
        for version in TLS:
            yield Way(mode, version)
            if direct and mode in DIRECT:
                yield Way(mode, version, direct=True)


def row(way: Way, costs: Sequence[Cost], problem: str | None = None) -> Row:
    """The medians of what was measured; those that never came to the authentication request count for nothing."""
    whole = [(cost, cost.total) for cost in costs if cost.total is not None]
    if not whole:
        return Row(way, 0, problem=problem or "the server never asked for authentication")
    totals = sorted(total for _, total in whole)
    spread = (totals[0], totals[-1])
    if len(totals) >= FEW:
        first, _, third = quantiles(totals, n=4)
        spread = (first, third)
    middle = [cost for cost, _ in whole]
    return Row(
        way,
        len(totals),
        round_trips=round(median(cost.round_trips for cost in middle)),
        bytes_client=round(median(cost.bytes_client for cost in middle)),
        bytes_server=round(median(cost.bytes_server for cost in middle)),
        total=median(totals),
        spread=spread,
        seconds={phase: _median([cost.seconds[phase] for cost in middle]) for phase in PHASES},
    )


def _median(values: Sequence[float | None]) -> float | None:
    seen = [value for value in values if value is not None]
    return median(seen) if seen else None


# TABLES

IN_PLAINTEXT = ("disable", "allow")
DIRECT = ("require", "verify-ca", "verify-full")
NEWEST = "TLSv1.3"
TLS = (NEWEST, "TLSv1.2")
