"""SecureBuffer: moving secrets in, using them in place, borrowing the memory."""

from __future__ import annotations

import copy
import hashlib
import hmac
import pickle
import threading
from array import array

import pytest

import sprint


def test_a_new_buffer_is_zeros() -> None:
    with sprint.SecureBuffer(100) as secret:
        assert len(secret) == 100
        assert secret.read() == bytes(100)


@pytest.mark.parametrize("length", [0, (1 << 30) + 1, (1 << 63) - 1])
def test_a_size_out_of_range_is_an_argument_error(length: int) -> None:
    with pytest.raises(sprint.ArgumentError):
        sprint.SecureBuffer(length)
    with pytest.raises(sprint.ArgumentError):
        sprint.SecureBuffer.random(length)


@pytest.mark.parametrize("length", [-1, 1 << 64, (1 << 64) + 5])
def test_a_size_that_ctypes_would_cut_off_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="length"):
        sprint.SecureBuffer(length)


def test_from_bytearray_moves_and_wipes_the_source() -> None:
    source = bytearray(b"not a real secret")
    with sprint.SecureBuffer.from_bytearray(source) as secret:
        assert secret.read() == b"not a real secret"
    assert source == bytes(17)


def test_from_bytearray_takes_part_of_a_larger_buffer() -> None:
    source = bytearray(b"head:secret:tail")
    with sprint.SecureBuffer.from_bytearray(memoryview(source)[5:11]) as secret:
        assert secret.read() == b"secret"
    assert source == b"head:\0\0\0\0\0\0:tail"


def test_from_bytearray_refuses_what_it_could_not_wipe() -> None:
    with pytest.raises((BufferError, TypeError)):
        sprint.SecureBuffer.from_bytearray(b"immutable")


def test_from_bytearray_of_nothing_is_an_argument_error() -> None:
    with pytest.raises(sprint.ArgumentError):
        sprint.SecureBuffer.from_bytearray(bytearray())


def test_random_buffers_differ() -> None:
    with sprint.SecureBuffer.random(32) as a, sprint.SecureBuffer.random(32) as b:
        assert a.read() != b.read()
        assert not sprint.equal(a, b)
        assert sprint.equal(a, a)


def test_equal_is_about_content_and_length() -> None:
    def filled(content: bytes) -> sprint.SecureBuffer:
        return sprint.SecureBuffer.from_bytearray(bytearray(content))

    with filled(b"abc") as a, filled(b"abc") as b, filled(b"abcd") as longer:
        assert sprint.equal(a, b)
        assert not sprint.equal(a, longer)
        assert a != b  # == is identity: comparing secrets is a call with a name


def test_read_and_write_take_an_offset() -> None:
    with sprint.SecureBuffer(10) as secret:
        secret.write(b"abc", offset=4)
        assert secret.read(4, 3) == b"abc"
        assert secret.read(3) == b"\0abc\0\0\0"
        target = bytearray(2)
        secret.read_into(target, 5)
        assert target == b"bc"
        secret.write(b"", 10)
        assert secret.read(10) == b""


@pytest.mark.parametrize("offset", [8, 10, 11, (1 << 63) - 1])
def test_reading_or_writing_past_the_end_is_an_argument_error(offset: int) -> None:
    with sprint.SecureBuffer(10) as secret:
        with pytest.raises(sprint.ArgumentError):
            secret.write(b"abc", offset)
        with pytest.raises(sprint.ArgumentError):
            secret.read(offset, 3)


