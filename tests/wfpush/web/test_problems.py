"""Errors are problems for programs and pages for people, whoever raised them."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path

from notifications.errors import AlreadyAnswered
from tests.support.api import is_problem
from wfpush.web import problems
from wfpush.web.bodylimit import BODY_LIMIT

FAULTS: dict[str, Exception] = {
    "400": SuspiciousOperation("odd"),
    "403": PermissionDenied("no"),
    "404": Http404("nothing"),
    "413": RequestDataTooBig("much"),
    "500": RuntimeError("a fault of ours with a secret"),
    "503": OperationalError("connection refused"),
}


def fail(request: HttpRequest, kind: str) -> HttpResponse:
    raise FAULTS[kind]


def remember(request: HttpRequest) -> HttpResponse:
    request.session["place"] = request.session.get("place", 0) + 1
    return HttpResponse("Remembered")


def plain_405(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=405, headers={"Allow": "GET"})


urlpatterns = [
    path("api/fail/<str:kind>", fail),
    path("api/plain", plain_405),
    path("page/remembered", remember),
    path("page/<str:kind>", fail),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("notifications.inbox.urls")),
]
handler400, handler403 = problems.bad_request, problems.permission_denied
handler404, handler500 = problems.not_found, problems.server_error

CODES = {400: "bad_request", 403: "not_allowed", 404: "not_found", 500: "server_error", 503: "unavailable"}


@pytest.fixture(autouse=True)
def our_paths() -> Any:
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("status", CODES)
@pytest.mark.django_db
def test_whatever_django_raises_under_api_is_a_problem(browser: Client, status: int) -> None:
    answer = browser.get(f"/api/fail/{status}", headers={"Accept": "text/html"})

    assert is_problem(answer, status, CODES[status])
    assert b"secret" not in answer.content


@pytest.mark.parametrize("status", CODES)
@pytest.mark.django_db
def test_people_get_a_page_and_programs_a_problem(browser: Client, status: int) -> None:
    page = browser.get(f"/page/{status}", headers={"Accept": "text/html,*/*;q=0.8"})

    assert page.status_code == status
    assert page.headers["Content-Type"].startswith("text/html")
    assert b"secret" not in page.content
    assert is_problem(browser.get(f"/page/{status}", headers={"Accept": "application/json"}), status, CODES[status])


@pytest.mark.django_db
def test_a_session_that_the_database_does_not_take_is_no_mistake_of_the_caller(browser: Client) -> None:
    """Django takes it for one that was deleted meanwhile."""
    assert browser.get("/page/remembered").status_code == 200
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL transaction_read_only = on")
        answer = browser.get("/page/remembered")
        transaction.set_rollback(True)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


@pytest.mark.django_db
def test_a_page_that_cannot_be_drawn_becomes_a_sentence(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object, **kwargs: object) -> HttpResponse:
        raise OperationalError("connection refused")

    monkeypatch.setattr(problems, "render", away)
    page = browser.get("/page/503", headers={"Accept": "text/html"})

    assert (page.status_code, page.headers["Content-Type"]) == (503, "text/plain; charset=utf-8")
    assert b"try again" in page.content


@pytest.mark.django_db
def test_a_database_that_is_away_is_worth_another_try(browser: Client) -> None:
    for address in ("/api/fail/503", "/page/503"):
        assert int(browser.get(address).headers["Retry-After"]) > 0


def test_an_error_without_words_gets_some_and_keeps_its_headers(browser: Client) -> None:
    answer = browser.get("/api/plain")

    assert is_problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET"


@pytest.mark.parametrize("address", ["/api/nothing", "/api/v1/subscriptions", "/api/"])
@pytest.mark.django_db
def test_an_unknown_address_is_a_problem_even_while_debugging(browser: Client, address: str) -> None:
    assert is_problem(browser.get(address), 404, "not_found")
    with override_settings(DEBUG=True):
        assert is_problem(browser.get(address), 404, "not_found")


def test_a_body_that_announces_itself_too_large_is_refused_before_it_is_read(browser: Client) -> None:
    length = {"Content-Length": str(BODY_LIMIT + 1)}
    answer = browser.generic("POST", "/api/plain", b"{}", content_type="application/json", headers=length)

    assert is_problem(answer, 413, "too_large")


def test_a_wrong_host_is_a_problem(browser: Client) -> None:
    with override_settings(ALLOWED_HOSTS=["push.example.com"]):
        assert is_problem(browser.get("/api/fail/404", headers={"Host": "elsewhere.example"}), 400, "bad_request")


@pytest.mark.django_db
def test_a_form_without_its_token_is_told_so() -> None:
    strict = Client(enforce_csrf_checks=True)

    assert is_problem(strict.post("/sign-out", headers={"Accept": "application/json"}), 403, "csrf_failed")
    page = strict.post("/sign-out", headers={"Accept": "text/html"})
    assert page.status_code == 403
    assert page.headers["Content-Type"].startswith("text/html")


def test_our_own_failures_carry_their_members() -> None:
    failure = AlreadyAnswered("Bob did.", answered_by={"ref": "bob", "name": "Bob"}, action="approve")
    answer: Any = problems.api_exception_handler(failure, {})

    assert answer.status_code == 409
    assert b'"answered_by": {"ref": "bob", "name": "Bob"}' in answer.content


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (OperationalError("away"), 503),
        (InterfaceError("closed"), 503),
        (RequestDataTooBig("much"), 413),
        (Http404(), 404),
        (PermissionDenied(), 403),
        (SuspiciousOperation(), 400),
    ],
)
def test_what_django_raises_in_a_view_of_the_api(fault: Exception, status: int) -> None:
    answer: Any = problems.api_exception_handler(fault, {})

    assert answer.status_code == status


def test_a_fault_of_ours_is_left_to_the_last_handler() -> None:
    assert problems.api_exception_handler(RuntimeError("ours"), {}) is None


def test_what_a_caller_sent_is_repeated_whatever_it_was() -> None:
    assert b"\\ud800" in problems.problem(422, "invalid", "This: \ud800").content


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/api/v1/engines/a%00/events"),
        ("get", "/api/v1/tasks/%00"),
        ("put", "/api/v1/cases/%00/follow"),
        ("post", "/api/v1/recipients/%00/tokens"),
        ("get", "/a/%00"),
    ],
)
def test_nothing_is_called_nul(db: None, method: str, path: str) -> None:
    assert getattr(Client(raise_request_exception=False), method)(path).status_code == 400
