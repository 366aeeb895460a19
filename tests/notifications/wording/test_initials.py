import pytest

from notifications.wording.initials import initials


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Bob", "B"),
        ("Anna-Lena van der Müller", "AM"),
        ("bob@example.org", "B"),
        ("“Éva” (away)", "ÉA"),
        ("محمد علي", "مع"),
        ("🦊", ""),
        ("", ""),
    ],
)
def test_marks_are_the_first_letters_of_the_first_and_last_word(name: str, shown: str) -> None:
    assert initials(name) == shown