# RFC 4231, test cases 1, 2 and 6
@pytest.mark.parametrize(
    ("key", "message"),
    [
        (b"\x0b" * 20, b"Hi There"),
        (b"Jefe", b"what do ya want for nothing?"),
        (b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First"),
        (b"k", b""),
    ],
)
def test_hmac_is_that_of_the_standard_library(key: bytes, message: bytes) -> None:
    with sprint.SecureBuffer.from_bytearray(bytearray(key)) as secret:
        assert secret.hmac("sha256", message) == hmac.digest(key, message, hashlib.sha256)
        assert secret.hmac("sha384", bytearray(message)) == hmac.digest(key, message, "sha384")
        assert secret.hmac("sha512", memoryview(message)) == hmac.digest(key, message, "sha512")


def test_hmac_knows_three_hashes() -> None:
    with sprint.SecureBuffer(1) as secret, pytest.raises(ValueError, match="'md5' is none of"):
        secret.hmac("md5", b"")  # type: ignore[arg-type]


def test_any_contiguous_buffer_can_be_written() -> None:
    numbers = array("I", [1, 2, 3])
    with sprint.SecureBuffer(12) as secret:
        secret.write(numbers)
        assert secret.read() == numbers.tobytes()
        with pytest.raises(BufferError):
            secret.write(memoryview(b"abcdef")[::2])
        with pytest.raises(TypeError):
            secret.write("text")  # type: ignore[arg-type]


def test_a_write_borrow_is_the_memory_itself() -> None:
    with sprint.SecureBuffer(4) as secret:
        with secret.open(write=True) as view:
            assert not view.readonly
            view[:] = b"abcd"
            view[0] = ord("A")
        assert secret.read() == b"Abcd"


def test_a_read_borrow_cannot_be_written() -> None:
    with sprint.SecureBuffer(4) as secret, secret.open() as view:
        assert view.readonly
        with pytest.raises(TypeError):
            view[0] = 1


def test_the_view_dies_with_the_block() -> None:
    with sprint.SecureBuffer(4) as secret:
        with secret.open() as view:
            assert bytes(view) == bytes(4)
        with pytest.raises(ValueError, match="released"):
            bytes(view)


def test_readers_share_and_a_writer_is_alone() -> None:
    with sprint.SecureBuffer(4) as secret:
        with secret.open() as first, secret.open() as second:
            assert bytes(first) == bytes(second)
            with pytest.raises(sprint.StateError), secret.open(write=True):
                pass
            with pytest.raises(sprint.StateError):
                secret.write(b"x")
            assert secret.read() == bytes(4)
        with secret.open(write=True):
            with pytest.raises(sprint.StateError), secret.open():
                pass
            with pytest.raises(sprint.StateError):
                secret.read()
            with pytest.raises(sprint.StateError):
                secret.hmac("sha256", b"")
        secret.write(b"x")


def test_a_slice_that_outlives_the_block_keeps_the_borrow_and_is_reported() -> None:
    with sprint.SecureBuffer.from_bytearray(bytearray(b"abcd")) as secret:
        with pytest.raises(BufferError, match="still in use"), secret.open() as view:
            part = view[1:3]
        assert bytes(part) == b"bc"
        with pytest.raises(sprint.StateError), secret.open(write=True):
            pass
        del part
        with secret.open(write=True):  # the borrow ended with its last view
            pass


def test_an_object_that_exports_the_view_is_reported_too() -> None:
    with sprint.SecureBuffer(4) as secret:
        with pytest.raises(BufferError), secret.open(write=True) as view:
            wrapper = memoryview(view).cast("H")
        wrapper[0] = 0x4141
        del wrapper, view
        assert secret.read() == b"AA\0\0"


def test_an_exception_in_the_block_is_not_replaced_by_the_report() -> None:
    with sprint.SecureBuffer(4) as secret:
        parts = []

        def fail(part: memoryview) -> None:
            parts.append(part)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError), secret.open() as view:
            fail(view[1:])
        parts.clear()
        with secret.open(write=True):
            pass


def test_freeing_an_open_buffer_leaves_the_borrow_valid() -> None:
    before = sprint.memory_stats().buffers
    secret = sprint.SecureBuffer.from_bytearray(bytearray(b"abcd"))
    with secret.open() as view:
        secret.close()
        assert bytes(view) == b"abcd"
        with pytest.raises(sprint.HandleError):
            secret.read()
    assert sprint.memory_stats().buffers == before


def test_a_borrow_of_a_temporary_keeps_its_memory() -> None:
    with sprint.SecureBuffer.from_bytearray(bytearray(b"abcd")).open() as view:
        assert bytes(view) == b"abcd"


def test_a_borrow_is_entered_once() -> None:
    with sprint.SecureBuffer(4) as secret:
        borrow = secret.open()
        with borrow, pytest.raises(ValueError, match="once"):
            borrow.__enter__()
        with secret.open(write=True):
            pass


def test_after_close_every_use_is_a_handle_error_and_close_is_idempotent() -> None:
    secret = sprint.SecureBuffer(4)
    assert not secret.closed
    secret.close()
    secret.close()
    assert secret.closed
    for use in (
        secret.read,
        lambda: secret.write(b"x"),
        lambda: secret.hmac("sha256", b""),
        lambda: secret.open().__enter__(),
        lambda: sprint.equal(secret, secret),
    ):
        with pytest.raises(sprint.HandleError):
            use()


def test_a_handle_cannot_be_duplicated() -> None:
    with sprint.SecureBuffer(4) as secret:
        for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot be copied or pickled"):
                duplicate(secret)


def test_repr_tells_no_content() -> None:
    with sprint.SecureBuffer.from_bytearray(bytearray(b"content")) as secret:
        assert repr(secret) == "<SecureBuffer of 7 bytes>"
    assert repr(secret) == "<SecureBuffer of 7 bytes, closed>"


def test_wipe_overwrites_and_refuses_what_is_read_only() -> None:
    target = bytearray(b"x" * 1000)
    sprint.wipe(target)
    assert target == bytes(1000)
    sprint.wipe(bytearray())
    with pytest.raises((BufferError, TypeError)):
        sprint.wipe(b"immutable")


def test_memory_stats_count_what_lives() -> None:
    before = sprint.memory_stats()
    with sprint.SecureBuffer(4096):
        during = sprint.memory_stats()
        assert during.buffers == before.buffers + 1
        assert during.locked_bytes >= 4096
        assert during.backend in (1, 2)
        assert during.enabled == 1
    assert sprint.memory_stats().buffers == before.buffers


def test_a_buffer_that_is_dropped_is_freed() -> None:
    before = sprint.memory_stats().buffers
    sprint.SecureBuffer(32)
    assert sprint.memory_stats().buffers == before


def test_threads_may_share_a_buffer() -> None:
    with sprint.SecureBuffer.from_bytearray(bytearray(b"key")) as secret:
        want = hmac.digest(b"key", b"message", "sha256")
        got: list[bytes] = []

        def work() -> None:
            for _ in range(200):
                with secret.open() as view:
                    assert bytes(view) == b"key"
                got.append(secret.hmac("sha256", b"message"))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert got == [want] * 1600
