"""The stories: what each capture shows. Data only; `make.py` plays them.

The names follow the article that many people begin with: my-rds is the database that is wanted,
unsafe-rds is somebody else's, with a certificate of the same CA. `host=NAME hostaddr=127.0.0.1`
does to libpq what a changed DNS entry would do: it wants NAME and arrives at another address.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

WANTED = "my-rds.example.test"
SIBLING = "unsafe-rds.example.test"
ALIAS = "db.internal.test"


@dataclass(frozen=True)
class Story:
    name: str
    story: str
    client: Literal["psql", "psycopg"]
    outcome: Literal["accept", "refuse", "plaintext"]  # what the real client must turn out to do
    refused_by: str = ""  # the step that stops it; the client itself does not tell
    code: int = 0  # OpenSSL's X509_V_ERR number, which the client does not tell either
    sslmode: str = "prefer"  # libpq's default, and then not written into the connection string
    options: str = ""  # the rest of the connection string
    host: str = WANTED
    root: Literal["absent", "true", "other region"] = "true"
    endpoint: str | None = WANTED  # the name in the server's certificate; None is a server without TLS
    expired: datetime | None = None  # the end of the certificate's year, when that is over
    server: Literal[15, 18] = 15
    keys: bool = True


STORIES = (
    Story(
        name="no-root-file",
        story="""
        "I never downloaded the CA certificate and configured nothing. Is my connection in clear?" No. psql asks for
        TLS by itself, the server says S and sends three certificates, and everything after the handshake is
        encrypted. But psql has no root certificate, so it looks at none of the three: whoever answers at this
        address would have been accepted, and if they had asked for the password in clear, they would have been
        given it. Look at the Certificate message, and at how nothing follows from it. Nothing on the wire tells
        that the client had no root certificate. The keys are inside, so that you can read the login as well.
        """,
        client="psql",
        root="absent",
        outcome="accept",
    ),
    Story(
        name="no-root-file-sealed",
        story="""
        The same connection as in no-root-file, seen as a stranger on the network sees it: without keys. The hellos
        are in clear, so the TLS version, the cipher suite and the server name can be read; from the server's second
        hello on TLS 1.3 hides everything, the certificates included. Whether the server is the right one cannot be
        told from this capture.
        """,
        client="psql",
        root="absent",
        keys=False,
        outcome="accept",
    ),
    Story(
        name="verify-full",
        story="""
        How it should be. The client has the regional root certificate and asks for sslmode=verify-full. The server
        sends its certificate, the subordinate CA above it and the root. While it reads the Certificate message the
        client checks the signatures up to its own copy of the root, and the dates; after the handshake it compares
        the name it wanted with the name in the certificate. Only then does it send its user name and prove its
        password.
        """,
        client="psycopg",
        sslmode="verify-full",
        outcome="accept",
    ),
    Story(
        name="verify-full-tls12",
        story="""
        The same checks in TLS 1.2. Here the Certificate message travels in clear: anybody on the way can read the
        server's name. The client sends its half of the key exchange only after it has accepted the chain, and
        encryption begins at ChangeCipherSpec. The name is again compared after the handshake.
        """,
        client="psql",
        sslmode="verify-full",
        options="ssl_max_protocol_version=TLSv1.2",
        outcome="accept",
    ),
    Story(
        name="wrong-root",
        story="""
        The client has a root certificate, but that of another region. The chain it is shown is complete and
        correct, and ends in a self-signed root that the client does not know. It stops while it reads the
        Certificate message and sends the alert unknown_ca (48) in clear, even in TLS 1.3. The name is never looked
        at, the login is never sent. The remedy is the bundle of the right region, or the bundle of all regions.
        """,
        client="psycopg",
        sslmode="verify-full",
        root="other region",
        outcome="refuse",
        refused_by="chain",
        code=19,
    ),
    Story(
        name="expired-server",
        story="""
        The chain is good and the name is right, but the server's certificate ended on 2026-03-01. The client stops
        while it reads the Certificate message and sends the alert certificate_expired (45). What it prints is the
        same as for a wrong root: only the alert on the wire, and the dates in the certificate, tell the two apart.
        """,
        client="psycopg",
        sslmode="verify-full",
        expired=datetime(2026, 3, 1, tzinfo=UTC),
        outcome="refuse",
        refused_by="validity",
        code=10,
    ),
    Story(
        name="sibling-verify-ca",
        story="""
        Somebody has made a database of their own, unsafe-rds, at the same provider, and has changed the DNS so that
        my-rds leads there. Its certificate is genuine and from the same CA. The client asks for my-rds with
        sslmode=verify-ca: the signatures are good, the dates are good, nobody compares the names. It connects to
        the impostor. Compare the server name in the ClientHello with the name in the certificate.
        """,
        client="psycopg",
        sslmode="verify-ca",
        endpoint=SIBLING,
        outcome="accept",
    ),
    Story(
        name="sibling-verify-full",
        story="""
        The same impostor as in sibling-verify-ca, and sslmode=verify-full. The handshake is completed, since the
        chain is good; then the client compares the names, closes the encrypted connection with a polite
        close_notify and leaves. No alert is to be seen, and no user name was sent: the end of the capture is the
        only trace of the refusal, and the server's log says nothing.
        """,
        client="psycopg",
        sslmode="verify-full",
        endpoint=SIBLING,
        outcome="refuse",
        refused_by="name",
        code=0,
    ),
    Story(
        name="cname",
        story="""
        No attack this time. The database is my-rds, but the application calls it by an alias of its own,
        db.internal.test (a CNAME or a load balancer in front). TLS passes through unchanged, so the certificate is
        that of my-rds, and verify-full refuses, after a complete handshake, because the name asked for is not in
        it. The remedy is to ask for my-rds and to say with hostaddr where it is to be found.
        """,
        client="psycopg",
        sslmode="verify-full",
        host=ALIAS,
        outcome="refuse",
        refused_by="name",
        code=0,
    ),
    Story(
        name="no-tls-prefer",
        story="""
        The server has no TLS. psql asks for it, gets the single byte N, and with the default sslmode=prefer goes on
        in clear on the same connection without a word. User name, query and answer can be read in the packets; the
        password cannot, because SCRAM never sends it.
        """,
        client="psql",
        root="absent",
        endpoint=None,
        outcome="plaintext",
    ),
    Story(
        name="no-tls-require",
        story="""
        The same server without TLS, and sslmode=require: after the N the client closes the connection and says so.
        Nothing was given away.
        """,
        client="psql",
        sslmode="require",
        root="absent",
        endpoint=None,
        outcome="refuse",
        refused_by="negotiation",
    ),
    Story(
        name="prefer-wrong-root",
        story="""
        A root certificate is there, so that even sslmode=prefer checks the chain; but it is that of another region.
        The client sends the alert unknown_ca and drops the connection. And then, because prefer means "TLS if
        possible", it connects a second time in clear, and succeeds, and prints nothing of it. Look for the two
        connections, and read the second one: the attempt to be safer has taken the encryption away.
        """,
        client="psql",
        root="other region",
        outcome="plaintext",
        refused_by="chain",
        code=19,
    ),
    Story(
        name="direct-tls",
        story="""
        PostgreSQL 17 and later can skip the question whether TLS may be spoken: with sslnegotiation=direct the
        first byte of the connection is already the ClientHello. One round trip less. So that no other kind of TLS
        server can be meant, client and server have to agree on the protocol name "postgresql" (ALPN). The server is
        PostgreSQL 18, which takes one of the client's key shares: there is no HelloRetryRequest.
        """,
        client="psycopg",
        sslmode="verify-full",
        options="sslnegotiation=direct",
        server=18,
        outcome="accept",
    ),
    Story(
        name="scram-channel-binding",
        story="""
        Besides verify-full the client asks for channel_binding=require. The login is then SCRAM-SHA-256-PLUS: the
        proof of the password covers a hash of the server's certificate, so that somebody in the middle with another
        certificate could not pass the proof on. Look at SASLInitialResponse (it begins with p=tls-server-end-point)
        and at the c= of SASLResponse, which holds the hash.
        """,
        client="psycopg",
        sslmode="verify-full",
        options="channel_binding=require",
        outcome="accept",
    ),
)
