"""Everything that is said of one connection."""

from __future__ import annotations

from dataclasses import replace

from tests.wire import Tls, follow, packets
from tracer.report import report
from tracer.verify import SSLMODES, UNKNOWN, Trust

MADE = Tls().run()
TRACE = follow(packets(MADE.preambled()), MADE.keys())
TRUST = Trust(sslmode="require", roots=None, time=TRACE.time)


def test_the_host_comes_from_the_hello() -> None:
    """When nobody told another, and that is said."""
    found = report(TRACE, TRUST)
    assert (found.trust.host, found.host_from_hello) == ("db.example", True)
    told = report(TRACE, replace(TRUST, host="other"))
    assert (told.trust.host, told.host_from_hello) == ("other", False)


def test_all_modes_the_asked_one_first() -> None:
    """Six verdicts."""
    modes = [v.sslmode for v in report(TRACE, TRUST).asked_first()]
    assert modes[0] == "require"
    assert sorted(modes) == sorted(SSLMODES)


def test_agreement_wants_the_clients_own() -> None:
    """Another time or an unknown root file cannot be held against the capture."""
    found = report(TRACE, TRUST)
    assert found.agreement(found.verdict) is True
    later = report(TRACE, TRUST, own_time=False)
    assert later.agreement(later.verdict) is None
    unknown = report(TRACE, replace(TRUST, roots=UNKNOWN))
    assert unknown.agreement(unknown.verdict) is None


def test_modes_that_the_capture_does_not_contradict() -> None:
    """A session inside TLS without a root file was none of the strict modes, and not disable."""
    assert report(TRACE, TRUST).consistent_with == ["allow", "prefer", "require"]
