"""Certificates and hosts × clients: what each of them says to the pair, ours beside its own answer wherever it runs here.

Go, Node, pgjdbc and Python are asked themselves: VerifyHostname, checkServerIdentity, PGjdbcHostnameVerifier, and a handshake.
"""

from __future__ import annotations

import base64
import contextlib
import json
import lzma
import ssl
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.differential import drivers
from tests.differential.certificates import Issued, Server, authority, leaf
from tracer.certificates import Certificate, from_pem
from tracer.verify import hostnames
from tracer.verify.names import match

DB, IPV4, IPV6 = "db.example.test", "127.0.0.1", "::1"
MAPPED = "::ffff:127.0.0.1"
IDN, PUNY = "b\u00fccher.example.test", "xn--bcher-kva.example.test"

# CN and SANs, what looks like an address is an iPAddress; then each host, and who accepts: libpq, Go, Java, Node, Python, Rust
TABLE: dict[tuple[str, ...], dict[str, str]] = {
    ("", DB): {
        DB: "lgjnpr",
        DB.upper(): "lgjnpr",
        DB + ".": " g n r",
        "." + DB: "",
        "a." + DB: "",
        "example.test": "",
        IPV4: "",
        "db": "",
    },
    ("", DB + "."): {DB: "   n", DB + ".": "lgjnp"},
    ("", "*.example.test"): {
        DB: "lgjnpr",
        DB.upper(): "lgjnpr",
        DB + ".": " g n r",
        "a." + DB: "",
        "example.test": "",
        ".example.test": "   n",
        "*.example.test": "lgjnp",
        "_db.example.test": "lgjn r",
        "db-.example.test": "lgjnp",
        PUNY: "lgjnpr",
    },
    ("", "*.test"): {"example.test": "lgj"},
    ("", "*.*.test"): {DB: ""},
    ("", "*"): {"db": " g", "*": "lg  p"},
    ("", "d*.example.test"): {DB: "   n", "d.example.test": "   n", "a.example.test": ""},
    ("", "*b.example.test"): {DB: "  jn"},
    ("", "db.*.test"): {DB: ""},
    ("", "db_1.example.test"): {"db_1.example.test": "lgjnpr"},
    ("", "xn--*.example.test"): {PUNY: ""},
    ("", PUNY): {PUNY: "lgjnpr", IDN: "  j p"},
    ("", "other.test", DB): {DB: "lgjnpr", "other.test": "lgjnpr", "third.test": ""},
    (DB,): {DB: "l jnp", DB.upper(): "l jnp", DB + ".": "   n", "other.test": "", IPV4: ""},
    (DB, "other.test"): {DB: "", "other.test": "lgjnpr"},
    (DB, IPV4): {DB: "l jnp", IPV4: "lgjnpr"},
    ("*.example.test",): {DB: "l jnp", "a." + DB: ""},
    (IDN,): {IDN: "l", PUNY: ""},
    (IPV4,): {IPV4: "l j"},
    (IPV4, DB): {IPV4: "l", DB: "lgjnpr"},
    (IPV4, "10.0.0.1"): {IPV4: "  j", "10.0.0.1": "lgjnpr"},
    ("", IPV4): {IPV4: "lgjnpr", "127.1": "l", "2130706433": "l", MAPPED: " g", "localhost": "", "[127.0.0.1]": " gj"},
    ("", IPV6): {IPV6: "lg npr", "0:0:0:0:0:0:0:1": "lgjnpr", "[::1]": " g", "::1%lo": "   n"},
    ("", "2001:db8::1"): {"2001:DB8::1": "lg npr", "2001:db8:0:0:0:0:0:1": "lgjnpr", "10.0.0.1": "", DB: ""},
    ("", MAPPED): {IPV4: " gj", MAPPED: "lg npr", "10.0.0.1": "", DB: "", "0:0:0:0:0:ffff:7f00:1": "lg npr"},
    ("", IPV6, MAPPED, DB): {"a." + DB: "", "10.0.0.1": ""},
    ("", DB, IPV4): {IPV4: "lgjnpr", DB: "lgjnpr", "10.0.0.1": ""},
    ("", "dns:" + IPV4): {IPV4: "l j"},
    ("",): {DB: "", IPV4: ""},
}
RULES = {"l": "libpq", "g": "go", "j": "pgjdbc", "n": "node", "p": "python", "r": "webpki"}
PAIRS = [(names, host, who) for names, hosts in TABLE.items() for host, who in hosts.items()]


@cache
def root() -> Issued:
    return authority("Root")


@cache
def issued(names: tuple[str, ...]) -> Issued:
    """The certificate of a row of the table."""
    common, *sans = names
    made = [hostnames.address(one) or one.removeprefix("dns:") for one in sans]
    return leaf(*made, by=root(), cn=common or ())


def ours(rule: str, certificate: Certificate, host: str) -> tuple[bool, str | None]:
    """Whether the rule of that name accepts, and what it prints when not."""
    found = match(certificate, host) if rule == "libpq" else getattr(hostnames, rule)(certificate, host)
    return found.matched is not None, found.prints


def test_the_table_is_large() -> None:
    assert len(PAIRS) >= 60


