"""Odd chains and odd names, each shown to real libpqs under verify-full: impostors, loops, constraints, strange subjects."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

import tracer
from tests.differential import lab
from tests.differential.cells import PROFILES, differences, presented
from tests.differential.certificates import (
    HOST,
    Issued,
    Server,
    akid,
    authority,
    ca,
    forged,
    issue,
    key,
    leaf,
    name,
    purpose,
    san,
    usage,
)
from tests.differential.mock import mock, tls
from tests.differential.relay import relay
from tests.differential.test_matrix import LIBRARIES
from tracer import rootfile

pytestmark = pytest.mark.needs("gcc")
CA, SIGNS = (x509.BasicConstraints(True, None), True), (usage("key_cert_sign", "crl_sign"), True)
CN = NameOID.COMMON_NAME


def below(*extensions: tuple[x509.ExtensionType, bool]) -> Issued:
    """An intermediate with these extensions."""
    return authority("Odd Intermediate", ca()["own"], extensions=[CA, SIGNS, *extensions])


def constrained(
    *sans: str | x509.GeneralName, permitted: x509.GeneralName | None = None, excluded: x509.GeneralName | None = None
) -> Server:
    """A leaf below name constraints."""
    lists = [[one] if one else None for one in (permitted, excluded)]
    above = below((x509.NameConstraints(*lists), True))
    return Server(f"{permitted or ''} {excluded or ''} {sans}", (leaf(*sans, by=above), above))


def chains() -> list[Server]:
    """What is sent and what is trusted, in strange company."""
    own, inter, other, cross = (ca()[one] for one in ("own", "inter", "other", "inter-by-other"))
    good, low = leaf(HOST, by=own), leaf(HOST, by=inter)
    impostor, late_root = authority("Own Root"), authority("Own Root", days=(-60, -1))
    late = authority("Own Intermediate", own, own_key=inter.key, days=(-60, -1))
    a, b = authority("A"), authority("B")
    ab, ba = issue(a.subject, b, CA, own_key=a.key), issue(b.subject, a, CA, own_key=b.key)
    shallow = authority("Shallow", extensions=[(x509.BasicConstraints(True, 0), True), SIGNS])
    deep = [own]
    for at in range(12):
        deep.append(authority(f"Deep {at}", deep[-1]))
    clients, anything = (
        below(purpose(one)) for one in (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    )
    policies = below((x509.PolicyConstraints(0, None), True))
    return [
        Server("leaf twice", (low, low, inter)),
        Server("a stranger between", (low, other, inter)),
        Server("root in front", (low, own, inter)),
        Server("all at once", (low, own, other, good, inter)),
        Server("an impostor", (good, impostor), roots={"both": (impostor, own), "turned": (own, impostor), "it": (impostor,)}),
        Server("two roots of one name", (good,), roots={"late first": (late_root, own), "late last": (own, late_root)}),
        Server("late intermediate sent", (low, late), roots={"a good one": (own, inter)}),
        Server("good intermediate sent", (low, inter), roots={"a late one": (own, late), "crossed": (cross, other)}),
        Server("both sent", (low, late, inter)),
        Server("none sent", (low,), roots={"with another root": (inter, other), "cross alone": (cross,)}),
        Server("a loop", (leaf(HOST, by=a), ab, ba), roots={"the loop": (ab, ba), "its root": (a,)}),
        Server("an intermediate for clients", (leaf(HOST, by=clients), clients)),
        Server("an intermediate for anything", (leaf(HOST, by=anything), anything)),
        Server("policies", (leaf(HOST, by=policies), policies)),
        Server("deep", (leaf(HOST, by=deep[-1]), *deep[:0:-1])),
        Server("deep, the wrong way round", (leaf(HOST, by=deep[-1]), *deep[1:])),
        Server("too deep", (leaf(HOST, by=(mid := authority("Mid", shallow))), mid), roots={"shallow": (shallow,)}),
        Server("the root itself", (own,)),
        Server("the intermediate itself", (inter,)),
        Server("a root with the name", (named := authority(HOST),), roots={"itself": (named,)}),
        Server("leaf beside its root", (good,), roots={"both": (good, own)}),
        Server("a forged intermediate", (low, forged(inter))),
        Server("a forged one, then the good one", (low, forged(inter), inter)),
        Server("a forged root", (good,), roots={"forged": (forged(own),), "both": (forged(own), own)}),
        Server("forged and late", (low, forged(late))),
        Server("must staple", (leaf(HOST, by=own, extra=[(x509.TLSFeature([x509.TLSFeatureType.status_request]), True)]),)),
        Server("a date of 1950", (leaf(HOST, by=own, days=(-27000, 365)),)),
        Server("a date of 2060", (leaf(HOST, by=own, days=(-1, 13000)),)),
        Server("weak root", (leaf(HOST, by=(weak := authority("Weak", own_key=key("rsa1024")))),), roots={"it": (weak,)}),
        constrained(HOST, excluded=x509.DNSName("example.test")),
        constrained(HOST, excluded=x509.DNSName("")),
        constrained(HOST, permitted=x509.DNSName("")),
        constrained(HOST, permitted=x509.DNSName(".example.test")),
        constrained("*.example.test", excluded=x509.DNSName("example.test")),
        constrained(HOST, permitted=x509.IPAddress(ip_network("10.0.0.0/8"))),
        constrained(HOST, "127.0.0.1", permitted=x509.IPAddress(ip_network("10.0.0.0/8"))),
        constrained(HOST, x509.RFC822Name("a@c.test"), permitted=x509.RFC822Name("b.test")),
        constrained(HOST, x509.UniformResourceIdentifier("https://c.test/"), permitted=x509.UniformResourceIdentifier("b.test")),
        constrained(HOST, permitted=x509.DirectoryName(name("z"))),
    ]  # fmt: skip


def with_subject(subject: x509.Name, *sans: x509.GeneralName) -> Issued:
    extensions = [(x509.SubjectAlternativeName([san(one) for one in sans]), False)] if sans else []
    return issue(subject, ca()["own"], *akid(ca()["own"]), *extensions)


def names() -> list[Server]:
    """Subjects and SANs, and hosts written in many ways."""
    own = ca()["own"]
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "o")
    together = x509.Name([x509.RelativeDistinguishedName([x509.NameAttribute(CN, HOST), organisation])])
    apart = x509.Name([x509.NameAttribute(CN, "x.test"), organisation, x509.NameAttribute(CN, HOST)])
    packed = ip_address("127.0.0.1").packed
    odd = ("127.0.0.01", "127.0.1", "0x7f.1", "127.0.0.1 ", "127.0.0.1.", "127.0.0.256", "4294967297", "1.2.3.4.5")
    six = ("2001:db8::1", "2001:0DB8:0::1", "2001:db8::0.0.0.1", "[2001:db8::1]", "2001:db8::1%1", "2001:db8::1/64")
    label = "a" * 63
    return [
        Server("CN beside another attribute", (with_subject(together),), (HOST, "x.test")),
        Server("two CNs apart", (with_subject(apart),), (HOST, "x.test")),
        Server("CN and URI", (with_subject(name(HOST), x509.UniformResourceIdentifier("https://x.test")),)),
        Server("CN and directory name", (with_subject(name(HOST), x509.DirectoryName(name("z"))),)),
        Server("CN and registered ID", (with_subject(name(HOST), x509.RegisteredID(ObjectIdentifier("1.2.3"))),)),
        Server("the host as an e-mail address", (with_subject(name("x.test"), x509.RFC822Name(HOST)),)),
        Server("the host as an organisation", (with_subject(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, HOST)])),)),
        Server("a blank CN", (with_subject(name(" ")),), (HOST, " ")),
        Server("capitals", (leaf("DB.Example.TEST", by=own),)),
        Server("an underscore", (leaf("my_db.test", by=own),), ("my_db.test", "MY_DB.test")),
        Server("a wildcard of one letter", (leaf("*.a", by=own),), ("b.a", ".a", "x.b.a")),
        Server("a star", (leaf("*", by=own),), ("a", "*")),
        Server("two stars", (leaf("*.*.test", by=own),), ("a.b.test", "*.b.test")),
        Server("a star asked for", (leaf("*.example.test", by=own),), ("*.example.test", "a*.example.test")),
        Server("blanks", (leaf(" db.example.test", "db.example.test ", by=own),)),
        Server("an empty name", (leaf("", HOST, by=own),)),
        Server("long", (leaf(f"{label}.{label}.test", by=own),), (f"{label}.{label}.test", f"{label}.{label}.tesx")),
        Server("IPv4 in IPv6", (leaf(ip_address("::ffff:127.0.0.1").packed, by=own),), ("127.0.0.1", "::ffff:127.0.0.1")),
        Server("IPv6", (leaf(ip_address("2001:db8::1").packed, by=own),), six),
        Server("IPv4", (leaf(packed, by=own),), odd),
        Server("seventeen names", (leaf(*(f"n{at}.test" for at in range(17)), by=own),)),
        Server("the same three times", (leaf("x.test", "x.test", by=own, cn="x.test"),)),
    ]  # fmt: skip


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("family", [chains, names], ids=lambda made: made.__name__)
def test_what_a_client_makes_of_it(family, library: str, folder, libpqs: lab.Libpqs) -> None:
    """Outcome, text and alert under verify-full, with the usual roots and with those of the row."""
    if library not in lab.libraries():
        pytest.skip(f"{library} is not on this machine")
    profile, wrong, path = PROFILES[library], [], folder / "odd-roots"
    for server in family():
        with mock(tls(server)) as port, relay(port.port) as between:
            for what, roots in {"own": (ca()["own"],), **server.roots}.items():
                path.write_text("".join(one.pem for one in roots))
                for host in server.hosts:
                    words = f"host='{host}' user=app sslmode=verify-full sslrootcert={path} gssencmode=disable"
                    answer = lab.try_it(libpqs[library], between, None, words)
                    told = tracer.Trust(
                        host=host,
                        sslmode="verify-full",
                        roots=rootfile.load(path),
                        root_path=str(path),
                        security_level=profile.level,
                    )
                    found = differences(answer, tracer.replay(presented(server), told, profile.replayed()))
                    wrong += [f"{server.name} | {what} | {host} | {one}" for one in found]
    assert not wrong, "\n".join([library, *wrong])
