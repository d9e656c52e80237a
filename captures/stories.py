"""The stories: what each capture shows. Data only; `make.py` plays them.

The names follow the article that many people begin with: my-rds is the database that is wanted,
unsafe-rds is somebody else's, with a certificate of the same CA. `host=NAME hostaddr=127.0.0.1`
does to libpq what a changed DNS entry would do: it wants NAME and arrives at another address.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

WANTED = "my-rds.example.test"
SIBLING = "unsafe-rds.example.test"
ALIAS = "db.internal.test"
POOLER = "my-proxy.example.test"

Client = Literal[
    "psql",
    "psql, with a Kerberos ticket",
    "psycopg",
    "psycopg, cancelling",
    "psycopg, cancelling inside TLS",
    "libpq and OpenSSL 1.1.1",
    "pg8000, resuming TLS 1.2",
    "pg8000, resuming TLS 1.3",
]
Front = Literal["", "pgbouncer", "injector", "kerberos", "out of processes"]


@dataclass(frozen=True)
class Story:
    name: str
    story: str
    client: Client
    outcome: Literal["accept", "refuse", "plaintext"]  # what the real client must turn out to do
    refused_by: str = ""  # the step that stops it, or "server"; the client itself does not tell
    code: int = 0  # OpenSSL's X509_V_ERR number, which the client does not tell either
    sslmode: str = "prefer"  # libpq's default, and then not written into the connection string
    options: str = ""  # the rest of the connection string
    host: str = WANTED
    # What the client's root file holds: the root of the server's issuer, or another one. `missing`: it is named, and not there.
    root: Literal["absent", "missing", "garbage", "true", "other"] = "true"
    crl: Literal["", "revokes the server", "one level"] = ""  # the client's revocation lists
    identity: Literal["", "known", "stranger"] = (
        ""  # the client's own certificate: of the CA that the server knows, or not
    )
    # The server
    endpoint: str | None = WANTED  # the name in its certificate; None is a server without TLS
    issuer: Literal["region", "public", "itself"] = "region"
    sends: int = 3  # certificates: the server's, the subordinate CA's, the root
    age: timedelta = timedelta(days=30)  # of the server's certificate
    expired: datetime | None = None  # the end of the certificate's year, when that is over
    asks: Literal["", "clients", "region"] = (
        ""  # whose CA certificates are in its ssl_ca_file; with one it asks the client
    )
    login: Literal["password", "certificate", "kerberos"] = "password"
    settings: Mapping[str, str] = field(default_factory=dict)
    server: Literal[15, 18] = 15
    front: Front = ""  # what stands between the client and the server, or beside them
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
        root="other",
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
        root="other",
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
    Story(
        name="missing-intermediate",
        story="""
        The server sends its own certificate and forgets the subordinate CA above it. The client has the right root,
        but nothing leads from the one to the other, so it stops with unknown_ca (48): the same alert and the same
        words as for a wrong root. The Certificate message tells them apart: it holds one certificate, and its issuer
        is not in the root file. The remedy is on the server: put the whole chain into server.crt. A client can help
        itself with the missing certificate in its root file, beside the root.
        """,
        client="psycopg",
        sslmode="verify-full",
        sends=1,
        outcome="refuse",
        refused_by="chain",
        code=20,
    ),
    Story(
        name="missing-intermediate-repaired",
        story="""
        The same server.crt with one certificate, and yet the client connects: the server has an ssl_ca_file that
        happens to hold the subordinate CA and the root. That file is meant for checking clients, but OpenSSL also
        completes the server's own chain from it, so three certificates are sent. Whoever tidies up that file later
        breaks every client that verifies. Note the CertificateRequest: with an ssl_ca_file the server asks the
        client for a certificate, too, and takes it calmly that there is none.
        """,
        client="psycopg",
        sslmode="verify-full",
        sends=1,
        asks="region",
        outcome="accept",
    ),
    Story(
        name="not-yet-valid",
        story="""
        The server's certificate begins on the day after tomorrow. Somebody has installed it too early, or the client's
        clock is behind. The client stops while it reads the Certificate message, with the alert bad_certificate (42), which
        stands for a dozen other defects as well; what it prints is the same as ever. Compare the dates in the
        certificate with the time of the packets, and then with the clock of the client.
        """,
        client="psycopg",
        sslmode="verify-full",
        age=timedelta(days=-2),
        outcome="refuse",
        refused_by="validity",
        code=9,
    ),
    Story(
        name="self-signed",
        story="""
        The server made its certificate itself, as `openssl req -x509` does. psql has no root file and looks at
        nothing, so it connects without a word, just as it does to a server with a perfect certificate. Encrypted,
        and anybody could have made such a certificate in this name. TLS 1.2, so that the certificate can be read
        without keys.
        """,
        client="psql",
        root="absent",
        options="ssl_max_protocol_version=TLSv1.2",
        issuer="itself",
        sends=1,
        outcome="accept",
    ),
    Story(
        name="self-signed-refused",
        story="""
        The same kind of server, met by a client that has the root of its region and asks for verify-full. The
        certificate is its own issuer and is not in the root file: unknown_ca (48). If you expected a server of your
        provider here, somebody else has answered. If it is your own server, give the clients its certificate as
        their root file, or better, let a CA issue it one.
        """,
        client="psycopg",
        sslmode="verify-full",
        root="other",
        issuer="itself",
        sends=1,
        outcome="refuse",
        refused_by="chain",
        code=18,
    ),
    Story(
        name="self-signed-trusted",
        story="""
        A self-signed certificate that is in the client's root file is as good as any: the client has been told by
        hand that this very certificate is the server. Chain, dates and name pass. The price comes in a year: when
        the certificate is replaced, every client needs the new one.
        """,
        client="psycopg",
        sslmode="verify-full",
        issuer="itself",
        sends=1,
        outcome="accept",
    ),
    Story(
        name="pooler-wrong-root",
        story="""
        A pooler stands in front of the database, with a certificate of its own from a public CA: this is how RDS
        Proxy does it. The client kept the root file of the database's region, and the chain does not lead there:
        unknown_ca (48). Nothing is wrong with the pooler. Its clients need another root file, that of the pooler's
        CA; for RDS Proxy these are Amazon's public roots (Amazon Root CA 1 and its sisters), not the RDS bundle.
        """,
        client="psycopg",
        sslmode="verify-full",
        host=POOLER,
        root="other",
        endpoint=POOLER,
        issuer="public",
        sends=2,
        front="pgbouncer",
        outcome="refuse",
        refused_by="chain",
        code=20,
    ),
    Story(
        name="pooler-own-root",
        story="""
        The same pooler, and a client with the root of the pooler's CA. Everything passes, and what was verified is
        the pooler, not the database: TLS ends here. Whether the pooler checks the database behind it is decided in
        the pooler's own configuration, and this capture cannot show it. The login is SCRAM without channel binding,
        because this pooler does not offer it.
        """,
        client="psycopg",
        sslmode="verify-full",
        host=POOLER,
        endpoint=POOLER,
        issuer="public",
        sends=2,
        front="pgbouncer",
        outcome="accept",
    ),
    Story(
        name="require-sibling",
        story="""
        sslmode=require is often read as "encrypt, but check nothing". That is so only without a root file. This client
        has one, so the chain is checked exactly as with verify-ca, and it is good. The name is not looked at: the
        certificate belongs to unsafe-rds, somebody else's database of the same CA, and the client connects. Only
        verify-full would have noticed.
        """,
        client="psycopg",
        sslmode="require",
        endpoint=SIBLING,
        outcome="accept",
    ),
    Story(
        name="require-wrong-root",
        story="""
        sslmode=require again, and a root file of another region. A client that "checks nothing" refuses: with a root
        file there, require verifies the chain. This is how a forgotten ~/.postgresql/root.crt stops connections that
        work for everybody else. The remedy is the right root file, and then verify-full; taking the file away only
        makes the client blind again.
        """,
        client="psycopg",
        sslmode="require",
        root="other",
        outcome="refuse",
        refused_by="chain",
        code=19,
    ),
    Story(
        name="missing-root-file",
        story="""
        The connection string names a root file that is not there: a typing error, or a container without the file.
        The client notices only after the server has said S: it closes, and sends no ClientHello. On the wire there
        are nine bytes and a FIN, which looks like a network fault; the server's log complains about an SSL
        connection that it could not accept. The reason stands in the client's message only.
        """,
        client="psycopg",
        sslmode="verify-full",
        root="missing",
        outcome="refuse",
        refused_by="root_file",
    ),
    Story(
        name="garbage-root-prefer",
        story="""
        The download of the root file went wrong, and what was saved as roots.pem is an error page. The client cannot
        use it and closes behind the S. And because this is prefer, it connects a second time in clear and tells the
        user nothing. With no file at all it would at least have encrypted: the spoilt one has switched TLS off.
        """,
        client="psql",
        root="garbage",
        outcome="plaintext",
        refused_by="root_file",
    ),
    Story(
        name="garbage-root-verify-ca",
        story="""
        The same error page as root file, and verify-ca: the client closes behind the S and says what is wrong with the
        file. `openssl x509 -in roots.pem -noout -subject` would have said so before.
        """,
        client="psycopg",
        sslmode="verify-ca",
        root="garbage",
        outcome="refuse",
        refused_by="root_file",
    ),
    Story(
        name="client-certificate-asked",
        story="""
        The server asks for a client certificate (CertificateRequest), the client has none and answers with an empty
        Certificate message, and nothing comes of it: the login goes on with a password. RDS servers ask as well. Being
        asked does not mean that one is needed; that is decided by the clientcert option and the
        cert method in pg_hba.conf. TLS 1.2: all of this can be read without keys.
        """,
        client="psql",
        sslmode="verify-full",
        options="ssl_max_protocol_version=TLSv1.2",
        asks="clients",
        outcome="accept",
    ),
    Story(
        name="client-certificate-required",
        story="""
        Here pg_hba.conf wants a certificate (method cert), and the client has none. TLS does not mind: the handshake
        is completed, the client sends its user name, and only then the server answers with a FATAL error inside the
        encrypted connection. The client had nothing against the server. The remedy is sslcert and sslkey.
        """,
        client="psycopg",
        sslmode="verify-full",
        asks="clients",
        login="certificate",
        outcome="refuse",
        refused_by="server",
    ),
    Story(
        name="client-certificate-given",
        story="""
        Both sides show a certificate. The client sends its own behind the server's Finished, and proves with
        CertificateVerify that it has the key. The server finds the user name in the common name, and asks for no
        password: look for AuthenticationOk directly behind the StartupMessage. In TLS 1.3 the client's certificate
        is encrypted.
        """,
        client="psycopg",
        sslmode="verify-full",
        asks="clients",
        login="certificate",
        identity="known",
        outcome="accept",
    ),
    Story(
        name="client-certificate-given-tls12",
        story="""
        The same login in TLS 1.2. The client's certificate travels in clear: everybody on the way reads who logs in.
        The key stays secret, so nobody can do it in their place. TLS 1.3 hides the name as well.
        """,
        client="psql",
        sslmode="verify-full",
        options="ssl_max_protocol_version=TLSv1.2",
        asks="clients",
        login="certificate",
        identity="known",
        outcome="accept",
    ),
    Story(
        name="client-certificate-refused",
        story="""
        The client's certificate is of a CA that the server does not know. In TLS 1.3 the client is finished before
        the server has looked at that certificate: it sends its StartupMessage, and then reads the alert unknown_ca.
        The alert is encrypted; without keys there is a record of 19 bytes and a close. Mind the direction: the same
        words as when the client refuses a server, but here the server has refused the client.
        """,
        client="psycopg",
        sslmode="verify-full",
        asks="clients",
        login="certificate",
        identity="stranger",
        outcome="refuse",
        refused_by="server",
    ),
    Story(
        name="client-certificate-refused-tls12",
        story="""
        The same refusal in TLS 1.2. Here the server judges the client before it sends its own Finished, and the alert
        unknown_ca is in clear, inside the handshake. The remedy is the same: the CA of the client's certificate has
        to be in the server's ssl_ca_file.
        """,
        client="psql",
        sslmode="verify-full",
        options="ssl_max_protocol_version=TLSv1.2",
        asks="clients",
        login="certificate",
        identity="stranger",
        outcome="refuse",
        refused_by="server",
    ),
    Story(
        name="revoked",
        story="""
        Chain, dates and name are good, but the CA has revoked the certificate, and the client has the revocation
        lists (sslcrl=root.crl). It stops with the alert certificate_revoked (44). Without that file it would have
        connected: libpq asks nobody, it only reads what lies beside it, and a list that is missing is not missed.
        """,
        client="psycopg",
        sslmode="verify-full",
        crl="revokes the server",
        outcome="refuse",
        refused_by="revocation",
        code=23,
    ),
    Story(
        name="crl-of-one-level",
        story="""
        Nothing has been revoked. The client's file holds the list of the subordinate CA, but none of the root; libpq
        wants one for every CA of the chain, finds none for the subordinate's issuer, and refuses a perfectly good
        server with unknown_ca (48). A half-made CRL file stops everything; no CRL file stops nothing.
        """,
        client="psycopg",
        sslmode="verify-full",
        crl="one level",
        outcome="refuse",
        refused_by="revocation",
        code=3,
    ),
    Story(
        name="bytes-behind-s",
        story="""
        Somebody in the middle passes the server's S on and puts 15 bytes of his own behind it: AuthenticationOk and
        ReadyForQuery, "you are in". Then he carries the real TLS connection, of which he can read nothing. A client
        that kept those bytes would read them as if they had come encrypted (CVE-2021-23222). This one completes the
        handshake, verifies everything, finds the bytes, and refuses. Clients older than November 2021 do not: update
        libpq.
        """,
        client="psycopg",
        sslmode="verify-full",
        front="injector",
        outcome="refuse",
        refused_by="injected",
    ),
    Story(
        name="error-answer",
        story="""
        The server's machine cannot start another process, so the server says E and an error instead of S or N. No TLS
        has begun, anybody on the way could have written this text, and libpq therefore does not show it. It gives up,
        even with prefer: an E is no N. The text is in the packets, and in the server's log.
        """,
        client="psycopg",
        front="out of processes",
        outcome="refuse",
        refused_by="negotiation",
    ),
    Story(
        name="gssencrequest",
        story="""
        The user of this psql has logged in with Kerberos, so that it first asks for GSSAPI encryption, whatever the
        sslmode says. This server was built without, answers N, and the client asks for TLS on the same connection.
        One round trip more, nothing else; gssencmode=disable takes the question away.
        """,
        client="psql, with a Kerberos ticket",
        sslmode="verify-full",
        server=18,
        front="kerberos",
        outcome="accept",
    ),
    Story(
        name="gssencrequest-agreed",
        story="""
        The same question, and this server says G. Now the client needs a ticket for the server, but Kerberos knows no
        such server. The client closes without a word and comes back on a second connection with TLS. A first
        connection of nine bytes beside each real one is the trace of a ticket that is of no use here.
        """,
        client="psql, with a Kerberos ticket",
        sslmode="verify-full",
        front="kerberos",
        outcome="accept",
    ),
    Story(
        name="gss-encrypted",
        story="""
        The server says G, Kerberos knows it, and the connection is sealed by GSSAPI: no TLS, no certificate. The
        client has the root of another region and asks for verify-full, the server's certificate is that of
        unsafe-rds, and nobody ever looks at either. The session is not unsafe for that: Kerberos has made sure that the
        server has the key of postgres/my-rds.example.test. But it is another authority that vouches for it, and
        whoever wants the certificate checked says gssencmode=disable.
        """,
        client="psql, with a Kerberos ticket",
        sslmode="verify-full",
        root="other",
        endpoint=SIBLING,
        login="kerberos",
        front="kerberos",
        outcome="accept",
    ),
    Story(
        name="cancel-request",
        story="""
        A client loses patience with its query. To cancel it libpq opens a second connection and sends the number of
        the server's process and the secret key that it got in BackendKeyData. PQcancel, the older function for it, does
        this in clear, however well the first connection is protected: whoever reads these 16 bytes can cancel
        queries of this session. They open nothing else.
        """,
        client="psycopg, cancelling",
        sslmode="verify-full",
        outcome="accept",
    ),
    Story(
        name="cancel-request-tls",
        story="""
        The same with PQcancelCreate, new in libpq 17 (cancel_safe in psycopg). The second connection asks for TLS, verifies
        the server as the first one did, and sends the request inside. Nobody else learns the key.
        """,
        client="psycopg, cancelling inside TLS",
        sslmode="verify-full",
        outcome="accept",
    ),
    Story(
        name="resumption",
        story="""
        The first connection is a full handshake, and the server (a pooler) gives two tickets behind it. The second one
        shows a ticket (pre_shared_key) and is resumed: no Certificate, no CertificateVerify, nothing to check. Who
        is at the other end was settled in the first connection, and the ticket proves that it is the same one. If
        your capture holds only the second, it cannot tell whether anybody was verified. PostgreSQL's current releases
        give no tickets and libpq never resumes; poolers and other clients do.
        """,
        client="pg8000, resuming TLS 1.3",
        sslmode="verify-full",
        host=POOLER,
        endpoint=POOLER,
        issuer="public",
        sends=2,
        front="pgbouncer",
        outcome="accept",
    ),
    Story(
        name="resumption-tls12",
        story="""
        Resumption in TLS 1.2. The NewSessionTicket of the first connection is in clear, and the ClientHello of the second
        carries it in session_ticket. The server goes straight to ChangeCipherSpec and Finished: one round trip less,
        and no certificate on the wire.
        """,
        client="pg8000, resuming TLS 1.2",
        sslmode="verify-full",
        host=POOLER,
        endpoint=POOLER,
        issuer="public",
        sends=2,
        front="pgbouncer",
        outcome="accept",
    ),
    Story(
        name="tls10",
        story="""
        A client that speaks nothing newer than TLS 1.0, and a PostgreSQL 18 that was told to allow it
        (ssl_min_protocol_version=TLSv1). Chain, dates and name are checked as ever. What protects the rest is CBC with
        SHA-1 as TLS 1.0 does it, given up since RFC 8996. The remedy is a new client, and then the server's default,
        TLSv1.2.
        """,
        client="libpq and OpenSSL 1.1.1",
        sslmode="verify-full",
        options="ssl_min_protocol_version=TLSv1 ssl_max_protocol_version=TLSv1",
        server=18,
        settings={"ssl_min_protocol_version": "TLSv1"},
        outcome="accept",
    ),
    Story(
        name="tls10-refused",
        story="""
        The same client at a server with the default settings. The server reads the ClientHello, finds no version that it
        likes, and sends the alert protocol_version (70). No certificate was shown, nothing was verified.
        """,
        client="libpq and OpenSSL 1.1.1",
        sslmode="verify-full",
        options="ssl_min_protocol_version=TLSv1 ssl_max_protocol_version=TLSv1",
        server=18,
        outcome="refuse",
        refused_by="server",
    ),
)
