from django.urls import URLPattern, path

from notifications.inbox import answers, bulk_answers, documents, page_frame, pages, views, webapp
from notifications.inbox.settings import devices, following, preferences
from notifications.inbox.sign_in import accounts, emails, links, passwords, signin

app_name = "inbox"

urlpatterns: list[URLPattern] = [
    path("", pages.inbox, name="list"),
    path("offline", pages.offline, name="offline"),
    path("n/<uuid:notification_id>", pages.open_item, name="item"),
    path("n/<uuid:notification_id>/parts", pages.item_parts, name="item-parts"),
    path("n/<uuid:notification_id>/answer", answers.answer, name="answer"),
    path("n/<uuid:notification_id>/documents/<int:place>", documents.document, name="document"),
    path("n/<uuid:notification_id>/undo", answers.undo, name="undo"),
    path("n/<uuid:notification_id>/snooze", answers.snooze, name="snooze"),
    path("n/<uuid:notification_id>/read", answers.mark_read, name="read"),
    path("several", bulk_answers.page, name="several"),
    path("several/undo", bulk_answers.undo, name="undo-several"),
    path("views", views.save, name="views"),
    path("read", answers.mark_all_read, name="read-all"),
    path("cases/<int:case_id>/follow", following.follow, name="follow"),
    path("cases/<int:case_id>/follow-kind", following.follow_kind, name="follow-kind"),
    path("cases/<int:case_id>/mute", following.mute, name="mute"),
    path("settings/following", following.page, name="following"),
    path("devices", devices.page, name="devices"),
    path("devices/<uuid:device_id>/fate", devices.registration_state, name="device-fate"),
    path("devices/<uuid:device_id>/test", devices.test, name="test-device"),
    path("devices/<uuid:device_id>/shows", devices.change_what_it_shows, name="device-shows"),
    path("devices/<uuid:device_id>/remove", devices.remove, name="remove-device"),
    path("timezone", preferences.learn_timezone, name="timezone"),
    path("settings", preferences.page, name="settings"),
    path("settings/outlook", preferences.sentences, name="settings-outlook"),
    path("password", passwords.page, name="password"),
    path("accounts", accounts.page, name="accounts"),
    path("accounts/<slug:slug>/connect", accounts.connect, name="account-connect"),
    path("accounts/<slug:slug>/return", accounts.sign_in_returned, name="account-return"),
    path("accounts/<slug:slug>/disconnect", accounts.disconnect, name="account-disconnect"),
    path("sign-in", signin.sign_in, name="sign-in"),
    path("sign-out", signin.sign_out, name="sign-out"),
    path("link", links.new_link, name="new-link"),
    path("link/<str:token>", links.link, name="link"),
    path("link/<str:token>/again", links.resend_link, name="link-again"),
    path("a/<str:token>", emails.email_page, name="email"),
    path("a/<str:token>/link", emails.send_link, name="email-link"),
    path("sw.js", webapp.service_worker, name="worker"),
    path("manifest.webmanifest", webapp.manifest, name="manifest"),
    path("brand/<slug:slug>.css", page_frame.brand_style, name="brand-style"),
]
