"""One connection with everything that can be said about it: what every output renders."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tracer.findings import Finding, explain
from tracer.trace import Trace
from tracer.verify import Evidence, agrees, clients, consistent_with, evidence, known, table
from tracer.verify.model import SSLMODES, Trust, Unknown, Verdict


@dataclass(frozen=True)
class Report:
    """A trace, the verdict of every sslmode on it, and the findings. `asked` is what the user wanted to know."""

    trace: Trace
    trust: Trust
    verdicts: dict[str, Verdict]
    findings: list[Finding]
    asked: bool
    host_from_hello: bool
    own_time: bool  # judged at the capture's time, as the client did

    @property
    def verdict(self) -> Verdict:
        """The verdict of the sslmode that was asked about."""
        return self.verdicts[self.trust.sslmode]

    def asked_first(self) -> list[Verdict]:
        mode = self.trust.sslmode
        return [self.verdicts[mode], *(self.verdicts[m] for m in SSLMODES if m != mode)]

    def agreement(self, verdict: Verdict) -> bool | None:
        """Whether the capture shows what the verdict says; None unless host, roots and time are the client's own."""
        if not known(self.trust) or not self.own_time:
            return None
        return agrees(verdict, self.trace)

    @property
    def consistent_with(self) -> list[str]:
        """The sslmodes that the capture does not contradict."""
        return consistent_with(self._replayed, self.trace)

    @property
    def evidence(self) -> list[Evidence]:
        """What in the capture says so, and what it says of the client's version."""
        return evidence(self._replayed, self.trace)

    @property
    def _replayed(self) -> dict[str, Verdict]:
        """The verdicts that may be held against the capture: at another time the client might have done something else."""
        return self.verdicts if self.own_time else {}


def report(trace: Trace, trust: Trust, client: str = "libpq", *, asked: bool = True, own_time: bool = True) -> Report:
    """Judge a trace. A host that is not known is taken from the ClientHello; the time is the caller's to set."""
    name = trace.tls.server_name if trace.tls else None
    from_hello = isinstance(trust.host, Unknown) and name is not None
    if from_hello:
        trust = replace(trust, host=name)
    verdicts = table(trace, trust, clients.get(client))
    return Report(trace, trust, verdicts, explain(trace), asked, from_hello, own_time)
