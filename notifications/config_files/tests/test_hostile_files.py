"""Files that would read other files, fill the memory or take for ever are mistakes."""

import os
from pathlib import Path

import pytest

from notifications.config_files import documents
from notifications.config_files.documents import FolderError
from notifications.config_files.nodes import MAX_BYTES
from notifications.config_files.tests.folders import put

EVENTS = "event_types:\n  task.assigned: {}\n"


def reasons(folder: Path) -> list[str]:
    return [str(each) for each in documents.read(folder).mistakes]


def test_a_symbolic_link_to_a_file_is_not_followed(tmp_path: Path) -> None:
    (outside := tmp_path / "secret.txt").write_text(EVENTS)
    (folder := tmp_path / "config").mkdir()
    (folder / "rules.yaml").symlink_to(outside)
    (mistake,) = reasons(folder)

    assert mistake.startswith("rules.yaml: It is a symbolic link that leads out of the folder.")


def test_a_symbolic_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    (outside := tmp_path / "outside").mkdir()
    put(outside, events=EVENTS)
    (folder := tmp_path / "config").mkdir()
    (folder / "more").symlink_to(outside)

    assert [mistake.partition(":")[0] for mistake in reasons(folder)] == ["more"]


def test_a_mounted_config_map_is_read(tmp_path: Path) -> None:
    """Kubernetes mounts a folder that changes as a whole, and links from each file into it."""
    (version := tmp_path / "..2026_01_01").mkdir()
    put(version, events=EVENTS)
    (tmp_path / "..data").symlink_to(version.name)
    (tmp_path / "events.yaml").symlink_to("..data/events.yaml")

    assert reasons(tmp_path) == []
    assert len(documents.read(tmp_path).things) == 1


def test_a_pipe_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")

    assert reasons(tmp_path) == ["pipe.yaml: It is no regular file."]


def test_hidden_files_and_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.yaml").write_text("[")
    (tmp_path / "README.md").write_text("[")
    put(tmp_path, events=EVENTS)

    assert reasons(tmp_path) == []


def test_a_file_is_at_most_a_megabyte(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_bytes(b"#" * (MAX_BYTES + 1))

    assert reasons(tmp_path) == ["large.yaml: It is larger than 1 MB. Split it into several files."]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (EVENTS.encode("utf-16"), "large.yaml:1: It is not in UTF-8."),
        (b"event_types:\n  caf\xe9: {}\n", "large.yaml:2: It is not in UTF-8."),
    ],
)
def test_other_encodings_are_refused_with_the_line(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "large.yaml").write_bytes(data)
    (mistake,) = reasons(tmp_path)

    assert mistake.startswith(reason)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "events.yaml").write_bytes(b"\xef\xbb\xbf" + EVENTS.encode())

    assert reasons(tmp_path) == []


def test_a_thousand_laughs_are_refused_before_they_grow(tmp_path: Path) -> None:
    lines = ["a0: &a0 [lol, lol]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
    (tmp_path / "bomb.yaml").write_text("\n".join(lines))

    assert reasons(tmp_path) == ["bomb.yaml:1: Anchors and aliases are not used here. Write the value out."]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "\n".join(" " * n + "a:" for n in range(900))])
def test_deep_nesting_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "deep.yaml").write_text(text)
    (mistake,) = reasons(tmp_path)

    assert mistake.startswith("deep.yaml:")


def test_an_empty_folder_is_a_mistake_and_removes_nothing(tmp_path: Path) -> None:
    assert "There is no file with configuration here" in reasons(tmp_path)[0]
    assert "There is no such folder" in reasons(tmp_path / "missing")[0]


def test_names_with_dots_and_slashes_stay_in_the_folder(tmp_path: Path) -> None:
    names = ["../../etc/passwd", "..", "/etc/passwd", ".git/config", "a\\b", "con", "Ä", "日本", "日本語", "A", "a"]
    read = put(tmp_path, events="event_types:\n" + "".join(f"  '{name}': {{}}\n" for name in names))
    files = documents.files_of(read.things)

    assert len(files) == len(names)
    assert len({name.lower() for name in files}) == len(names)
    for name in files:
        kind, _slash, file = name.partition("/")
        assert kind == "event_types"
        assert "/" not in file and "\\" not in file and not file.startswith(".")


def test_an_export_does_not_write_through_a_link(tmp_path: Path) -> None:
    (outside := tmp_path / "outside").mkdir()
    (folder := tmp_path / "config").mkdir()
    (folder / "event_types").symlink_to(outside)
    with pytest.raises(FolderError, match="symbolic link"):
        documents.write(folder, {"event_types/a.yaml": EVENTS})

    assert list(outside.iterdir()) == []


def test_an_export_leaves_other_files_unless_it_is_to_replace_them(tmp_path: Path) -> None:
    put(tmp_path, old=EVENTS)
    (tmp_path / "README.md").write_text("Ours")
    with pytest.raises(FolderError, match=r"old\.yaml"):
        documents.write(tmp_path, {"event_types.yaml": EVENTS})
    assert not (tmp_path / "event_types.yaml").exists()

    documents.write(tmp_path, {"event_types.yaml": EVENTS}, replace=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "event_types.yaml"]
