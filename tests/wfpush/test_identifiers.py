"""Identifiers that sort by time, whatever the clock and the threads do."""

import os
import threading
import time
from itertools import pairwise
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from wfpush.identifiers import Uuid7Generator, uuid7

MOMENT = 0x019A_BCDE_F012


def milliseconds_of(identifier: UUID) -> int:
    return identifier.int >> 80


def test_an_identifier_is_a_uuid_of_version_7_made_now() -> None:
    before = time.time_ns() // 1_000_000
    identifier = uuid7()
    after = time.time_ns() // 1_000_000

    assert (identifier.version, identifier.variant) == (7, RFC_4122)
    assert before <= milliseconds_of(identifier) <= after + 1


def test_the_bits_lie_where_the_rfc_puts_them() -> None:
    bits = iter([0x155_5555_5555, 0xDEADBEEF])
    generate = Uuid7Generator(lambda: MOMENT, lambda _: next(bits))

    # 42 bits of counter: the upper 12 as rand_a, the lower 30 after the variant's two bits.
    assert str(generate()) == "019abcde-f012-7555-9555-5555deadbeef"


@given(clock=st.lists(st.integers(min_value=0, max_value=2**48 - 2), min_size=2))
def test_each_is_greater_than_the_one_before_even_if_the_clock_is_set_back(clock: list[int]) -> None:
    ticks = iter(clock)
    generate = Uuid7Generator(lambda: next(ticks))

    made = [generate() for _ in clock]

    assert all(earlier < later for earlier, later in pairwise(made))


def test_when_a_millisecond_is_full_the_next_one_begins() -> None:
    generate = Uuid7Generator(lambda: MOMENT, lambda bits: (1 << bits) - 1)
    first = generate()
    generate._counter = (1 << 42) - 1

    second = generate()

    assert milliseconds_of(second) == milliseconds_of(first) + 1
    assert first < second
    assert (second.version, second.variant) == (7, RFC_4122)


def test_threads_never_get_the_same_and_each_sees_its_own_grow() -> None:
    made: list[list[UUID]] = [[] for _ in range(4)]

    def make(mine: list[UUID]) -> None:
        mine.extend(uuid7() for _ in range(5000))

    threads = [threading.Thread(target=make, args=(mine,)) for mine in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({identifier for mine in made for identifier in mine}) == 20_000
    assert all(mine == sorted(mine) for mine in made)


def test_a_forked_child_counts_for_itself_even_if_a_thread_held_the_lock() -> None:
    generate = Uuid7Generator(lambda: MOMENT)
    before = generate()
    with generate._lock:  # what the operating system's fork leaves behind: a lock held by nobody alive
        generate.after_fork()
        assert not generate._lock.locked()
        assert before < generate()


def test_a_real_fork_shares_no_identifiers() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"".join(uuid7().bytes for _ in range(100)))
        os._exit(0)
    os.close(writing)
    mine = {uuid7() for _ in range(100)}
    with os.fdopen(reading, "rb") as pipe:
        raw = pipe.read()
    os.waitpid(child, 0)
    theirs = {UUID(bytes=raw[start : start + 16]) for start in range(0, len(raw), 16)}

    assert len(theirs) == 100
    assert not mine & theirs


def test_a_forked_child_has_randomness_of_its_own() -> None:
    generate = Uuid7Generator(lambda: MOMENT)
    generate()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        generate.after_fork()
        os.write(writing, b"%d" % (generate().int & 0xFFFF_FFFF))
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(reading, 100)) != generate().int & 0xFFFF_FFFF
