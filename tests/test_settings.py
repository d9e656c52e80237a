"""What a client was told, and by whom: the same as the real libpq finds in the same environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import authority, libpq
from tests.conftest import CHECKOUT, find
from tracer.conninfo import parse
from tracer.errors import TracerError
from tracer.settings import Setting, home_folder, resolve, sentence, trust
from tracer.verify.model import UNKNOWN, Unusable

SERVICES = """
# ours
[other]
sslmode=disable
[mydb]
  sslmode=verify-full
host=db.example
port=5433
[mydb2]
sslmode=allow
[broken]
sslmode
[nested]
service=mydb
"""
NOWHERE = "host=/nonexistent"


def settled(text: str, environment: Mapping[str, str], home: Path | None = None) -> dict[str, Setting]:
    return resolve({name: Setting(value, "conninfo") for name, value in parse(text).items()}, environment, home)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".pg_service.conf").write_text(SERVICES)
    (tmp_path / "pg_service.conf").write_text("[shared]\nsslrootcert=/shared.crt\n")
    return tmp_path


CASES: list[tuple[str, dict[str, str]]] = [
    ("", {}),
    ("", {"PGSSLMODE": "verify-ca", "PGSSLROOTCERT": "system"}),
    ("", {"PGSSLROOTCERT": "system"}),
    ("sslrootcert=system", {}),
    ("", {"PGREQUIRESSL": "1"}),
    ("", {"PGREQUIRESSL": "1", "PGSSLMODE": "allow"}),
    ("", {"PGREQUIRESSL": "yes"}),
    ("sslmode=require", {"PGSSLMODE": "disable"}),
    ("sslmode=bogus", {}),
    ("", {"PGSSLMODE": ""}),
    ("sslnegotiation=soon", {}),
    ("channel_binding=often", {}),
    ("sslcertmode=no", {}),
    ("ssl_min_protocol_version=SSLv3", {}),
    ("ssl_max_protocol_version=TLSv9", {}),
    ("ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2", {}),
    ("ssl_min_protocol_version=tlsv1.3 ssl_max_protocol_version=TLSV1.2", {}),
    ("ssl_max_protocol_version=tlsv1.3", {}),
    ("ssl_max_protocol_version=TLSv1.1", {}),
    ("ssl_min_protocol_version='' ssl_max_protocol_version=TLSv1.1", {}),
    ("gssencmode=soon", {}),
    ("service=mydb", {}),
    ("service=mydb sslmode=require", {"PGPORT": "1"}),
    ("", {"PGSERVICE": "mydb2", "PGSSLMODE": "disable"}),
    ("service=shared", {"PGSYSCONFDIR": "HOME"}),
    ("service=missing", {"PGSYSCONFDIR": "HOME"}),
    ("service=broken", {}),
    ("service=nested", {}),
    ("service=mydb", {"PGSERVICEFILE": "/nonexistent"}),
]


@pytest.mark.needs("libpq-18")
@pytest.mark.parametrize(("text", "variables"), CASES)
def test_it_is_what_libpq_finds(text: str, variables: dict[str, str], home: Path) -> None:
    """Settings, their defaults and the errors before a connection are libpq's own."""
    environment = {"HOME": str(home), "USER": "me"} | {n: v.replace("HOME", str(home)) for n, v in variables.items()}
    path = {"PYTHONPATH": str(CHECKOUT), "LC_ALL": "C"}
    theirs, words = libpq.resolved(find("libpq-18") or "", f"{text} {NOWHERE}", environment | path)
    if "/nonexistent/.s.PGSQL" not in words and not words.startswith("weak sslmode"):  # that one is a verdict
        with pytest.raises(TracerError) as caught:
            settled(f"{text} {NOWHERE}", environment, home)
        assert str(caught.value) == words.rstrip("\n")
        return
    ours = {name: setting.value for name, setting in settled(f"{text} {NOWHERE}", environment, home).items()}
    for guessed in ("user", "dbname", "passfile"):  # from the account
        theirs.pop(guessed, None)
    assert {n: v for n, v in ours.items() if v} == {n: v for n, v in theirs.items() if v and n in ours}


