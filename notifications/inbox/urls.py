from django.urls import URLPattern, path

from notifications.inbox import (
    absence,
    accounts,
    answers,
    brands,
    devices,
    emails,
    pages,
    passwords,
    several,
    signin,
    webapp,
)

app_name = "inbox"

urlpatterns: list[URLPattern] = [
    path("", pages.inbox, name="list"),
    path("offline", pages.offline, name="offline"),
    path("n/<uuid:notification_id>", pages.open_item, name="item"),
    path("n/<uuid:notification_id>/answer", answers.answer, name="answer"),
    path("n/<uuid:notification_id>/undo", answers.undo, name="undo"),
    path("n/<uuid:notification_id>/comment", answers.comment, name="comment"),
    path("n/<uuid:notification_id>/snooze", answers.snooze, name="snooze"),
    path("n/<uuid:notification_id>/read", answers.mark_read, name="read"),
    path("several", several.page, name="several"),
    path("read", answers.mark_all_read, name="read-all"),
    path("cases/<int:case_id>/follow", answers.follow, name="follow"),
    path("devices", devices.page, name="devices"),
    path("devices/<uuid:device_id>/fate", devices.registration_state, name="device-fate"),
    path("devices/<uuid:device_id>/test", devices.test, name="test-device"),
    path("devices/<uuid:device_id>/remove", devices.remove, name="remove-device"),
    path("absence", absence.page, name="absence"),
    path("password", passwords.page, name="password"),
    path("accounts", accounts.page, name="accounts"),
    path("accounts/<slug:slug>/connect", accounts.connect, name="account-connect"),
    path("accounts/<slug:slug>/return", accounts.sign_in_returned, name="account-return"),
    path("accounts/<slug:slug>/disconnect", accounts.disconnect, name="account-disconnect"),
    path("sign-in", signin.sign_in, name="sign-in"),
    path("sign-out", signin.sign_out, name="sign-out"),
    path("link/<str:token>", signin.link, name="link"),
    path("a/<str:token>", emails.email_page, name="email"),
    path("sw.js", webapp.service_worker, name="worker"),
    path("manifest.webmanifest", webapp.manifest, name="manifest"),
    path("brand/<slug:slug>.css", brands.brand_style, name="brand-style"),
]
