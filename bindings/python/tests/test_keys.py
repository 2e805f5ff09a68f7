"""SecureBuffer as a key: known answers, what is refused, flags, sealing and lifetimes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import sprint
from conftest import Run, is_expired, until

SALT = b"sixteen-byte-salt"


def filled(content: bytes) -> sprint.SecureBuffer:
    return sprint.SecureBuffer.from_bytearray(bytearray(content))


@pytest.fixture
def key() -> Iterator[sprint.SecureBuffer]:
    with sprint.SecureBuffer.random(32) as key:
        yield key


# --------------------------------------------------------------------------- Ed25519


# RFC 8032, 7.1, tests 1 and 2
@pytest.mark.parametrize(
    ("seed", "public", "message", "signature"),
    [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            b"",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
            "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            b"\x72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
            "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ],
)
def test_ed25519_gives_the_answers_of_rfc_8032(
    seed: str, public: str, message: bytes, signature: str
) -> None:
    with filled(bytes.fromhex(seed)) as secret:
        assert secret.public_key().hex() == public
        assert secret.sign(message).hex() == signature
        assert secret.sign(bytearray(message)).hex() == signature


@pytest.mark.parametrize("length", [1, 31, 33, 64])
def test_a_seed_of_another_size_is_a_crypto_error(length: int) -> None:
    with sprint.SecureBuffer.random(length) as secret:
        with pytest.raises(sprint.CryptoError):
            secret.public_key()
        with pytest.raises(sprint.CryptoError):
            secret.sign(b"message")


# --------------------------------------------------------------------------- AES-GCM


@pytest.mark.parametrize("aad", [b"", b"to", bytes(1000)])
def test_what_is_encrypted_is_opened_here_and_by_openssl(aad: bytes) -> None:
    raw = os.urandom(32)
    with filled(raw) as key:
        sealed = key.encrypt(bytearray(b"message"), memoryview(aad))
        assert len(sealed) == 12 + 7 + 16
        assert AESGCM(raw).decrypt(sealed[:12], sealed[12:], aad) == b"message"
        with key.decrypt(sealed, aad) as plain:
            assert plain.read() == b"message"
        nonce = os.urandom(12)
        with key.decrypt(nonce + AESGCM(raw).encrypt(nonce, b"answer", aad), aad) as plain:
            assert plain.read() == b"answer"


def test_a_nonce_is_used_once(key: sprint.SecureBuffer) -> None:
    assert len({key.encrypt(b"the same")[:12] for _ in range(100)}) == 100


def test_what_was_changed_is_a_crypto_error(key: sprint.SecureBuffer) -> None:
    sealed = key.encrypt(b"message", b"to")
    with sprint.SecureBuffer.random(32) as other:
        changes: list[Callable[[], sprint.SecureBuffer]] = [
            lambda: key.decrypt(sealed, b"from"),
            lambda: key.decrypt(sealed),
            lambda: other.decrypt(sealed, b"to"),
            lambda: key.decrypt(sealed[:-1], b"to"),
            lambda: key.decrypt(sealed[:28], b"to"),
            lambda: key.decrypt(b"", b"to"),
            *(
                lambda at=at: key.decrypt(
                    sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], b"to"
                )
                for at in range(len(sealed))
            ),
        ]
        before = sprint.memory_stats().buffers
        for change in changes:
            with pytest.raises(sprint.CryptoError):
                change()
        assert sprint.memory_stats().buffers == before


def test_the_message_may_be_empty_but_a_secret_may_not(key: sprint.SecureBuffer) -> None:
    sealed = key.encrypt(b"", b"only authenticated")
    assert len(sealed) == 28
    with pytest.raises(sprint.CryptoError):
        key.decrypt(sealed, b"only authenticated")


def test_a_key_of_a_size_that_aes_has_not_is_a_crypto_error() -> None:
    with sprint.SecureBuffer.random(31) as key:
        with pytest.raises(sprint.CryptoError):
            key.encrypt(b"message")
        with pytest.raises(sprint.CryptoError):
            key.decrypt(bytes(64))


def test_openssl_refuses_what_this_library_refuses() -> None:
    """The control of the tests above: a wrong aad fails there too."""
    raw = os.urandom(32)
    with filled(raw) as key:
        sealed = key.encrypt(b"message", b"to")
    with pytest.raises(InvalidTag):
        AESGCM(raw).decrypt(sealed[:12], sealed[12:], b"from")


# ------------------------------------------------------------------------ derivation


def test_hkdf_gives_the_key_of_rfc_5869_case_1() -> None:
    with (
        filled(b"\x0b" * 22) as secret,
        secret.hkdf("sha256", 42, bytes(range(13)), bytes(range(0xF0, 0xFA))) as derived,
    ):
        assert derived.read().hex() == (
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        )


def test_hkdf_gives_the_key_of_rfc_5869_case_3() -> None:
    """Without salt and info."""
    with filled(b"\x0b" * 22) as secret, secret.hkdf("sha256", 42) as derived:
        assert derived.read().hex() == (
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
        )


def test_hkdf_gives_255_digests_at_most(key: sprint.SecureBuffer) -> None:
    for hash, size in (("sha256", 32), ("sha384", 48), ("sha512", 64)):
        with key.hkdf(hash, 255 * size) as derived:  # type: ignore[arg-type]
            assert len(derived) == 255 * size
        for length in (0, 255 * size + 1):
            with pytest.raises(sprint.ArgumentError):
                key.hkdf(hash, length)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'md5' is none of"):
        key.hkdf("md5", 32)  # type: ignore[arg-type]


@pytest.mark.parametrize("hash", ["sha256", "sha384", "sha512"])
def test_pbkdf2_is_that_of_the_standard_library(hash: str, run: Run) -> None:
    with (
        filled(b"password") as password,
        run(lambda: password.pbkdf2(hash, SALT, 100_000, 40)) as derived,  # type: ignore[arg-type]
    ):
        assert derived.read() == hashlib.pbkdf2_hmac(hash, b"password", SALT, 100_000, 40)


@pytest.mark.parametrize(
    ("salt", "iterations", "length"),
    [(bytes(15), 100_000, 32), (SALT, 99_999, 32), (SALT, 0, 32), (SALT, 100_000, 0)],
)
def test_pbkdf2_has_floors(run: Run, salt: bytes, iterations: int, length: int) -> None:
    with filled(b"password") as password, pytest.raises(sprint.ArgumentError):
        run(lambda: password.pbkdf2("sha256", salt, iterations, length))


@pytest.mark.parametrize("iterations", [-1, 1 << 32])
def test_iterations_that_ctypes_would_cut_off_are_refused(iterations: int) -> None:
    with filled(b"password") as password, pytest.raises(ValueError, match="iterations"):
        password.pbkdf2("sha256", SALT, iterations, 32)


# ---------------------------------------------------------------- flags, seals, ends


def test_every_flag_is_taken_by_all_that_makes_a_buffer(key: sprint.SecureBuffer) -> None:
    sealed = key.encrypt(b"message")
    for bits in range(8):
        flags: sprint.BufferFlags = {
            "fast": bool(bits & 1),
            "noaccess": bool(bits & 2),
            "degrade": bool(bits & 4),
        }
        for made in (
            sprint.SecureBuffer(32, **flags),
            sprint.SecureBuffer.random(32, **flags),
            sprint.SecureBuffer.from_bytearray(bytearray(32), **flags),
            key.decrypt(sealed, **flags),
            key.hkdf("sha256", 32, **flags),
        ):
            with made, made.open() as view:
                assert len(view) == len(made)
    with key.pbkdf2("sha256", SALT, 100_000, 16, fast=True, noaccess=True) as derived:
        assert len(derived) == 16


def test_an_unknown_flag_is_a_type_error_and_wipes_nothing() -> None:
    source = bytearray(b"kept")
    with pytest.raises(TypeError, match="no flag 'quick'"):
        sprint.SecureBuffer.from_bytearray(source, quick=True)  # type: ignore[call-arg]
    assert source == b"kept"


def test_a_sealed_secret_comes_back_when_it_is_used() -> None:
    with filled(b"sealed") as secret:
        before = sprint.memory_stats().sealed
        with secret.open(), pytest.raises(sprint.StateError):
            secret.seal()
        secret.seal()
        secret.seal()
        assert sprint.memory_stats().sealed == before + 1
        assert secret.read() == b"sealed"
        assert sprint.memory_stats().sealed == before
        secret.seal()
    assert sprint.memory_stats().sealed == before


def test_an_expired_secret_is_gone_for_every_use() -> None:
    with sprint.SecureBuffer.random(32) as secret:
        secret.expire_after(60)
        assert not is_expired(secret)
        secret.expire_after(0.000001)  # later calls move the end; rounded up to 1 ms
        until(lambda: is_expired(secret))
        uses: list[Callable[[], object]] = [
            secret.seal,
            secret.public_key,
            lambda: secret.expire_after(60),
            lambda: secret.open().__enter__(),
            lambda: secret.sign(b""),
            lambda: secret.hmac("sha256", b""),
            lambda: secret.encrypt(b""),
            lambda: secret.decrypt(bytes(29)),
            lambda: secret.hkdf("sha256", 32),
            lambda: secret.pbkdf2("sha256", SALT, 100_000, 32),
            lambda: sprint.equal(secret, secret),
        ]
        for use in uses:
            with pytest.raises(sprint.SecretExpired):
                use()


def test_a_borrow_outlives_the_lifetime() -> None:
    with filled(b"held") as secret:
        with secret.open() as view:
            secret.expire_after(0.001)
            until(lambda: is_expired(secret))
            assert bytes(view) == b"held"
        assert is_expired(secret)


def test_a_lifetime_is_above_zero_and_may_be_for_ever(key: sprint.SecureBuffer) -> None:
    with pytest.raises(sprint.ArgumentError):
        key.expire_after(0)
    for seconds in (-1, float("nan")):
        with pytest.raises(ValueError, match="seconds"):
            key.expire_after(seconds)
    for seconds in (1e12, float("inf")):
        key.expire_after(seconds)
        assert not is_expired(key)


def test_after_close_every_use_is_a_handle_error() -> None:
    secret = sprint.SecureBuffer.random(32)
    secret.close()
    uses: list[Callable[[], object]] = [
        secret.seal,
        secret.public_key,
        lambda: secret.expire_after(1),
        lambda: secret.sign(b""),
        lambda: secret.encrypt(b""),
        lambda: secret.decrypt(bytes(29)),
        lambda: secret.hkdf("sha256", 32),
        lambda: secret.pbkdf2("sha256", SALT, 100_000, 32),
    ]
    for use in uses:
        with pytest.raises(sprint.HandleError):
            use()
