"""What several connections show that none of them shows alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TypeVar

from tracer.findings.model import Finding
from tracer.findings.sketch import Authority, Shown, Sketch

RETRY_SECONDS = 1.0  # from the last word on: libpq comes back within a millisecond
AT_ONCE = timedelta(minutes=1)  # from one try to the next: no person does that
DAY = 86400  # seconds
UNITS = (("s", 1), ("minutes", 60), ("hours", 3600), ("days", DAY))
TRIES = 3  # refused as often as this, somebody tries again and again
NAMED = 10  # connections that a finding names
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def came_back_in_plaintext(seen: Sequence[Sketch]) -> Iterator[Finding]:
    """TLS was refused by the client, and the same client comes back without it: prefer's silent retry."""
    for before, after in retries(seen):
        yield Finding(
            "came_back_in_plaintext",
            f"On connection {before.label} TLS failed ({before.reason}), and the client came back on connection {after.label} in plaintext, without a word to "
            "its user. That is sslmode=prefer: whoever is on the path only has to make TLS fail.",
            connections=(before.id, after.id),
            spec="PostgreSQL: fe-connect.c, PQconnectPoll",
            weight="danger",
            advice="sslmode=require and above end with the error instead.",
        )


def retries(seen: Iterable[Sketch]) -> Iterator[tuple[Sketch, Sketch]]:
    """Pairs that a client with sslmode=prefer leaves; another user or database is another program."""
    failed: dict[tuple[str, str], Sketch] = {}
    for one in seen:
        before = failed.pop((one.client, one.server), None)
        unasked = not one.asked and one.transport == "plaintext"
        same = before is not None and (before.startup is None or one.startup in (None, before.startup))
        if before and same and unasked and (one.started - before.last).total_seconds() < RETRY_SECONDS:
            yield before, one
        if one.retried:
            failed[one.client, one.server] = one


def siblings(seen: Sequence[Sketch]) -> Iterator[Finding]:
    """Servers with other names under the same CA: to verify-ca they are one and the same."""
    with_chain = [(one, one.shown) for one in seen if one.shown is not None and one.shown.authority is not None]
    for group in grouped(with_chain, by=lambda pair: pair[1].authority).values():
        servers = _unlike(group)
        authority = group[0][1].authority
        if len(servers) < 2 or authority is None:
            continue
        wrong = next(_impostors(group), None)
        yield _impostor(*wrong, authority) if wrong else _siblings(servers, authority)


def _unlike(group: list[tuple[Sketch, Shown]]) -> list[Sketch]:
    """One connection for each server that has no name in common with those before it."""
    known: set[str] = set()
    servers = []
    for one, shown in group:
        if known.isdisjoint(shown.names):
            servers.append(one)
        known.update(shown.names)
    return servers


def _impostors(group: list[tuple[Sketch, Shown]]) -> Iterator[tuple[Sketch, Sketch]]:
    """A client that was shown another name than it asked for, and the connection that shows the right one."""
    right = {name.lower(): one for one, shown in group for name in shown.names}
    for one, _ in group:
        real = right.get((one.server_name or "").lower())
        if one.misnamed and real is not None:
            yield one, real


def _impostor(wrong: Sketch, real: Sketch, authority: Authority) -> Finding:
    assert wrong.shown is not None
    return Finding(
        "sibling",
        f"On connection {wrong.label} the client asked for {wrong.server_name} and was shown {wrong.shown.called}; connection {real.label} shows the certificate "
        f"of {wrong.server_name} itself. {_same(authority)}, so that verify-ca takes either for the other; verify-full refuses connection {wrong.label}.",
        connections=tuple(sorted((wrong.id, real.id))),
        spec="PostgreSQL: SSL Support, Protection Provided in Different Modes",
        weight="danger",
        advice=f"Find out why {wrong.server_name} leads to {wrong.server}: an alias, a changed DNS entry, or somebody else.",
    )


def _siblings(servers: list[Sketch], authority: Authority) -> Finding:
    names = " and ".join(f"{one.shown.called} (connection {one.label})" for one in servers[:2] if one.shown)
    more = f" and {len(servers) - 2} more" if len(servers) > 2 else ""
    return Finding(
        "sibling",
        f"{names}{more} are different servers. {_same(authority)}: with verify-ca each passes for the others.",
        connections=tuple(sorted(one.id for one in servers[:NAMED])),
        spec="PostgreSQL: SSL Support, Protection Provided in Different Modes",
        weight="note",
        advice="Only verify-full tells them apart.",
    )


def _same(authority: Authority) -> str:
    return f"Their chains {'lead to' if authority.proven else 'name'} the same CA, {authority.name}"


