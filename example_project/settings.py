"""Settings of the example, read from the environment; what is absent there comes from ``.env`` (see keys.py)."""

from pathlib import Path

import django
import environ

from example_project import keys

try:
    import MySQLdb  # noqa: F401 - the driver that Django names
except ImportError:
    try:
        import pymysql
    except ImportError:
        pass
    else:
        pymysql.install_as_MySQLdb()

BASE_DIR = Path(__file__).resolve().parent.parent
keys.ensure(BASE_DIR / ".env")
env = environ.Env()
if (BASE_DIR / ".env").exists():
    env.read_env(BASE_DIR / ".env")

SECRET_KEY = env("SECRET_KEY")
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

# A name that browsers reach over the network means TLS; on this machine alone the demo does without.
LOCAL = {"localhost", "127.0.0.1", "[::1]", "0.0.0.0", "testserver", "*"}  # noqa: S104 - a name, bound to nothing
HTTPS = env.bool("HTTPS", default=not DEBUG and not LOCAL.issuperset(ALLOWED_HOSTS))
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "stytch_totp",
    "example_project",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "example_project.headers.content_security_policy",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "stytch_totp.web.middleware.MFAMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "example_project" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STATIC_URL = "/static/"
STATIC_ROOT = env("STATIC_ROOT", default=None)  # for collectstatic
STATICFILES_DIRS = [BASE_DIR / "example_project" / "assets"]
WHITENOISE_USE_FINDERS = True  # so that the demo needs no collectstatic
WHITENOISE_AUTOREFRESH = DEBUG
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "example_project" / "locale"]
_MAIL = env("EMAIL_BACKEND", default=f"django.core.mail.backends.{'smtp' if HTTPS else 'console'}.EmailBackend")
# Mail goes out while a visitor waits: a mail server that doesn't answer must not keep them.
_MAIL_HOST, _MAIL_TIMEOUT = env("EMAIL_HOST", default="localhost"), 5
if django.VERSION < (6, 1):
    EMAIL_BACKEND, EMAIL_HOST, EMAIL_TIMEOUT = _MAIL, _MAIL_HOST, _MAIL_TIMEOUT
else:
    MAILERS = {"default": {"BACKEND": _MAIL}}
    if _MAIL.endswith("smtp.EmailBackend"):
        MAILERS["default"]["OPTIONS"] = {"host": _MAIL_HOST, "timeout": _MAIL_TIMEOUT}
ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
DATABASES["default"].setdefault("OPTIONS", {})
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Writers wait for each other at the start of a transaction instead of failing in the middle of one.
    # The third that SQLite needs, its write-ahead log, is turned on by migrate: see apps.py.
    DATABASES["default"]["OPTIONS"] |= {"transaction_mode": "IMMEDIATE", "timeout": 20}
if DATABASES["default"]["ENGINE"].endswith("mysql"):
    DATABASES["default"]["OPTIONS"]["charset"] = "utf8mb4"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": env.cache("CACHE_URL", default="locmemcache://")}
TIME_ZONE = "UTC"
USE_TZ = True
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

STYTCH_TOTP = {
    "PROJECT_ID": env("STYTCH_TOTP_PROJECT_ID"),
    "PROJECT_NAME": "Example",
    "SECRETS": env.list("STYTCH_TOTP_SECRETS"),
    "PUBLIC_TOKENS": env.list("STYTCH_TOTP_PUBLIC_TOKENS"),
    "ALLOWED_ORIGINS": env.list(
        "STYTCH_TOTP_ALLOWED_ORIGINS", default=["http://127.0.0.1:8000", "http://localhost:8000"]
    ),
    "KEYRING": env.list("STYTCH_TOTP_KEYRING"),
}

# Pages of the allowed origins may call the browser API; ``stytch_totp.cors`` says which those are.
CORS_URLS_REGEX = r"^/sdk/v1/"
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS"]
CORS_ALLOW_HEADERS = ["authorization", "content-type", "x-sdk-client", "x-sdk-parent-host"]
CORS_EXPOSE_HEADERS = ["retry-after"]
CORS_PREFLIGHT_MAX_AGE = 600
