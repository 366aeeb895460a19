"""Paths of the API: docs/api.md. Ids are any text, including `/`, so their converter is `path`."""

from django.urls import URLPattern, path

from notifications.api import (
    attachments,
    events,
    following,
    inbox,
    people,
    preferences,
    receipts,
    responses,
    subscriptions,
    tasks,
)
from notifications.api.frame.schema import DocsView, schema
from notifications.channels.registry import device_channels

urlpatterns: list[URLPattern] = [
    path("v1/events", events.EventsView.as_view()),
    path("v1/engines/<str:slug>/events", events.EngineEventsView.as_view()),
    path("v1/events/<uuid:event_id>", events.EventView.as_view()),
    path("v1/tasks/<path:task_id>", tasks.TaskView.as_view()),
    path("v1/attachments", attachments.AttachmentsView.as_view()),
    path("v1/attachments/<uuid:attachment_id>", attachments.AttachmentView.as_view()),
    path("v1/recipients/<path:ref>/tokens", people.RecipientTokensView.as_view()),
    path("v1/recipients/<path:ref>/links", people.RecipientLinksView.as_view()),
    path("v1/recipients/<path:ref>/preferences", preferences.RecipientPreferencesView.as_view()),
    path("v1/recipients/<path:ref>", people.RecipientView.as_view()),
    path("v1/teams/<str:slug>", people.TeamView.as_view()),
    path("v1/notifications", inbox.NotificationsView.as_view()),
    path("v1/notifications/read", inbox.ReadUpToView.as_view()),
    path("v1/notifications/<uuid:notification_id>", inbox.NotificationView.as_view()),
    path("v1/notifications/<uuid:notification_id>/snooze", inbox.SnoozeView.as_view()),
    path("v1/notifications/<uuid:notification_id>/read", inbox.ReadView.as_view()),
    path("v1/notifications/<uuid:notification_id>/responses", responses.NotificationResponsesView.as_view()),
    path("v1/responses", responses.ResponsesView.as_view()),
    path("v1/cases/<path:case_id>/follow-kind", following.FollowKindView.as_view()),
    path("v1/cases/<path:case_id>/mute", following.MuteView.as_view()),
    path("v1/cases/<path:case_id>/follow", following.FollowView.as_view()),
    path("v1/followed-cases", following.FollowedCasesView.as_view()),
    path("v1/followed-kinds", following.FollowedKindsView.as_view()),
    path("v1/muted-cases", following.MutedCasesView.as_view()),
    path("v1/preferences", preferences.PreferencesView.as_view()),
    path("v1/tokens", people.TokensView.as_view()),
    path("v1/tokens/current", people.CurrentTokenView.as_view()),
    *(
        path(f"v1/{channel.name}/{public.path}", subscriptions.public_view(channel.name, public).as_view())
        for channel in device_channels()
        if (public := channel.registration.public) is not None
    ),
    path("v1/channels/<slug:channel>/receipts", receipts.ReceiptsView.as_view()),
    path("v1/subscriptions", subscriptions.SubscriptionsView.as_view()),
    path("v1/subscriptions/<uuid:device_id>", subscriptions.SubscriptionView.as_view()),
    path("v1/subscriptions/<uuid:device_id>/test", subscriptions.TestView.as_view()),
    path("schema", schema, name="api-schema"),
    path("docs", DocsView.as_view(), name="api-docs"),
]
