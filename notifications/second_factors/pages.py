"""Addresses of second factors. django-allauth finds its pages by these names, so they have no namespace."""

from django.urls import URLPattern, path

from notifications.second_factors import password_pages, security_pages, sessions_pages, views

urlpatterns: list[URLPattern] = [
    path("sign-in/account", views.to_sign_in, name="account_login"),
    path("sign-in/factor", views.sign_in_with_factor, name="mfa_authenticate"),
    path("sign-in/passkey", views.sign_in_with_passkey, name="mfa_login_webauthn"),
    path("password/new", password_pages.ask, name="password_new"),
    path("password/link/<str:token>", password_pages.choose, name="password_link"),
    path("security/sessions", sessions_pages.sessions, name="sessions"),
    path("security/sessions/end", sessions_pages.end_others, name="end_other_sessions"),
    path("security/sessions/<slug:digest>/end", sessions_pages.end_one, name="end_session"),
    path("security", security_pages.security, name="mfa_index"),
    path("security/confirm", views.confirm_by_password, name="account_reauthenticate"),
    path("security/confirm/code", views.confirm_by_code, name="mfa_reauthenticate"),
    path("security/confirm/passkey", views.confirm_by_passkey, name="mfa_reauthenticate_webauthn"),
    path("security/confirm/provider", views.confirm_by_provider, name="sign_in_again"),
    path("security/app", security_pages.add_app, name="mfa_activate_totp"),
    path("security/app/remove", security_pages.remove_app, name="mfa_deactivate_totp"),
    path("security/passkeys", security_pages.list_passkeys, name="mfa_list_webauthn"),
    path("security/passkeys/add", security_pages.add_passkey, name="mfa_add_webauthn"),
    path("security/passkeys/<int:pk>/remove", security_pages.remove_passkey, name="mfa_remove_webauthn"),
    path("security/codes", security_pages.codes, name="mfa_view_recovery_codes"),
    path("security/codes/new", security_pages.new_codes, name="mfa_generate_recovery_codes"),
]