@pytest.mark.parametrize("letter", RULES)
def test_the_table(letter: str) -> None:
    """Every pair is accepted by whom the table names, and by nobody else."""
    wrong = [
        f"{names} | {host} | {'refused' if letter in who else 'accepted'}"
        for names, host, who in PAIRS
        if ours(RULES[letter], Certificate.from_der(issued(names).der), host)[0] is not (letter in who)
    ]
    assert not wrong, "\n".join(["", *wrong])


@pytest.mark.parametrize(
    ("names", "host", "accepts"),
    [
        (("", DB), DB.upper(), True),
        (("", DB), DB + ".", False),
        (("", "*.example.test"), DB, True),
        (("", "*.example.test"), "a." + DB, False),
        (("", "*.test"), "example.test", True),
        (("", "d*.example.test"), DB, False),
        ((DB,), DB, True),
        (("*.example.test",), DB, False),
        ((DB, "other.test"), DB, False),
        ((DB, IPV4), DB, True),
        (("", IPV4), IPV4, True),
        ((IPV4, "10.0.0.1"), IPV4, True),
        (("", "dns:" + IPV4), IPV4, False),
    ],
)
def test_dotnet_as_its_source_reads(names: tuple[str, ...], host: str, accepts: bool) -> None:
    """It was not run: a CN has no wildcard, and may be an address whatever the SANs are."""
    assert ours("dotnet", Certificate.from_der(issued(names).der), host)[0] is accepts


@pytest.mark.parametrize("rule", ["go", "node", "pgjdbc"])
def test_its_own_answer(rule: str, tmp_path: Path) -> None:
    """The function itself says the same to every pair, in the same words where it has some."""
    asked = [(issued(names).der, host) for names, host, _ in PAIRS]
    assert not differences(rule, asked, tmp_path)


@pytest.mark.parametrize("rule", ["go", "node", "pgjdbc"])
def test_its_own_answer_to_the_cases_of_others(rule: str, shared: Path, tmp_path: Path) -> None:
    """The same on the cases of CPython's, curl's, Go's, OpenSSL's and PostgreSQL's tests."""
    with lzma.open(shared / "cases" / "names.jsonl.xz", "rt") as file:
        cases = [json.loads(line) for line in file]
    asked = [(from_pem(case["chain"][0])[0].der, case["host"]) for case in cases]
    asked = [(der, host) for der, host in asked if "\n" not in host and "\t" not in host]
    assert len(asked) > 400
    assert not differences(rule, asked, tmp_path)


def differences(rule: str, asked: list[tuple[bytes, str]], folder: Path) -> list[str]:
    """Where a function of another language and ours differ."""
    drivers.need(rule)
    lines = [f"{base64.b64encode(der).decode()}\t{host}" for der, host in asked]
    command, variables = drivers.NAMES[rule].command(folder)
    done = subprocess.run(
        command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=True, env=drivers.env(variables)
    )
    answers = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert len(answers) == len(asked)
    wrong = []
    for (der, host), answer in zip(asked, answers, strict=True):
        if rule == "node" and not hostnames.nodes_agree(host):
            continue
        certificate = Certificate.from_der(der)
        accepted, prints = ours(rule, certificate, host)
        if answer.startswith(("parse: ", "error: ")):  # it cannot be read there: no name is compared
            continue
        wanted = prints if rule != "pgjdbc" else "no" if prints else None
        if (accepted, wanted or "") != (answer == "", answer):
            names = [f"{name.kind}:{name.text}" for name in certificate.names]
            wrong.append(f"{host!r} to {certificate.subject} {names}: {answer!r}, and ours {prints!r}")
    return wrong


@pytest.mark.parametrize(
    ("host", "agree"),
    [
        (DB, True),
        (DB.upper() + ".", True),
        ("_db-.example.test", True),
        (IPV4, True),
        ("127.1", False),
        ("2130706433", False),
        ("db.0x7f", False),
        (IPV6, False),
        (IDN, False),
        (PUNY, False),
        ("a@example.test", False),
    ],
)
def test_what_is_one_name_to_every_node(host: str, agree: bool) -> None:
    """Of the others the profile says nothing: Node 18 of Debian, 20.20, 22.23 and 24.21 differ."""
    assert hostnames.nodes_agree(host) is agree


@pytest.mark.skipif(
    sys.version_info >= (3, 12),
    reason="ssl words IDNA otherwise since 3.12, and looks at the chain more strictly since 3.13",
)
def test_python_s_own_answer() -> None:
    """A handshake with Python's ssl, which looks at the chain as well: the chain is good, and so the name decides."""
    wrong = []
    for names, host, _ in PAIRS:
        answer = shaken(Server("", (issued(names),)), host)
        accepted, prints = ours("python", Certificate.from_der(issued(names).der), host)
        if (accepted, prints or "") != (not answer, answer):
            wrong.append(f"{names} | {host}: {answer!r}, and ours {prints!r}")
    assert not wrong, "\n".join(["", *wrong])


def shaken(server: Server, host: str) -> str:
    """Why Python's ssl refuses a server by its name; nothing where it is content."""
    context = ssl.create_default_context(cadata=root().pem)
    try:
        with contexts(server) as serving:
            heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
            client = context.wrap_bio(heard, said, server_hostname=host)
            other = serving.wrap_bio(said, heard, server_side=True)
            for end in (client, other, client):
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except (ValueError, UnicodeError) as error:
        return str(error)
    return ""


@contextlib.contextmanager
def contexts(server: Server) -> Iterator[ssl.SSLContext]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pem"
        file.write_text(server.certificate + server.key)
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(file)
        yield made
