"""Django settings, all from the environment (docs/settings.md lists them)."""

import logging
from datetime import timedelta
from importlib import import_module

from csp.constants import NONE, SELF
from django.templatetags.static import static

from wfpush.config import env, lean_imports, places
from wfpush.config.languages import languages_in

lean_imports.load("structlog")  # before anything else imports it
from wfpush.observability.logging import configure as configure_logging  # noqa: E402

BASE_DIR = places.FILES
ENV = env.load(places.HOME)

DEBUG = ENV.flag("DEBUG", default=False)
SECRET_KEY = ENV.secret("SECRET_KEY")
ENCRYPTION_KEYS = ENV.secrets("ENCRYPTION_KEYS")
BASE_URL = ENV.url("BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = ENV.hosts("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.own_origins(BASE_URL, ALLOWED_HOSTS)
PROXY_COUNT = ENV.integer("PROXY_COUNT", default=0, minimum=0, maximum=100)
METRICS_TOKEN = ENV.token("METRICS_TOKEN", default="")
OUTBOUND_ALLOWED_CIDRS = ENV.networks("OUTBOUND_ALLOWED_CIDRS")
CALENDAR_ALLOWED_CIDRS = ENV.networks("CALENDAR_ALLOWED_CIDRS")
PUSH_ALLOWED_CIDRS = ENV.networks("PUSH_ALLOWED_CIDRS")
DATA_DIR = ENV.data_dir
DATABASE_TIMEOUT = ENV.integer("DATABASE_TIMEOUT", default=20, minimum=1, maximum=86_400)
DATABASE_POOL = ENV.integer("DATABASE_POOL", default=16, minimum=1, maximum=1000)
UNDO_SECONDS = ENV.integer("UNDO_SECONDS", default=5, minimum=0, maximum=60)
EVENT_BATCH = ENV.integer("EVENT_BATCH", default=100, minimum=1, maximum=100)
ATTACHMENT_MEGABYTES = ENV.integer("ATTACHMENT_MEGABYTES", default=10, minimum=1, maximum=15)
ATTACHMENTS_A_MESSAGE = ENV.integer("ATTACHMENTS_A_MESSAGE", default=10, minimum=1, maximum=50)
ATTACHMENT_MEGABYTES_AN_HOUR = ENV.integer("ATTACHMENT_MEGABYTES_AN_HOUR", default=200, minimum=1)

CHANNELS = [
    "notifications.channels.webpush",
    "notifications.channels.fcm",
    "notifications.channels.email",
    "notifications.channels.appworks",
    "notifications.channels.sms",
]
"""The channels, in the order in which new categories try them. The settings of each are read in its folder."""
for _package in CHANNELS:
    globals().update(import_module(f"{_package}.config").read(ENV, BASE_URL))

CORE = ["notifications", "escalations"]
FEATURE_PACKAGES = {
    "insight": "notifications.insight",
    "replays": "notifications.replays",
    "transfer": "notifications.transfer",
    "absences": "notifications.absences",
    "rotas": "notifications.rotas",
    "conversation": "notifications.conversation",
    "customers": "notifications.customers",
    "team_time": "escalations.team_time",
    "provisioning": "notifications.provisioning",
    "retention": "notifications.retention",
    "sign_on": "notifications.sign_on",
    "second_factors": "notifications.second_factors",
    "signed_answers": "notifications.signed_answers",
    "conformance": "notifications.conformance",
    "config_files": "notifications.config_files",
    "event_subscriptions": "notifications.event_subscriptions",
}
"""The packages of all features by name, each behind those that it needs."""
FEATURES = ENV.features("FEATURES", FEATURE_PACKAGES)
"""The installed ones (wfpush/features.py)."""

INSTALLED_APPS = [
    "wfpush",
    *CORE,
    *FEATURES.values(),
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "notifications.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "simple_history",
    "csp",
    "axes",
    "django_structlog",
]

MIDDLEWARE = [
    "wfpush.web.proxies.ClientAddressMiddleware",
    "wfpush.web.middleware.RequestLogMiddleware",
    "wfpush.web.problems.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "wfpush.web.static_files.StaticFilesMiddleware",
    "csp.middleware.CSPMiddleware",
    "wfpush.web.middleware.CompressedDeskMiddleware",
    "wfpush.web.middleware.NulMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "notifications.inbox.sign_in.session.SessionLimitMiddleware",
    "notifications.inbox.sign_in.session.RecipientMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "axes.middleware.AxesMiddleware",
]

for _package in FEATURES.values():
    if (places.PACKAGES / _package.replace(".", "/") / "config.py").exists():
        _config = import_module(f"{_package}.config")
        INSTALLED_APPS += _config.APPS
        MIDDLEWARE += _config.MIDDLEWARE
        globals().update(_config.read())

ROOT_URLCONF = "notifications.urls"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {
                "breadcrumbs": "notifications.admin.desk.breadcrumbs",
                "cells": "notifications.admin.desk.cells",
                "bidi": "notifications.wording.directions",
                "initials": "notifications.wording.initials",
            },
        },
    },
]

