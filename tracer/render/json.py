"""The JSON document: one connection at a time, so that a long capture can stream. The schema is `schema.json`."""

from __future__ import annotations

import codecs
import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from tracer.advice import advice
from tracer.bundle import Anchored, Entry
from tracer.certificates import Certificate
from tracer.findings import Finding
from tracer.packets.source import Source, moment
from tracer.protocol.fields import Field
from tracer.report import Judged, Report
from tracer.settings import Settings, told
from tracer.trace import Message, Trace
from tracer.verify import Evidence
from tracer.verify.chain import Fault
from tracer.verify.model import Check, Verdict

SCHEMA = 1
Object = dict[str, Any]


def text(value: Object) -> str:
    """A value on one line, in ASCII: no terminal and no encoding makes anything else of it."""
    import orjson

    try:
        written = orjson.dumps(value).decode()  # in a tenth of the time of `json.dumps`
    except TypeError:  # no UTF-8: a file's name may be any bytes
        return json.dumps(value, separators=(",", ":"))
    return written.replace("\x7f", "\\u007f").encode("ascii", JSON_ESCAPES).decode()


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """For what is not ASCII in a text to be encoded: as JSON escapes it (RFC 8259 §7)."""
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def connection(report: Report, *, fields: bool = False) -> Object:
    """One connection; message fields with `fields`."""
    trace = report.trace
    tcp = trace.connection
    return {
        "id": tcp.id,
        "capture": tcp.capture,
        "client": tcp.client._asdict(),
        "server": tcp.server._asdict(),
        "started": time(tcp.started),
        "ending": tcp.ending,
        "preamble": trace.preamble,
        "answer": trace.answer,
        "negotiation": [_negotiation(trace, at) for at in range(len(trace.negotiation))],
        "tls": _tls(trace),
        "certificates": [certificate(c, position) for position, c in enumerate(trace.presented.certificates or ())],
        "client_certificates": [certificate(c, position) for position, c in enumerate(report.client_certificates)],
        "messages": [message(m, fields=fields) for m in trace.messages],
        "outcome": _outcome(trace),
        "verdicts": [verdict(v, report.agreement(v)) for v in report.asked_first()],
        **_clients(report),
        **({} if report.who is None else {"who": dataclasses.asdict(report.who)}),
        "consistent_with": report.consistent_with,
        "evidence": [_evidence(one) for one in report.evidence],
        "cost": _cost(trace),
        "advice": advice(report),
        "findings": [_finding(finding) for finding in report.findings],
    }


def capture(source: Source) -> Object:
    counts = source.counts
    return {
        "name": source.name,
        "format": source.format,
        "packets": counts.packets,
        "bytes": counts.bytes,
        "dropped": counts.dropped,
        "first": None if counts.first is None else time(moment(counts.first)),
        "last": None if counts.last is None else time(moment(counts.last)),
        "unwrapped": sorted(source.unwrapped),
        "problems": list(source.problems),
    }


def settings(found: Settings) -> Object:
    """What a client was told that bears on TLS, each with where it came from."""
    return {name: {"value": each.value, "origin": each.origin} for name, each in told(found).items()}


def judged(what: Judged) -> Object:
    """A chain alone: its certificates and the verdict of every sslmode, the asked one first."""
    sent = what.presented.certificates or ()
    return {
        "certificates": [certificate(c, position) for position, c in enumerate(sent)],
        "verdicts": [verdict(v, None) for v in what.asked_first()],
        **_clients(what),
    }


def _clients(what: Judged) -> Object:
    """Every client beside each other, where that was asked for."""
    from tracer.render.modes import clients_document

    return {"clients": clients_document(what)} if what.clients else {}


def bundles(
    held: Sequence[tuple[str, tuple[Entry, ...]]],
    found: Sequence[tuple[tuple[Certificate, ...], Sequence[tuple[str, Anchored]]]],
    at: datetime,
) -> Object:
    """Bundles, and what each of them says of each chain."""
    return {
        "time": time(at),
        "bundles": [{"name": name, "certificates": [_entry(entry) for entry in entries]} for name, entries in held],
        "chains": [
            {
                "certificates": [certificate(c, position) for position, c in enumerate(sent)],
                "anchored": [{"bundle": name, **_anchored(result)} for name, result in results],
            }
            for sent, results in found
        ],
    }


def _entry(entry: Entry) -> Object:
    return {
        **certificate(entry.certificate, entry.position),
        "state": entry.state,
        "root": entry.root,
        "same_as": entry.same_as,
    }


def _anchored(result: Anchored) -> Object:
    return {
        "anchor": result.anchor.position if result.anchor else None,
        "fault": _fault(result.fault),
        "until": time(result.until) if result.until else None,
        "then": _fault(result.then),
    }


