"""A row of the table: a fault, what names the part that fails, and how soon all goes on afterwards."""

from collections.abc import Callable
from dataclasses import dataclass

EVERYWHERE = ("readyz", "metrics", "overview", "doctor")
WITHOUT_OVERVIEW = ("readyz", "metrics", "doctor")
LONGEST_SECONDS = 60.0


def nothing() -> None:
    """The fault ends by itself."""


@dataclass(frozen=True)
class Fault:
    """`part`: a pattern of words that name what fails. `places`: where it is waited for. `bound`: seconds after the end
    until all goes on. `is_mended`: of a fault that the product itself ends; it need not be said, and `bound` is for the
    longest wait meanwhile."""

    name: str
    begin: Callable[[], None]
    part: str
    end: Callable[[], None] = nothing
    places: tuple[str, ...] = EVERYWHERE
    shortest: float = 5.0
    longest: float = LONGEST_SECONDS
    bound: float = 15.0
    quiet_within: float = 120.0
    is_mended: Callable[[], bool] | None = None
    concerns_mail: bool = False
    gives_up_mail: bool = False
    """Mails of this row are refused for good."""