def server_changed(seen: Sequence[Sketch]) -> Iterator[Finding]:
    """One address, asked for one name, and another certificate than before."""
    with_chain = [(one, one.shown) for one in seen if one.shown is not None]
    for (server, name), group in grouped(with_chain, by=lambda pair: (pair[0].server, pair[0].server_name)).items():
        firsts = {shown.leaf: (one, shown) for one, shown in reversed(group)}
        if len(firsts) < 2:
            continue
        order = sorted(firsts.values(), key=lambda pair: pair[0].started)
        (a, was), (b, now) = order[:2]
        asked = f"{server}, asked for {name}," if name else server
        finding = _changed(
            f"{asked} showed one certificate on connection {a.label} and another on connection {b.label}", was, now
        )
        back = any(shown.leaf == was.leaf and one.started > b.started for one, shown in group)
        yield Finding(
            finding.kind,
            finding.text
            + (" The first one came back later: several servers stand behind this address." if back else ""),
            connections=tuple(one.id for one, _ in order[:NAMED]),
            weight=finding.weight,
            advice=finding.advice,
        )


def _changed(what: str, was: Shown, now: Shown) -> Finding:
    if set(was.names) != set(now.names):
        return Finding(
            "server_changed",
            f"{what}, for another name: {was.called}, then {now.called}. These are two servers.",
            advice="A failover, a changed DNS entry or a proxy can be behind it, and so can somebody else.",
        )
    if was.authority != now.authority:
        ca = [shown.authority.name if shown.authority else "itself" for shown in (was, now)]
        return Finding(
            "server_changed",
            f"{what}, for the same name and from another CA: {ca[0]}, then {ca[1]}. A client whose root file has only one of them refuses the other.",
            advice="A change of CA or a proxy can be behind it, and so can somebody else: ask whoever runs the server.",
        )
    return Finding(
        "server_changed",
        f"{what}, for the same name and from the same CA: it was renewed, or several servers share the name.",
        weight="note",
    )


def refused_again(seen: Sequence[Sketch]) -> Iterator[Finding]:
    """The same client, the same server, the same refusal."""
    refused = [one for one in seen if one.kind in ("refused_by_client", "refused_by_server")]
    for (client, server, kind, reason), group in grouped(
        refused, by=lambda one: (one.client, one.server, one.kind, one.reason)
    ).items():
        if len(group) < TRIES:
            continue
        span = group[-1].started - group[0].started
        by_itself = " A program tries again by itself." if span < AT_ONCE * len(group) else ""
        who = "refused by the client" if kind == "refused_by_client" else "refused by the server"
        yield Finding(
            "refused_again",
            f"Within {lasted(span)} {len(group)} connections of {client} to {server} ended in the same way, {who}: {reason}.{by_itself}",
            connections=tuple(one.id for one in group[:NAMED]),
            advice="Trying again does not help; read one of them in full with --connection.",
        )


def lasted(span: timedelta) -> str:
    """A time in the unit that people count it in."""
    seconds = span.total_seconds()
    return next(f"{seconds / size:,.1f} {unit}" for unit, size in UNITS if seconds < 100 * size or size == DAY)


def mixed_modes(seen: Sequence[Sketch]) -> Iterator[Finding]:
    """One client address, one server, and different demands: two programs, or two settings of one."""
    came_back = {(after.capture, after.id) for _, after in retries(seen)}
    for (client, server), group in grouped(seen, by=lambda one: (one.client, one.server)).items():
        inside = next((one for one in group if one.session), None)
        plain = next(
            (o for o in group if o.transport == "plaintext" and not o.asked and (o.capture, o.id) not in came_back),
            None,
        )
        if inside is not None and plain is not None:
            yield Finding(
                "mixed_modes",
                f"{client} speaks TLS with {server} on connection {inside.label}, and does not ask for it on connection {plain.label}: two programs, or two settings "
                "of one (sslmode=disable and allow do not ask).",
                connections=tuple(sorted((inside.id, plain.id))),
                advice="Find the connection string without TLS; hostssl in pg_hba.conf keeps such clients out.",
            )
        yield from _judged_twice(client, group)


def _judged_twice(client: str, group: list[Sketch]) -> Iterator[Finding]:
    """The same certificate, taken once and refused once."""
    taken = {one.shown.leaf: one for one in reversed(group) if one.shown and one.session}
    for one in group:
        other = taken.get(one.shown.leaf) if one.shown else None
        if other is not None and one.kind == "refused_by_client" and one.server_name == other.server_name:
            yield Finding(
                "mixed_modes",
                f"{client} took the certificate of {other.server} on connection {other.label} and refused the same one on connection {one.label} ({one.reason}): "
                "two programs, or two settings of one.",
                connections=tuple(sorted((other.id, one.id))),
                advice="The one that connects may be the one that checks less.",
            )
            return


def grouped(items: Iterable[T], *, by: Callable[[T], K]) -> dict[K, list[T]]:
    """The items by their key, in the order in which the keys came."""
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(by(item), []).append(item)
    return groups
