"""What files say, while they change."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from servicekit.following import MAX_BYTES, Followed, Read


class Numbers:
    """The sum of a file with a number, and of the file that it names."""

    def __init__(self, folder: Path) -> None:
        self.first, self.second, self.third = (folder / name for name in ("first", "second", "third"))
        self.first.write_text("1 second")
        self.second.write_text("10")
        self.what = uuid4().hex
        self.followed = Followed(self.what, self._load)

    def _load(self, read: Read) -> int:
        number, _, name = read(self.first).decode().partition(" ")
        return int(number) + int(read(self.first.with_name(name)))

    @property
    def in_force(self) -> bool:
        """Whether the metric says that what is in force is what the files say."""
        return bool(REGISTRY.get_sample_value("playscore_reload_successful", {"what": self.what}))


@pytest.fixture
def numbers(tmp_path: Path) -> Numbers:
    return Numbers(tmp_path)


def test_what_changes_is_taken_over_and_nothing_else_is_new(numbers: Numbers) -> None:
    assert (numbers.followed.value, numbers.in_force) == (11, True)
    assert not numbers.followed.look()
    numbers.second.write_text("20")
    assert numbers.followed.look()
    assert numbers.followed.value == 21
    numbers.third.write_text("30")
    assert not numbers.followed.look()
    numbers.first.write_text("1 third")
    assert numbers.followed.look()
    assert numbers.followed.value == 31
    numbers.second.write_text("99")
    assert not numbers.followed.look(), "it is no longer named"


@pytest.mark.parametrize("broken", ["1 nowhere", "one second", "1 second\0", "x" * (MAX_BYTES + 1)])
def test_files_that_are_no_use_change_nothing_until_they_are_mended(numbers: Numbers, broken: str) -> None:
    numbers.first.write_text(broken)
    for _ in range(2):
        assert not numbers.followed.look()
        assert (numbers.followed.value, numbers.in_force) == (11, False)
    numbers.first.write_text("2 second")
    assert numbers.followed.look()
    assert (numbers.followed.value, numbers.in_force) == (12, True)


def test_a_file_that_is_gone_is_missed_and_found_again(numbers: Numbers) -> None:
    numbers.second.unlink()
    assert not numbers.followed.look()
    assert not numbers.in_force
    numbers.second.write_text("10")
    assert numbers.followed.look()
    assert numbers.in_force


def test_links_may_be_exchanged_as_where_a_volume_is_mounted(tmp_path: Path) -> None:
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "number").write_text(version)
    link = tmp_path / "data"
    link.symlink_to("1")
    followed = Followed(uuid4().hex, lambda read: read(link / "number"))
    (tmp_path / "next").symlink_to("2")
    (tmp_path / "next").rename(link)
    assert followed.look()
    assert followed.value == b"2"
