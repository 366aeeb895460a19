from django.http import HttpResponse
from django.urls import URLPattern, path

from notifications.inbox.page_frame import show_page
from notifications.inbox.sign_in.session import PersonRequest, person_required


@person_required
def mine(request: PersonRequest) -> HttpResponse:
    return show_page(request, "bells/mine.html", {"bells": request.recipient.bells.all()})


app_name = "bells"
urlpatterns: list[URLPattern] = [path("bells", mine, name="mine")]
