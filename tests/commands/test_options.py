"""What options say, as values."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime

import pytest

from tracer.cli import COMMANDS, _parser, main
from tracer.commands.options import keylog, question, time
from tracer.errors import TracerError
from tracer.verify import clients
from tracer.verify.clients import libpq_versions
from tracer.verify.model import UNKNOWN


def given(*words: str) -> Namespace:
    return _parser(COMMANDS).parse_args(["read", "x", *words])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00+02:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
    ],
)
def test_times_are_aware(text: str, moment: datetime) -> None:
    """A date is its first moment in UTC; another zone is converted."""
    assert time(text) == moment


def test_a_bad_time() -> None:
    """The error says what can be written."""
    with pytest.raises(TracerError, match="'yesterday' is no time"):
        time("yesterday")


def test_nothing_asked() -> None:
    """Without libpq's options nothing is known of the client, and nothing was asked."""
    asked = question(given())
    assert (asked.asked, asked.at, asked.trust.host, asked.trust.roots) == (False, None, UNKNOWN, UNKNOWN)


def test_an_address_leaves_the_name_to_the_hello() -> None:
    """What the client was called is then what its ClientHello says."""
    assert question(given("--hostaddr", "192.0.2.1")).trust.host is UNKNOWN


def test_the_system_store_wants_a_name() -> None:
    """sslrootcert=system alone means verify-full."""
    assert question(given("--sslrootcert", "system")).trust.sslmode == "verify-full"
    assert question(given("--sslrootcert", "system", "--sslmode", "require")).trust.sslmode == "require"


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """With --env libpq's variables speak where no option does, and each says so."""
    monkeypatch.setenv("PGSSLMODE", "verify-ca")
    monkeypatch.setenv("PGSSLROOTCERT", "/nonexistent")
    asked = question(given("--env", "--sslmode", "require"))
    assert (asked.trust.sslmode, asked.trust.roots, asked.asked) == ("require", None, True)
    assert asked.settings is not None
    assert asked.settings["sslmode"].origin == "--sslmode"
    assert asked.settings["sslrootcert"].origin == "PGSSLROOTCERT"
    assert question(given()).settings is None


def test_a_root_file_that_is_not_there(capsys) -> None:
    """An answer, and a hint."""
    asked = question(given("--sslrootcert", "/nowhere"))
    assert (asked.asked, asked.trust.roots) == (True, None)
    assert "pgtls: hint: /nowhere does not exist" in capsys.readouterr().err


def test_an_unreadable_key_log() -> None:
    """One that was named must be there."""
    with pytest.raises(TracerError, match="key log /nowhere"):
        keylog(given("--keylog", "/nowhere"))


def helped(command: str, capfd: pytest.CaptureFixture[str]) -> str:
    """Its help, on one line."""
    with pytest.raises(SystemExit):
        main([command, "--help"])
    return " ".join(capfd.readouterr().out.split())


@pytest.mark.parametrize("command", ["read", "audit", "annotate", "probe", "verify", "explain-mode"])
def test_help_names_every_client(
    command: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whom --client may name; `auto` where there is a stranger to recognise, and nowhere else."""
    monkeypatch.setenv("COLUMNS", "1000")
    said = helped(command, capfd)
    assert all(name in said for name in ("libpq-12 to libpq-18", *clients.drivers()))
    assert ("auto: whoever it looks like" in said) is (command in ("read", "audit", "annotate"))
    assert ("default: the server name in its ClientHello" in said) is (command in ("read", "audit", "annotate"))


def test_the_versions_of_libpq_are_those_that_help_names() -> None:
    assert list(libpq_versions.NAMES) == ["libpq", *(f"libpq-{version}" for version in range(12, 19))]


@pytest.mark.parametrize(
    ("slip", "meant"),
    [("lib_pq", "lib-pq or libpq"), ("node_postgres", "node-postgres-9 or node-postgres-8"), ("pgx", "pgx-5 or pgx-4")],
)
def test_a_client_that_is_nearly_named(slip: str, meant: str) -> None:
    with pytest.raises(TracerError) as error:
        clients.get(slip)
    assert error.value.hints[0].startswith(f"did you mean {meant}?")
