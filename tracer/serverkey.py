"""A server's RSA key: it opens the pre-master secrets that were encrypted to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tracer.errors import TracerError

HINT = "it opens TLS up to 1.2 with a cipher suite named TLS_RSA_…, and nothing else"


def load(path: str) -> Callable[[bytes], bytes | None]:
    """A function that decrypts with the RSA key of a PEM file; None is what it cannot. Raises `TracerError`."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(Path(path).read_bytes(), None)
    except OSError as error:
        raise TracerError(f"server key {path}: {(error.strerror or str(error)).lower()}", HINT) from None
    except TypeError:
        raise TracerError(
            f"server key {path} is encrypted", "openssl pkey -in KEY -out PLAIN takes the password off"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise TracerError(f"server key {path} is no private key in PEM", HINT) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TracerError(f"server key {path} is no RSA key", HINT)

    def decrypt(sealed: bytes) -> bytes | None:
        try:
            return key.decrypt(sealed, padding.PKCS1v15())
        except ValueError:
            return None

    return decrypt
