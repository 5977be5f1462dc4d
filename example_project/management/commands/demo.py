"""``python manage.py demo``: database, people, and a server to try the API against."""

import json
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.utils.crypto import salted_hmac

from stytch_totp.conf import conf, public_id
from stytch_totp.models import Member, Organization
from stytch_totp.operations import members, organizations
from stytch_totp.operations.audit import SYSTEM

ORGANIZATIONS = (
    {"name": "Acme", "slug": "acme", "mfa_policy": "REQUIRED_FOR_ALL"},
    {"name": "Globex", "slug": "globex", "mfa_policy": "OPTIONAL"},
)
PEOPLE = (
    {"email": "ada@acme.example", "slug": "acme", "is_staff": True},
    {"email": "bob@acme.example", "slug": "acme", "is_staff": False},
    {"email": "grace@globex.example", "slug": "globex", "is_staff": False},
)


def _password() -> str:
    """The same for everybody at each run, and another one on every installation."""
    return salted_hmac("example_project.demo", "password").hexdigest()[:16]


class Command(BaseCommand):
    help = "Prepare the demo (keys, tables, people), print where to go, and serve."
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-server", action="store_true", help="prepare only")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a walk-through")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        tenants = {row["slug"]: self._organization(row) for row in ORGANIZATIONS}
        people = [self._person(row, tenants[str(row["slug"])]) for row in PEOPLE]
        found = self._describe(f"http://127.0.0.1:{options['port']}", tenants, people)
        self.stdout.write(json.dumps(found) if options["json"] else WALK_THROUGH.format(**self._words(found)))
        if not options["no_server"]:
            call_command("runserver", f"127.0.0.1:{options['port']}", use_reloader=False)

    def _organization(self, row: dict[str, str]) -> Organization:
        known = organizations.tenants().filter(slug=row["slug"]).first()
        return known or organizations.create(actor=SYSTEM, **row)

    def _person(self, row: dict[str, Any], organization: Organization) -> Member:
        user, _ = get_user_model().objects.get_or_create(username=row["email"], defaults={"email": row["email"]})
        user.is_staff = user.is_superuser = row["is_staff"]
        if not user.check_password(_password()):
            user.set_password(_password())
        user.save()
        known = members.by_email(organization, row["email"])
        return known or members.create(organization, email=row["email"], user=user, actor=SYSTEM)

    def _describe(self, base_url: str, tenants: dict[str, Organization], people: list[Member]) -> dict[str, Any]:
        return {
            "base_url": base_url,
            "project_id": conf().project_id,
            "secret": conf().secrets[0],
            "public_token": conf().public_tokens[0],
            "organizations": [
                {
                    "organization_id": public_id("organization", tenant.pk),
                    "slug": tenant.slug,
                    "mfa_policy": tenant.mfa_policy,
                }
                for tenant in tenants.values()
            ],
            "people": [
                {
                    "email": member.email,
                    "password": _password(),
                    "member_id": public_id("member", member.pk),
                    "organization_id": public_id("organization", member.organization_id),
                    "is_staff": member.user is not None and member.user.is_staff,
                }
                for member in people
            ],
        }

    def _words(self, found: dict[str, Any]) -> dict[str, Any]:
        first = found["people"][0]
        lines = [f"  {one['email']:24} {one['password']}   {one['organization_id']}" for one in found["people"]]
        return {**found, "first": first, "logins": "\n".join(lines)}


WALK_THROUGH = """
stytch_totp is ready at {base_url}

  project_id    {project_id}
  secret        {secret}
  public_token  {public_token}   for pages, from the origins in STYTCH_TOTP_ALLOWED_ORIGINS

People, their password and their organization (acme asks everyone for MFA, globex leaves it open):

{logins}

Open {base_url}/ in a browser and log in as one of them; {base_url}/spa/ is the same as a single page, and
{base_url}/admin/ is for {first[email]}.

Ask for a member:

  curl -u '{project_id}:{secret}' \\
    '{base_url}/v1/b2b/organizations/acme/member?email_address={first[email]}'

Or log in with Stytch's Python SDK (pip install stytch):

  from stytch import B2BClient

  client = B2BClient("{project_id}", "{secret}", environment="{base_url}/")
  login = client.passwords.authenticate("acme", "{first[email]}", "{first[password]}")
  ids = {{"organization_id": login.organization.organization_id, "member_id": login.member_id}}
  token = login.intermediate_session_token  # acme asks for a second factor
  totp = client.totps.create(**ids, intermediate_session_token=token)
  print(totp.secret, totp.recovery_codes)  # put the secret into an authenticator app
  done = client.totps.authenticate(**ids, code=input("code: "), intermediate_session_token=token)
  print(done.member_session)

Control-C stops the server. The data is in db.sqlite3, the keys are in .env: keep neither in git.
"""
