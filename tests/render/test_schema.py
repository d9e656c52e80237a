"""The JSON Schema knows what every command says."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.render.test_json import SCHEMA, valid
from tracer.cli import main

STORY = Path(__file__).resolve().parents[2] / "captures" / "expired-server"
ROOTS = str(STORY / "roots.pem")


@pytest.fixture
def chain(tmp_path: Path, capfd) -> str:
    """A server's certificates, as a file."""
    main(["read", str(STORY / "capture.pcapng"), "--format", "json"])
    (connection,) = json.loads(capfd.readouterr().out)["connections"]
    file = tmp_path / "chain.pem"
    file.write_text("".join(certificate["pem"] for certificate in connection["certificates"]))
    return str(file)


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("judged", ["verify", "CHAIN"]),
        ("judged", ["verify", "CHAIN", "--sslrootcert", ROOTS, "--host", "other.example", "--client", "all"]),
        ("judged", ["verify", "CHAIN", "--env"]),
        ("bundles", ["bundle", ROOTS]),
        ("bundles", ["bundle", ROOTS, "--and", ROOTS, "--against", "CHAIN"]),
        ("modes", ["explain-mode", "postgresql://db.example/?sslmode=require"]),
        ("document", ["read", str(STORY / "capture.pcapng"), "--client", "all"]),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:1]),
)
def test_every_command(kind: str, command: list[str], chain: str, capfd) -> None:
    """Its document is the one of that name, and the schema as a whole takes it."""
    main([*(chain if word == "CHAIN" else word for word in command), "--format", "json"])
    said = json.loads(capfd.readouterr().out)
    valid(said, kind)
    jsonschema.Draft202012Validator(SCHEMA).validate(said)


def test_something_else_is_not_valid() -> None:
    """A document without its certificates is none."""
    with pytest.raises(jsonschema.ValidationError):
        valid({"schema": 1, "tool": {"name": "pgtls", "version": "0"}, "verdicts": []}, "judged")
