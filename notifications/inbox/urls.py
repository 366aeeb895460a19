from django.urls import URLPattern, path

from notifications.inbox import answers, brands, emails, pages, signin

app_name = "inbox"

urlpatterns: list[URLPattern] = [
    path("", pages.inbox, name="list"),
    path("n/<uuid:notification_id>", pages.open_item, name="item"),
    path("n/<uuid:notification_id>/answer", answers.answer, name="answer"),
    path("n/<uuid:notification_id>/read", answers.read, name="read"),
    path("read", answers.read_all, name="read-all"),
    path("cases/<int:case_id>/follow", answers.follow, name="follow"),
    path("sign-in", signin.sign_in, name="sign-in"),
    path("sign-out", signin.sign_out, name="sign-out"),
    path("link/<str:token>", signin.link, name="link"),
    path("a/<str:token>", emails.email_page, name="email"),
    path("brand/<slug:slug>.css", brands.brand_style, name="brand-style"),
]
