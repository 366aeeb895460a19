"""The walk of an event, as docs/architecture draws it: routing enters each room once or twice, and goes forward."""

import sys
from types import FrameType
from typing import Any

import pytest

from notifications.models import Notification
from notifications.routing import pipeline
from tests.support.story import Story

ROOMS = ("cases", "people", "items")


class Walk:
    """The rooms that functions of `routing` call, in their order."""

    def __init__(self) -> None:
        self.rooms: list[str] = []

    def __call__(self, frame: FrameType, what: str, _: Any) -> None:
        room = room_of(frame)
        if what != "call" or room not in ROOMS:
            return
        caller = frame.f_back
        while caller is not None and not room_of(caller):
            caller = caller.f_back
        if caller is not None and room_of(caller) == "routing" and self.rooms[-1:] != [room]:
            self.rooms.append(room)


def room_of(frame: FrameType) -> str:
    app, _, rest = str(frame.f_globals.get("__name__", "")).partition(".")
    return rest.partition(".")[0] if app == "notifications" else ""


@pytest.mark.django_db(transaction=True)
def test_an_assigned_task_goes_through_the_rooms_once_and_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    story, walk, advance = Story.begin(), Walk(), pipeline.advance

    def watched(*given: Any) -> pipeline.Result:
        sys.setprofile(walk)
        try:
            return advance(*given)
        finally:
            sys.setprofile(None)

    monkeypatch.setattr(pipeline, "advance", watched)
    story.assign()

    assert Notification.objects.filter(recipient=story.bob).exists()
    assert walk.rooms == ["cases", "people", "cases", "people", "items"]
