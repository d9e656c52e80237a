"""One connection with everything that can be said about it: what every output renders."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from tracer.certificates import Certificate, Presented
from tracer.findings import Finding, explain, with_roots
from tracer.findings.spoken import spoken
from tracer.protocol.fields import every
from tracer.trace import Trace
from tracer.verify import Evidence, agrees, clients, evidence, known, left, table
from tracer.verify.model import SSLMODES, Check, Trust, Unknown, Verdict
from tracer.verify.who import Who, who

ALL = "all"  # for a client: libpq, and what every other one would do
AUTO = "auto"  # and: whoever it looks like


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a server presented, and the verdict of every sslmode on it. `asked`: the user named one, or a file, or a host."""

    presented: Presented
    trust: Trust
    verdicts: dict[str, Verdict]
    asked: bool
    host_from_hello: bool = False
    clients: dict[str, dict[str, Verdict]] = field(default_factory=dict)  # with `ALL`: by client, then by sslmode

    @property
    def verdict(self) -> Verdict:
        """The verdict of the sslmode that was asked about."""
        return self.verdicts[self.trust.sslmode]

    def asked_first(self) -> list[Verdict]:
        mode = self.trust.sslmode
        return [self.verdicts[mode], *(self.verdicts[m] for m in SSLMODES if m != mode)]


@dataclass(frozen=True, kw_only=True)
class Report(Judged):
    """A trace, the verdict of every sslmode on it, and the findings."""

    trace: Trace
    findings: list[Finding]
    own_time: bool  # judged at the capture's time, as the client did
    who: Who | None = None  # with `AUTO`
    probed: bool = False  # our own connection, which ends on purpose behind the handshake

    def agreement(self, verdict: Verdict) -> bool | None:
        """Whether the capture shows what the verdict says; None unless host, roots and time are the client's own."""
        if not known(self.trust) or not self.own_time:
            return None
        return agrees(verdict, self.trace)

    @cached_property
    def foreign(self) -> bool:
        """Whether this is TLS of something else: from the first byte, no ALPN `postgresql` in it, no startup seen inside.

        Where the first byte was not captured, another ALPN says so, or what was opened and is no PostgreSQL. Who asks
        about it all the same, naming a host, a root file or an sslmode, is answered as for PostgreSQL.
        """
        hello = self.trace.of("ClientHello", "client")
        if self.asked or self.trace.negotiation or hello is None or hello.problem is not None:
            return False
        offered = {field.text for field in every(hello.fields, "protocol_name")}
        if "postgresql" in offered or self.trace.of("StartupMessage") or self.trace.of("CancelRequest"):
            return False
        return bool(self.trace.preamble == "direct" or offered or self._opened_and_not_read)

    @property
    def _opened_and_not_read(self) -> bool:
        """Whether the client's first words inside TLS were opened, and PostgreSQL's are not like that."""
        first = next((m for m in self.trace.messages if m.sender == "client" and m.layer == "postgres"), None)
        return first is not None and first.opened and first.kind == "Unread"

    @cached_property
    def client_certificates(self) -> tuple[Certificate, ...]:
        """What the client presented of itself."""
        return tuple(Certificate.from_der(data) for data in self.trace.client_certificates)

    @property
    def stopped(self) -> bool:
        """Whether a probe stopped where it was meant to: behind a whole handshake, or behind N where the client goes on."""
        outcome = self.trace.outcome
        done = outcome.where == "after_handshake" or self.trace.answer == "N"
        return self.probed and outcome.kind == "incomplete" and done

    @property
    def because(self) -> str:
        """How it ended. What a probe did not see to its end, the server did not say."""
        words = self.trace.outcome.because
        return words.replace("the capture ends", "the server fell silent") if self.probed else words

    @property
    def consistent_with(self) -> list[str]:
        """The sslmodes that the capture does not contradict."""
        return [] if self.foreign else left(self.evidence)

    @cached_property
    def evidence(self) -> list[Evidence]:
        """What in the capture says so, and what it says of the client's version."""
        return [] if self.foreign else evidence(self._replayed, self.trace)

    @property
    def _replayed(self) -> dict[str, Verdict]:
        """The verdicts that may be held against the capture: at another time the client might have done something else."""
        return self.verdicts if self.own_time else {}


def judge(presented: Presented, trust: Trust, client: str = "libpq", *, asked: bool = True) -> Judged:
    """Judge what a server presented, under every sslmode; for `ALL`, as libpq, and as every other client beside it.

    Raises `TracerError` for an unknown client.
    """
    beside = {}
    if client == ALL:
        client = "libpq"
        beside = {name: table(presented, trust, clients.get(name)) for name in (client, *clients.drivers())}
    verdicts = table(presented, trust, clients.get(client))
    return Judged(presented=presented, trust=trust, verdicts=verdicts, asked=asked, clients=beside)


def report(
    trace: Trace,
    trust: Trust,
    client: str = "libpq",
    *,
    asked: bool = True,
    own_time: bool = True,
    probed: bool = False,
) -> Report:
    """Judge a trace. A host that is not known is taken from the ClientHello; the time is the caller's to set."""
    name = trace.tls.server_name if trace.tls else None
    from_hello = isinstance(trust.host, Unknown) and name is not None
    if from_hello:
        trust = replace(trust, host=name)
    elif isinstance(trust.host, Unknown) and trust.hostaddr:
        trust = replace(trust, host=None)  # an address alone, and no name in the hello
    found = who(trace) if client == AUTO else None
    judged = judge(trace.presented, trust, found.client if found else client, asked=asked)
    made = Report(
        presented=judged.presented,
        trust=trust,
        verdicts={mode: _waiting(verdict, trace) for mode, verdict in judged.verdicts.items()}
        if probed
        else judged.verdicts,
        clients=judged.clients,
        asked=asked,
        host_from_hello=from_hello,
        trace=trace,
        findings=[spoken(with_roots(finding, trace, trust), judged.verdict.client) for finding in explain(trace)],
        own_time=own_time,
        who=found,
        probed=probed,
    )
    return replace(made, findings=[], clients={}, who=None) if made.foreign else made


def _waiting(verdict: Verdict, trace: Trace) -> Verdict:
    """The verdict where a probe waited in vain inside the handshake: a client would wait, too, whatever it checks."""
    outcome = trace.outcome
    silent = outcome.kind == "incomplete" and outcome.where == "in_handshake"
    if not silent or verdict.outcome not in ("accept", "cannot_tell"):
        return verdict
    check = Check("server", "cannot_tell", SILENT, "in_handshake", after_message=trace.messages[-1].index)
    checks = (check, *verdict.checks)
    return replace(verdict, outcome="cannot_tell", authenticated=None, wire=None, on_the_wire=SILENT, checks=checks)


SILENT = "the server fell silent inside the handshake"
