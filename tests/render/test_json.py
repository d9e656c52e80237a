"""Every document is what the schema that ships with the package says."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tracer
from tests.wire import Tls, follow, packets
from tracer.cli import main
from tracer.render import document

CHECKOUT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((CHECKOUT / "tracer" / "render" / "schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
CAPTURES = sorted((CHECKOUT / "captures").glob("*/capture.pcapng"))


def valid(value: object, kind: str) -> None:
    jsonschema.Draft202012Validator({**SCHEMA, "anyOf": [{"$ref": f"#/$defs/{kind}"}]}).validate(value)


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.parent.name)
def test_the_document(capture: Path, capfd) -> None:
    """The document of a story, with every field."""
    main(["read", str(capture), "--format", "json", "-v"])
    said = json.loads(capfd.readouterr().out)
    valid(said, "document")
    VALIDATOR.validate(said)
    assert said["connections"][0]["messages"][0]["fields"]


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.parent.name)
def test_the_lines(capture: Path, capfd) -> None:
    """One line a connection, then the summary."""
    main(["read", str(capture), "--format", "ndjson"])
    *lines, last = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    for line in lines:
        valid(line, "connection")
    valid(last, "summary")
    assert last["connections"] == len(lines)


def test_a_wrong_document_is_refused() -> None:
    """The schema can fail."""
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({"schema": 1})


def test_one_connection_from_python() -> None:
    """render.json gives the object of one connection."""
    source = tracer.read(CAPTURES[0])
    trace = next(tracer.follow(c, source.keys) for c in tracer.reassemble(source))
    valid(json.loads(tracer.render.json(trace)), "connection")


def test_the_asked_verdict_comes_first(capfd) -> None:
    """Six verdicts, the asked one in front."""
    main(["read", str(CAPTURES[0]), "--format", "json", "--sslmode", "verify-ca"])
    verdicts = json.loads(capfd.readouterr().out)["connections"][0]["verdicts"]
    assert [v["sslmode"] for v in verdicts] == ["verify-ca", "disable", "allow", "prefer", "require", "verify-full"]


def test_tls_that_is_not_postgresql() -> None:
    """Messages and certificates; a verdict for each mode all the same, and nothing that is worth knowing or doing."""
    made = Tls(talk=()).run()
    shown = json.loads(tracer.render.json(follow(packets(made.said), made.keys())))
    valid(shown, "connection")
    assert len(shown["verdicts"]) == 6
    assert (shown["findings"], shown["consistent_with"], shown["advice"]) == ([], [], None)
    assert [c["subject"] for c in shown["certificates"]] == ["CN=db.example"]


def test_the_clients_certificates() -> None:
    """As the server's are shown."""
    read = tracer.read(CHECKOUT / "captures" / "client-certificate-given" / "capture.pcapng")
    (trace,) = [tracer.follow(connection, read.keys) for connection in tracer.reassemble(read)]
    shown = json.loads(tracer.render.json(trace))
    assert shown["client_certificates"][0]["subject"] == "CN=app"
    valid(shown, "connection")


@given(st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.text() | st.lists(st.integers(0, 1 << 40))))
def test_a_value_is_a_line_of_ascii(value: dict[str, object]) -> None:
    """Whatever it holds: no control characters, nothing that a terminal turns round, and the value comes out again."""
    written = document.text(value)
    assert written.isascii()
    assert written.isprintable()
    assert json.loads(written) == value


def test_a_name_that_is_no_text() -> None:
    """A file may be called anything: what is no UTF-8 stands as Python has it."""
    name = os.fsdecode(b"caf\xe9\x7f.pcap")
    assert json.loads(document.text({"capture": name, "ending": "–"})) == {"capture": name, "ending": "–"}
