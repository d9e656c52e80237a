"""Root files that are odd in their text: each line, header, key and padding of them is shown to the real libraries.

What OpenSSL makes of a PEM file is written nowhere but in pem_lib.c. One entry that it stumbles on leaves a client without any
root, and prefer then goes on in plaintext.
"""

from __future__ import annotations

import base64
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as s

import tracer
from tests.differential import lab
from tests.differential.cells import PROFILES, differences, presented, real
from tests.differential.certificates import HOST, ca, key, name, servers
from tests.differential.mock import mock, tls
from tests.differential.relay import relay
from tests.differential.test_matrix import LIBRARIES
from tests.differential.test_options import is_known
from tracer import rootfile

pytestmark = pytest.mark.needs("gcc", "openssl")
BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
FOO = "-----BEGIN FOO-----\n{}\n-----END {}-----\n"


def block(label: str, content: bytes) -> str:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(content).decode()}-----END {label}-----\n"


def keys() -> dict[str, str]:
    """Private keys, in front of the root that a client needs."""
    good, ec, rsa = ca()["own"].pem, ca()["own"].key, key("rsa2048")
    plain, secret = s.NoEncryption(), s.BestAvailableEncryption(b"x")
    old, new = s.PrivateFormat.TraditionalOpenSSL, s.PrivateFormat.PKCS8
    kinds = {"PKCS#8": (ec, new, plain), "EC": (ec, old, plain), "RSA": (rsa, old, plain)}
    kinds |= {"sealed EC": (ec, old, secret), "sealed RSA": (rsa, old, secret), "sealed PKCS#8": (ec, new, secret)}
    found = {
        f"a key, {kind}": one.private_bytes(s.Encoding.PEM, how, lock).decode() + good
        for kind, (one, how, lock) in kinds.items()
    }
    return found | {
        "a broken RSA key": block("RSA PRIVATE KEY", b"\x30\3\2\1\5") + good,
        "a broken EC key": block("EC PRIVATE KEY", b"abc") + good,
        "a broken DSA key behind": good + block("DSA PRIVATE KEY", b"abc"),
        "a broken key, PKCS#8": block("PRIVATE KEY", b"abc") + good,
        "a key of ssh": block("OPENSSH PRIVATE KEY", b"openssh-key-v1\0abc") + good,
        "a broken sealed key": block("ENCRYPTED PRIVATE KEY", b"abc") + good,
        "EC parameters": block("EC PARAMETERS", bytes.fromhex("06082a8648ce3d030107")) + good,
    }


def others() -> dict[str, str]:
    """Blocks of other kinds beside the root."""
    own = ca()["own"]
    good = own.pem
    command = ["openssl", "crl2pkcs7", "-nocrl", "-certfile", "/dev/stdin"]
    pkcs7 = subprocess.run(command, input=good, capture_output=True, text=True, check=True).stdout
    request = x509.CertificateSigningRequestBuilder().subject_name(name("x")).sign(own.key, hashes.SHA256())
    return {
        "PKCS#7": pkcs7 + good,
        "PKCS#7 alone": pkcs7,
        "PKCS#7 as a certificate": pkcs7.replace("PKCS7", "CERTIFICATE"),
        "a request": request.public_bytes(s.Encoding.PEM).decode() + good,
        "no base64 in another block": FOO.format("!!!!", "FOO") + good,
        "another block with another end": FOO.format("AAAA", "BAR") + good,
        "another block without an end": good + "-----BEGIN FOO-----\nAAAA\n",
        "a broken list": good + block("X509 CRL", b"abc"),
        "junk behind the DER": block("CERTIFICATE", own.der + b"junk"),
        "two in one block": block("CERTIFICATE", own.der + ca()["other"].der),
        "a good one and an empty one": good + f"{BEGIN}\n{END}\n",
        "twice": good + good,
    }


def lines() -> dict[str, str | bytes]:
    """The root with another shape of its text."""
    good = ca()["own"].pem
    text = base64.b64encode(ca()["own"].der).decode()

    def cut(size: int, between: str = "\n") -> str:
        return between.join(text[at : at + size] for at in range(0, len(text), size))

    def inside(body: str) -> str:
        return f"{BEGIN}\n{body}\n{END}\n"

    return {
        "a byte order mark": b"\xef\xbb\xbf" + good.encode(),
        "two byte order marks": b"\xef\xbb\xbf" * 2 + good.encode(),
        "a byte order mark in the middle": ca()["other"].pem.encode() + b"\xef\xbb\xbf" + good.encode(),
        "UTF-16": good.encode("utf-16"),
        **{f"{size} a line": inside(cut(size)) for size in (1, 76, 253, 254, 255, 300, 4000)},
        "empty lines": inside(cut(64, "\n\n")),
        "an empty line in front": inside("\n" + cut(64)),
        "an empty line in front, 76 a line": inside("\n" + cut(76)),
        "a header": inside("Proc-Type: 4,CLEAR\n\n" + cut(64)),
        "another header": inside("Comment: x\n\n" + cut(64)),
        "a header without an end": inside("Comment: x\n" + cut(64)),
        "blanks": inside(cut(64).replace("A", "A ", 3)),
        "blanks at the ends": good.replace("\n", " \t\n"),
        "bytes above 127 at the ends": good.encode().replace(b"\n", b"\xe9\n"),
        "vertical tabs": good.replace("\n", "\x0b\n"),
        "CR CR LF": good.replace("\n", "\r\r\n"),
        "too much padding": inside(cut(64) + "=="),
        "text behind the padding": inside(cut(64) + "\nhello"),
        "padding in the middle": inside(f"{text[:32]}====\n{text[32:]}"),
        "a comment": inside("# hello\n" + cut(64)),
        "a dash": inside("-\n" + cut(64)),
        "a NUL": good.encode().replace(b"\nM", b"\n\0M", 1),
        "a NUL in front": b"\0" + good.encode(),
        "a line with a NUL in front": b"a\0b\n" + good.encode(),
        "run together": good.rstrip() + good,
        "small letters": good.lower(),
        "four dashes": good.replace("-----", "----"),
        "six dashes": good.replace("-----", "------"),
        "words behind BEGIN": good.replace(BEGIN, BEGIN + " hello"),
        **{f"{size} bytes of comment": "#" * size + good for size in (253, 254, 508)},
    }


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("family", [keys, others, lines], ids=lambda made: made.__name__)
def test_what_is_in_a_root_file(family, library: str, folder, libpqs: lab.Libpqs) -> None:
    """Roots, none, or a file that cannot be used: as the client that reads the same bytes."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    profile, wrong, path = PROFILES[library], [], folder / "odd"
    server = servers()[0]
    with mock(tls(server)) as port, relay(port.port) as between:
        for what, text in family().items():
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            words = f"host={HOST} user=app sslmode=require sslrootcert={path} gssencmode=disable"
            answer = lab.try_it(libpqs[library], between, None, words)
            roots = rootfile.load(path, before_3=profile.openssl < "3")
            told = tracer.Trust(
                host=HOST, sslmode="require", roots=roots, root_path=str(path), security_level=profile.level
            )
            verdict = tracer.replay(presented(server), told, profile.replayed())
            found = list(differences(answer, verdict))
            if is_known(verdict, real(answer).printed or ""):
                found = [one for one in found if not one.startswith("printed")]
            wrong += [f"{what}\n    " + "\n    ".join(found)] if found else []
    assert not wrong, "\n".join([library, *wrong])
