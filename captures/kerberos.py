"""A Kerberos realm for a story: a key distribution center, a user who has logged in, and perhaps the server's key.

Needs krb5-kdc, krb5-admin-server and krb5-user. Everything but that key is in the client's folder.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import stage

PORT = 8888
REALM = "EXAMPLE.TEST"
KRB5_CONF = """\
[libdefaults]
default_realm = {realm}
dns_lookup_kdc = false
dns_canonicalize_hostname = false
rdns = false
[realms]
{realm} = {{
    kdc = 127.0.0.1:{port}
}}
"""
KDC_CONF = """\
[kdcdefaults]
kdc_ports = {port}
kdc_tcp_ports = {port}
[realms]
{realm} = {{
    database_name = {folder}/principals
    key_stash_file = {folder}/stash
}}
"""


@contextmanager
def realm(folder: Path) -> Iterator[None]:
    """A realm with a user who has a ticket."""
    for name, text in {"krb5.conf": KRB5_CONF, "kdc.conf": KDC_CONF}.items():
        (folder / name).write_text(text.format(realm=REALM, port=PORT, folder=folder))
    administer(folder, ["kdb5_util", "create", "-s", "-P", stage.PASSWORD, "-r", REALM])
    administer(folder, ["kadmin.local", "addprinc", "-pw", stage.PASSWORD, stage.USER])
    log = folder / "kdc.log"
    with log.open("wb") as output:
        kdc = subprocess.Popen([program("krb5kdc"), "-n"], env=variables(folder), stdout=output, stderr=output)
    try:
        stage.wait_until(lambda: "starting" in log.read_text(), kdc, lambda: f"no KDC:\n{log.read_text()}")
        administer(folder, ["kinit", stage.USER], answer=stage.PASSWORD + "\n")
        yield
    finally:
        stage.stop(kdc, signal.SIGTERM)


@contextmanager
def server_key(folder: Path, host: str) -> Iterator[Path]:
    """Make the realm know a PostgreSQL server, and give the file with the server's key."""
    with stage.owned_folder() as owned:
        keytab = owned / "keytab"
        administer(folder, ["kadmin.local", "addprinc", "-randkey", f"postgres/{host}"])
        administer(folder, ["kadmin.local", "ktadd", "-k", str(keytab), f"postgres/{host}"])
        stage.give_to_nobody(keytab)
        yield keytab


def variables(folder: Path) -> dict[str, str]:
    """What makes a program see this realm, and this user's ticket."""
    return {
        "PATH": os.defpath,
        "KRB5_CONFIG": f"{folder}/krb5.conf",
        "KRB5_KDC_PROFILE": f"{folder}/kdc.conf",
        "KRB5CCNAME": f"FILE:{folder}/ticket",
    }


def administer(folder: Path, command: list[str], answer: str = "") -> None:
    done = subprocess.run(
        [program(command[0]), *command[1:]],
        check=False,
        env=variables(folder),
        input=answer,
        capture_output=True,
        text=True,
        timeout=stage.PATIENCE,
    )
    if done.returncode != 0:
        raise stage.StageError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def program(name: str) -> str:
    """The path of one of Kerberos's programs."""
    found = shutil.which(name, path=f"{os.defpath}:/usr/sbin:/sbin")
    if found is None:
        raise stage.StageError(f"{name} is not here: apt-get install krb5-kdc krb5-admin-server krb5-user")
    return found


def version() -> str:
    """The version number that klist tells."""
    return stage.run([program("klist"), "-V"]).split()[-1]