# --- PostgreSQL and Redis -------------------------------------------------------------------------
DATABASES = {"default": ENV.database()}
REDIS_URL = ENV.redis()
EMBEDDED_SERVERS = ENV.uses_embedded_servers
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": ENV.redis_in_time()}}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "wfpush.redis.channel_layer.RedisChannelLayer",
        "CONFIG": {"url": REDIS_URL, "on_begin": "inbox.missed"},
    }
}
# Our tables are the queue; django-q2 is only woken up. Why each value: docs/architecture/behaviour.md, "django-q2".
Q_CLUSTER = {
    "name": "wfpush",
    "ALT_CLUSTERS": {},
    "workers": ENV.integer("CLUSTER_WORKERS", default=2, minimum=1, maximum=1000),
    "queue_limit": ENV.integer("CLUSTER_WORKERS", default=2, minimum=1, maximum=1000),
    "timeout": 60,
    "retry": 150,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "catch_up": False,
    "recycle": 10_000,
    "broker_class": "wfpush.processes.broker.Broker",
    "label": "Background tasks",
}

# --- People and their sessions --------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "notifications.signing_in.AccountBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "notifications.inbox.sign_in.passwords.SignsEverythingOut"},
]
LOGIN_URL = "inbox:sign-in"
LOGIN_REDIRECT_URL = "inbox:list"
LOGOUT_REDIRECT_URL = "inbox:sign-in"
SESSION_HOURS = ENV.integer("SESSION_HOURS", default=0, minimum=0, maximum=8_760)
SESSION_IDLE_HOURS = ENV.integer("SESSION_IDLE_HOURS", default=0, minimum=0, maximum=8_760)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
HTTPS = BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if ENV.flag("HSTS", default=True) and HTTPS else 0
# Only our own proxy knows the scheme; without a proxy anybody could set the header.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS and PROXY_COUNT else None
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]  # set by the proxy, for the whole domain
if not HTTPS:  # these follow from wfpush.W002
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W012", "security.W016"]
CSRF_FAILURE_VIEW = "wfpush.web.problems.csrf_failure"
AXES_HANDLER = "notifications.people.login_limits.Handler"  # number of tries, and pauses
AXES_COOLOFF_TIME = timedelta(days=1)  # after which failures are forgotten
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "notifications.inbox.sign_in.signin.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username", "password"]
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {  # not of the desk's pages, which have their own (notifications/admin_site.py)
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "https:"],  # brands may have their logo on another host
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    },
}

# --- API ------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["notifications.api.frame.parsing.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "wfpush.web.problems.api_exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "wfpush",
    "DESCRIPTION": (
        "Connects workflow engines with the people they wait for.\n\n"
        "Engines call with an API key (`wfp_…`), people's apps and portals with a recipient token (`wfr_…`). Times are "
        "ISO 8601 with an offset, and answers give them in UTC. Every error is a problem (RFC 9457) with a `code`."
    ),
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "defaultModelsExpandDepth": 0},
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    # Without the usual hook: enumerations are written where they are used, without generated names.
    "POSTPROCESSING_HOOKS": ["notifications.api.operations.describe"],
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024  # batches; single events are cut at 1 MiB by the body limit

# --- Languages, static files, mail, logs ----------------------------------------------------------
LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGES = languages_in(LOCALE_PATHS[0])
FORMAT_MODULE_PATH = "wfpush.formats"
USE_I18N = USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "wfpush.web.page_scripts.PageScripts",
]
WHITENOISE_USE_FINDERS = True
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/wfpush/icons/"
"""Icons are immutable. Browsers load them before they show a notification, even while the server hangs."""
LOGGING = configure_logging(
    ENV.choice("LOG_LEVEL", ["DEBUG", "INFO", "WARNING", "ERROR"], default="INFO"),
    ENV.choice("LOG_FORMAT", ["console", "json"], default="console"),
)
DJANGO_STRUCTLOG_USER_ID_FIELD = ""  # log lines need no session
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG

# --- The administrators' desk -----------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "wfpush",
    "SITE_HEADER": "wfpush",
    "SITE_SUBHEADER": "notifications.admin.desk.navigation.zone_of_times",
    "SHOW_HISTORY": True,
    "SHOW_LANGUAGES": True,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("wfpush/favicon.svg")}],
    "STYLES": [
        lambda request: static("wfpush/tokens.css"),
        lambda request: static("wfpush/admin/desk.css"),
    ],
    "SCRIPTS": [lambda request: static("wfpush/admin/names.js")],
    "SIDEBAR": {"navigation": "notifications.admin.desk.navigation.sidebar", "show_search": True},
    "GLOBAL_CALLBACK": "notifications.admin.desk.navigation.tabs",
    "COMMAND": {"search_callback": "notifications.admin.desk.search.answer"},
    "DASHBOARD_CALLBACK": "notifications.admin.desk.overview.dashboard",
    "COLORS": {
        "base": {  # the greys of static/wfpush/tokens.css, those of the light scheme first
            "50": "#f6f7f9",
            "100": "#f3f5f8",
            "200": "#e3e6eb",
            "300": "#c6ccd4",
            "400": "#a6adb8",
            "500": "#6b727d",
            "600": "#555d69",
            "700": "#434a55",
            "800": "#2b3038",
            "900": "#1a1d21",
            "950": "#101215",
        },
        "primary": {  # around the accent #0b57d0
            "50": "oklch(97% .014 255)",
            "100": "oklch(93.2% .032 255)",
            "200": "oklch(88.2% .059 255)",
            "300": "oklch(80.9% .105 255)",
            "400": "oklch(74% .14 256)",
            "500": "oklch(67% .17 257)",
            "600": "#0b57d0",
            "700": "oklch(45% .18 260)",
            "800": "oklch(39% .15 261)",
            "900": "oklch(34% .12 262)",
            "950": "oklch(26% .09 264)",
        },
    },
}
