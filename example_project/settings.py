"""Settings of the example, read from the environment; what is absent there comes from ``.env`` (see keys.py)."""

from pathlib import Path

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

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "corsheaders",
    "rest_framework",
    "stytch_totp",
    "example_project",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
DATABASES["default"].setdefault("OPTIONS", {})
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Writers wait for each other at the start of a transaction instead of failing in the middle of one.
    DATABASES["default"]["OPTIONS"] |= {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL",
    }
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
CORS_PREFLIGHT_MAX_AGE = 600
