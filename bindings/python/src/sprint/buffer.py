"""SecureBuffer: a secret in locked, guarded memory that is used in place."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_int32, c_size_t, c_uint8, c_uint32
from typing import TYPE_CHECKING, Literal, TypedDict

from . import _native
from ._borrow import READ, WRITE, Borrow
from ._handle import Handle
from ._memory import pinned
from ._wait import interruptible

if TYPE_CHECKING:
    from typing_extensions import Buffer, Unpack

Hash = Literal["sha256", "sha384", "sha512"]

_HASHES: dict[str, tuple[int, int]] = {  # SPRINT_HASH_*, size of the tag
    "sha256": (1, 32),
    "sha384": (2, 48),
    "sha512": (3, 64),
}
_FLAGS: dict[str, int] = {"fast": 1, "noaccess": 2, "degrade": 4}  # SPRINT_BUFFER_*
_ENCRYPT_OVERHEAD = 28  # nonce and tag


class BufferFlags(TypedDict, total=False):
    """Keyword arguments of what makes a :class:`SecureBuffer`. By default the pages of a
    freed buffer have no access, so that a stale pointer faults."""

    fast: bool
    """Pages stay mapped, wiped, while free: no system call."""
    noaccess: bool
    """No access to the pages unless open or in use by a call."""
    degrade: bool
    """At the limit of locked memory take unlocked memory rather than fail."""


class SecureBuffer(Handle):
    """``SecureBuffer(length)``: 1 byte to 1 GiB of locked, guarded zeros. The keywords, here
    and of all that makes a buffer, are those of :class:`BufferFlags`.

    Raises ArgumentError for the size, LockedMemoryError at the limit of locked memory.
    Any thread may use a buffer at any time. ``close`` or the end of a ``with`` block
    wipes and frees it.
    """

    __slots__ = ("_length",)
    _free = "sprint_buffer_free"

    def __init__(self, length: int, **flags: Unpack[BufferFlags]) -> None:
        super().__init__(0)
        out = _native.handle()
        _native.lib().sprint_buffer_alloc(_native.size("length", length), _flags(flags), byref(out))
        self._own(out.value)

    def _own(self, handle: int) -> None:
        self._handle = handle
        length = c_size_t()
        _native.lib().sprint_buffer_len(handle, byref(length))
        self._length = length.value

    @classmethod
    def _made(cls, function: str, *args: int | None) -> SecureBuffer:
        """The buffer that a function of the library makes."""
        out = _native.handle()
        getattr(_native.lib(), function)(*args, byref(out))
        self = cls.__new__(cls)
        self._own(out.value)
        return self

    @classmethod
    def from_bytearray(cls, secret: Buffer, **flags: Unpack[BufferFlags]) -> SecureBuffer:
        """Move a secret out of a bytearray or another writable buffer, which is wiped,
        also when the limit of locked memory is hit."""
        bits = _flags(flags)
        with pinned(secret, writable=True) as (address, length):
            return cls._made("sprint_buffer_from", address, length, bits)

    @classmethod
    def random(cls, length: int, **flags: Unpack[BufferFlags]) -> SecureBuffer:
        """A buffer filled by the kernel's random generator."""
        return cls._made("sprint_buffer_random", _native.size("length", length), _flags(flags))

    def __len__(self) -> int:
        return self._length

    def __repr__(self) -> str:
        return f"<SecureBuffer of {self._length} bytes{', closed' if self.closed else ''}>"

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """Copy bytes out, to the end if no length is given. The copy is ordinary memory
        that Python never wipes: prefer :meth:`open`, :meth:`read_into` or :meth:`hmac`."""
        offset = _native.size("offset", offset)
        copy = bytearray(max(self._length - offset, 0) if length is None else length)
        self.read_into(copy, offset)
        result = bytes(copy)
        wipe(copy)
        return result

    def read_into(self, target: Buffer, offset: int = 0) -> None:
        """Fill a writable buffer with the bytes from ``offset`` on."""
        offset = _native.size("offset", offset)
        with pinned(target, writable=True) as (address, length):
            _native.lib().sprint_buffer_read(self._handle, offset, address, length)

    def write(self, data: Buffer, offset: int = 0) -> None:
        """Copy bytes in; ``data`` is not wiped. StateError while the buffer is open."""
        offset = _native.size("offset", offset)
        with pinned(data) as (address, length):
            _native.lib().sprint_buffer_write(self._handle, offset, address, length)

    def open(self, write: bool = False) -> Borrow:
        """Borrow the guarded memory: ``with secret.open() as view:`` gives a memoryview.

        Readers share; a writer is alone: StateError at once if another borrow conflicts.
        The view ends with the block. If something made from it (a slice, an array) is
        still alive then, the block raises BufferError and the borrow goes on until that
        is gone, so it can never point at memory that is not there any more.
        """
        return Borrow(self, WRITE if write else READ)

    def protection(self) -> tuple[int, bool]:
        """The BACKEND_* that keeps the pages from others, BACKEND_AUTO while it is sealed or
        in unlocked pages, and whether they are locked.
        """
        backend, locked = c_uint32(), c_uint32()
        _native.lib().sprint_buffer_protection(self._handle, byref(backend), byref(locked))
        return backend.value, locked.value == 1

    def seal(self) -> None:
        """Encrypt a secret that is not used for a while: it leaves locked memory, and the
        next call that needs it brings it back. Idempotent.

        Raises StateError (open or in use), LockedMemoryError, SecretExpired.
        """
        _native.lib().sprint_buffer_seal(self._handle)

    def expire_after(self, seconds: float) -> None:
        """Give the secret a lifetime, above 0, from now on; a later call moves the end. When
        it is over the secret is wiped, or when the last borrow ends, and every use is
        SecretExpired. The buffer still has to be closed."""
        limit = _native.milliseconds(seconds, "seconds")
        _native.lib().sprint_buffer_expire_after(self._handle, limit)

    # ----------------------------------------------------- the key, used where it lies

    def hmac(self, hash: Hash, message: Buffer) -> bytes:
        """HMAC (RFC 2104) of a message with this buffer as the key, used in place."""
        number, size = _hash(hash)
        tag = ctypes.create_string_buffer(size)
        with pinned(message) as (address, length):
            _native.lib().sprint_buffer_hmac(self._handle, number, address, length, tag, size, None)
        return tag.raw

    def public_key(self) -> bytes:
        """The Ed25519 public key (RFC 8032) of this buffer, a seed of 32 bytes. CryptoError
        for another size."""
        key = (c_uint8 * 32)()
        _native.lib().sprint_buffer_public_ed25519(self._handle, key)
        return bytes(key)

    def sign(self, message: Buffer) -> bytes:
        """The Ed25519 signature (RFC 8032) of a message, 64 bytes, with this buffer as the
        seed. CryptoError if that is not 32 bytes."""
        signature = (c_uint8 * 64)()
        with pinned(message) as (address, length):
            _native.lib().sprint_buffer_sign_ed25519(self._handle, address, length, signature)
        return bytes(signature)

    def encrypt(self, plain: Buffer, aad: Buffer = b"") -> bytes:
        """Encrypt with AES-GCM, this buffer being the key: a fresh nonce of 12 bytes, the
        ciphertext, a tag of 16. ``aad`` is authenticated and not in the result.

        Raises CryptoError for the size of the key.
        """
        with pinned(aad) as (aad_at, aad_length), pinned(plain) as (address, length):
            sealed = bytearray(length + _ENCRYPT_OVERHEAD)
            with pinned(sealed, writable=True) as (out, cap):
                _native.lib().sprint_buffer_encrypt(
                    self._handle, aad_at, aad_length, address, length, out, cap, None
                )
        return bytes(sealed)

    def decrypt(
        self, sealed: Buffer, aad: Buffer = b"", **flags: Unpack[BufferFlags]
    ) -> SecureBuffer:
        """Decrypt what :meth:`encrypt` made, with the same ``aad``, straight into a new
        buffer. An empty secret has none.

        Raises CryptoError if key, message or ``aad`` is not what was encrypted.
        """
        bits = _flags(flags)
        with pinned(aad) as (aad_at, aad_length), pinned(sealed) as (address, length):
            return self._made(
                "sprint_buffer_decrypt", self._handle, aad_at, aad_length, address, length, bits
            )

    def hkdf(
        self,
        hash: Hash,
        length: int,
        salt: Buffer = b"",
        info: Buffer = b"",
        **flags: Unpack[BufferFlags],
    ) -> SecureBuffer:
        """Derive a new buffer of ``length`` bytes, at most 255 digests, with HKDF (RFC 5869,
        extract and expand)."""
        number, _ = _hash(hash)
        length, bits = _native.size("length", length), _flags(flags)
        with pinned(salt) as salted, pinned(info) as informed:
            return self._made(
                "sprint_buffer_hkdf", self._handle, number, *salted, *informed, length, bits
            )

    def pbkdf2(
        self, hash: Hash, salt: Buffer, iterations: int, length: int, **flags: Unpack[BufferFlags]
    ) -> SecureBuffer:
        """Derive a new buffer of ``length`` bytes from a password, this buffer, with PBKDF2
        (RFC 8018). It takes as long as ``iterations`` say; Ctrl-C acts at once.

        ``salt``: random, another one for each password, at least 16 bytes.
        ``iterations``: at least 100000; OWASP gives 600000 for SHA-256, 210000 for SHA-512.
        Less of either is an ArgumentError.
        """
        number, _ = _hash(hash)
        rounds = _native.count("iterations", iterations)
        length, bits = _native.size("length", length), _flags(flags)

        def derive() -> SecureBuffer:
            with pinned(salt) as salted:
                return self._made(
                    "sprint_buffer_pbkdf2", self._handle, number, *salted, rounds, length, bits
                )

        return interruptible(derive, SecureBuffer.close)

    def close(self) -> None:
        """Wipe and free the buffer; an open borrow keeps the memory until it ends.
        Idempotent."""
        self._drop(self._free)


def _hash(name: str) -> tuple[int, int]:
    if name not in _HASHES:
        raise ValueError(f"hash: {name!r} is none of {', '.join(_HASHES)}")
    return _HASHES[name]


def _flags(given: BufferFlags) -> int:
    bits = 0
    for name, on in given.items():
        if name not in _FLAGS:
            raise TypeError(f"SecureBuffer has no flag {name!r}")
        bits |= _FLAGS[name] if on else 0
    return bits


def equal(a: SecureBuffer, b: SecureBuffer) -> bool:
    """Compare two buffers in constant time. Different lengths are not equal."""
    result = c_int32()
    _native.lib().sprint_buffer_equal(a._handle, b._handle, byref(result))
    return bool(result.value)


def wipe(target: Buffer) -> None:
    """Overwrite a bytearray or another writable buffer with zeros."""
    with pinned(target, writable=True) as (address, length):
        _native.wipe(address, length)