def test_each_says_where_it_came_from(home: Path) -> None:
    """The report can name the variable, the service and the file."""
    found = settled("service=mydb", {"PGSSLROOTCERT": "/r.crt", "PGPASSWORD": "secret"}, home)
    assert found["sslmode"] == Setting("verify-full", f"service mydb in {home / '.pg_service.conf'}")
    assert found["sslrootcert"] == Setting("/r.crt", "PGSSLROOTCERT")
    assert found["sslnegotiation"] == Setting("postgres", "default")
    assert "sslrootcert=/r.crt from PGSSLROOTCERT" in sentence(found)
    assert "secret" not in sentence(found)


def test_the_home_folder_has_the_defaults(home: Path) -> None:
    """Without sslrootcert the client takes ~/.postgresql/root.crt, with one that does not exist it takes none."""
    root = authority.issue("ca", ca=True)
    (home / ".postgresql").mkdir()
    (home / ".postgresql" / "root.crt").write_bytes(root.certificate.public_bytes(authority.PEM))
    own = trust(settled("host=db.example", {}, home), home)
    assert [c.der for c in own.anchors() or ()] == [root.der]
    assert own.host == "db.example"
    assert trust(settled("sslrootcert=/nonexistent", {}, home), home).roots is None
    assert trust(settled("sslrootcert=~/.postgresql/root.crt", {}, home), home).roots is None  # libpq knows no ~
    assert trust(settled("sslrootcert=system", {}, home), home).roots == "system"


def test_a_root_file_that_cannot_serve(home: Path) -> None:
    """An empty file is not an absent one."""
    (home / "empty").touch()
    assert isinstance(trust(settled(f"sslrootcert={home}/empty", {}, home), home).roots, Unusable)


@pytest.mark.parametrize(
    ("text", "host"),
    [("host=a", "a"), ("hostaddr=10.0.0.1", None), ("host=a,b", UNKNOWN), ("", UNKNOWN), ("host=/tmp", UNKNOWN)],
)
def test_the_host(text: str, host: object) -> None:
    """An address alone is no name, and of several hosts nobody knows which."""
    assert trust(settled(text, {}), None).host == host


def test_what_is_said_of_gssapi_and_of_versions(home: Path) -> None:
    """It reaches the replay as it was written; a client whose gssencmode nobody set may have a ticket."""
    text = "postgresql://db.example/?gssencmode=require&ssl_min_protocol_version=tlsv1&ssl_max_protocol_version=TLSv1.2"
    own = trust(settled(text, {}), home)
    assert (own.gssencmode, own.ssl_min_protocol_version, own.ssl_max_protocol_version) == (
        "require",
        "tlsv1",
        "TLSv1.2",
    )
    own = trust(settled("ssl_max_protocol_version=''", {"PGGSSENCMODE": "disable"}), home)
    assert (own.gssencmode, own.ssl_min_protocol_version, own.ssl_max_protocol_version) == ("disable", "TLSv1.2", "")
    own = trust(settled("", {}), home)
    assert (own.gssencmode, own.ssl_max_protocol_version) == ("prefer", "TLSv1.3")


def test_a_folder_of_lists_that_is_missing(home: Path) -> None:
    """Sslcrldir checks even where there is nothing; a missing sslcrl does not."""
    assert trust(settled("sslcrldir=/nonexistent", {}, home), home).crls == ()
    assert trust(settled("sslcrl=/nonexistent", {}, home), home).crls is None
    assert (
        trust(settled("sslcrl=/nonexistent sslcrldir=/nonexistent", {}, home), home).crls is None
    )  # it fails as a whole


def test_home() -> None:
    """$HOME wins over the account."""
    assert home_folder({"HOME": "/somewhere"}) == Path("/somewhere")
    assert home_folder({}) is not None
