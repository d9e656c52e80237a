"""What all drivers' profiles have in common."""

from __future__ import annotations

import pytest

from tests.verify.clients.driver_cells import cell, trace, verdict
from tracer.outcome import Ended
from tracer.verify import SSLMODES, clients, consistent_with, table
from tracer.verify.clients import drivers
from tracer.verify.model import Trust


def strictest(name: str) -> str:
    """The mode of a driver that checks most."""
    return next(mode for mode in reversed(SSLMODES) if mode in drivers()[name].modes)


@pytest.mark.parametrize("name", drivers())
def test_every_verdict_says_how_it_is_known(name: str) -> None:
    """Run, and which version, or read from source and not run."""
    for mode in SSLMODES:
        basis = verdict(name, mode, "good").basis or ""
        assert basis.startswith("run: " if drivers()[name].run else "read from source, not run: ")


@pytest.mark.parametrize("name", drivers())
def test_every_verdict_has_the_three_checks(name: str) -> None:
    for mode in SSLMODES:
        assert {"chain", "validity", "name"} <= {check.step for check in verdict(name, mode, "good").checks}


@pytest.mark.parametrize("name", drivers())
@pytest.mark.parametrize("file", ["absent", "garbage"])
def test_a_root_file_that_cannot_serve_lets_nobody_in(name: str, file: str) -> None:
    """A mode that verifies never passes a server for want of a root file."""
    assert {cell(name, mode, file)[0] for mode in ("verify-ca", "verify-full")} <= {"refuse", "cannot_tell"}


@pytest.mark.parametrize("name", drivers())
def test_what_is_not_known_is_not_told(name: str) -> None:
    """Without the certificates nobody who verifies knows."""
    found = {cell(name, mode, "good", certificates=None)[0] for mode in ("verify-ca", "verify-full")}
    assert found <= {"cannot_tell", "refuse"}
    assert cell(name, strictest(name), "good", answer="G", answer_byte=b"")[0] == "cannot_tell"


@pytest.mark.parametrize("name", drivers())
def test_only_who_checks_chain_and_name_knows_the_server(name: str) -> None:
    for mode in SSLMODES:
        said = verdict(name, mode, "good")
        passed = {check.step for check in said.checks if check.outcome == "passed"}
        assert said.authenticated is (said.outcome == "accept" and {"chain", "name"} <= passed)


@pytest.mark.parametrize("name", drivers())
def test_the_server_s_own_end_is_among_the_steps(name: str) -> None:
    """An alert in front of every certificate stops whoever asked for TLS."""
    ended = Ended("alert", "in_handshake", alert=40)
    said = verdict(name, strictest(name), "good", certificates=None, version=None, ended=ended, authentication=None)
    assert said.refused_by is not None
    assert (said.refused_by.step, said.wire) == ("server", "stopped")


def test_a_capture_is_read_with_the_rules_of_its_own_client() -> None:
    """What rules a mode out for libpq does so for no other driver."""
    trust = Trust(host="my-rds.example.test", roots=trace().presented.certificates[-1:], time=trace().time)
    verdicts = table(trace(), trust, "pgjdbc")
    assert consistent_with(verdicts, trace()) == ["allow", *SSLMODES[2:]]


def test_names() -> None:
    assert set(drivers()) < set(clients.names())