def _fault(fault: Fault | None) -> Object | None:
    if fault is None:
        return None
    return {"code": fault.code, "depth": fault.depth, "text": fault.text, "certificate": fault.certificate.subject}


def tool() -> Object:
    return {"name": "pgtls", "version": tool_version()}


def message(m: Message, *, fields: bool = False) -> Object:
    rendered: Object = {
        "index": m.index,
        "time": time(m.time),
        "packet": m.packet,
        "sender": m.sender,
        "layer": m.layer,
        "kind": m.kind,
        "protected": m.protected,
        "opened": m.opened,
        "range": list(m.range),
        "spans": [list(span) for span in m.spans],
        "length": m.length,
        "summary": m.summary,
        "problem": m.problem,
    }
    if fields:
        rendered["fields"] = [field(f) for f in m.fields]
    return rendered


def field(f: Field) -> Object:
    value = f.value.hex() if isinstance(f.value, bytes) else f.value
    return {
        "name": f.name,
        "range": [f.start, f.stop],
        "value": value,
        "text": f.text,
        "parts": [field(part) for part in f.parts],
    }


def certificate(c: Certificate, position: int) -> Object:
    return {
        "position": position,
        "pem": c.pem,
        "sha256": c.sha256,
        "subject": c.subject,
        "issuer": c.issuer,
        "serial": f"{c.serial:x}",
        "not_before": None if c.not_before is None else time(c.not_before),
        "not_after": None if c.not_after is None else time(c.not_after),
        "names": [{"kind": name.kind, "value": name.text} for name in c.names],
        "public_key": c.public_key,
        "signature": c.signature_name,
        "problem": c.broken,
    }


def verdict(v: Verdict, agrees: bool | None) -> Object:
    return {
        "client": v.client,
        **({} if v.basis is None else {"basis": v.basis}),
        "sslmode": v.sslmode,
        "host": v.host,
        "time": time(v.time),
        "outcome": v.outcome,
        "authenticated": v.authenticated,
        "prints": v.prints,
        "on_the_wire": v.on_the_wire,
        "refused_by": v.refused_by.step if v.refused_by else None,
        "agrees_with_capture": agrees,
        "checks": [check(c) for c in v.checks],
    }


def check(c: Check) -> Object:
    return {
        "step": c.step,
        "when": c.when,
        "after_message": c.after_message,
        "outcome": c.outcome,
        "code": c.code,
        "certificate": c.certificate,
        "wanted": c.wanted,
        "found": c.found,
        "because": c.because,
        "source": c.source,
    }


@lru_cache(1024)  # messages of a packet have one time between them
def time(moment: datetime) -> str:
    """ISO 8601 in UTC, to the microsecond."""
    of_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return of_utc.isoformat(timespec="microseconds").replace("+00:00", "Z")


@cache
def tool_version() -> str:
    """Of the package, "0" where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("pg-tls-tracer")
    except PackageNotFoundError:
        return "0"


def _negotiation(trace: Trace, at: int) -> Object:
    found = trace.negotiation[at]
    packet = None if found.message is None else trace.messages[found.message].packet
    return {"request": found.request, "answer": found.answer, "packet": packet}


def _tls(trace: Trace) -> Object | None:
    tls = trace.tls
    if tls is None:
        return None
    return {name: getattr(tls, name) for name in TLS_KEYS}


def _outcome(trace: Trace) -> Object:
    outcome = trace.outcome
    alert = outcome.alert
    return {
        "kind": outcome.kind,
        "where": outcome.where,
        "alert": None
        if alert is None
        else {"level": alert.level, "description": alert.description, "code": alert.code, "sender": alert.sender},
        "inferred": outcome.inferred,
        "because": outcome.because,
    }


def _cost(trace: Trace) -> Object:
    from tracer.cost import cost

    found = cost(trace)
    return {
        "round_trips": found.round_trips,
        "bytes_client": found.bytes_client,
        "bytes_server": found.bytes_server,
        "seconds": dict(found.seconds),
    }


def _evidence(found: Evidence) -> Object:
    return {"kind": found.kind, "text": found.text, "message": found.message, "rules_out": list(found.rules_out)}


def _finding(finding: Finding) -> Object:
    return {**_said(finding), "message": finding.message}


def together(finding: Finding) -> Object:
    return {**_said(finding), "connections": list(finding.connections)}


def _said(finding: Finding) -> Object:
    return {name: getattr(finding, name) for name in ("kind", "weight", "text", "advice", "spec")}


JSON_ESCAPES = "json-escapes"
codecs.register_error(JSON_ESCAPES, _escaped)
TLS_KEYS = (
    "version",
    "cipher_suite",
    "group",
    "server_name",
    "alpn",
    "hello_retry_request",
    "resumed",
    "client_certificate",
    "keys",
)
