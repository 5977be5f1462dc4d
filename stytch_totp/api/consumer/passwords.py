"""``passwords`` (contract 2.4). There is no second step here: what a session's factors are worth, the back end says."""

from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.api.consumer.base import ConsumerViewSet, Profile
from stytch_totp.api.consumer.objects import emails, granted_fields, user_fields
from stytch_totp.api.hashing import HashInput, StrengthInput, encoded, strength_fields
from stytch_totp.api.inputs import Flag, SessionArguments, SessionWishes, Text, Texts
from stytch_totp.api.views import reads
from stytch_totp.operations import members, organizations, passwords


class CreateInput(SessionWishes):
    email = Text(longest=254, error=errors.InvalidEmail)
    password = Text(shortest=1)


class AuthenticateInput(SessionArguments, SessionWishes):
    email = Text(shortest=1)
    password = Text(shortest=1)


class MigratedUser(Profile):
    """The fields of a migration that are the User's."""

    phone_number = Text(required=False, longest=32)
    set_email_verified = Flag(required=False)
    set_phone_number_verified = Flag(required=False)
    external_id = Text(required=False, shortest=1, longest=128)
    roles = Texts(required=False)


class MigrateInput(HashInput):
    email = Text(longest=254, error=errors.InvalidEmail)


class PasswordViewSet(ConsumerViewSet):
    @reads(CreateInput, Profile)
    def create(self, request: Request) -> Response:
        data, fields = self.read_each()
        done = passwords.create(
            email=data["email"],
            password=data["password"],
            actor=self.actor,
            **self.caller.wishes(data),
            **self.user_columns(fields),
        )
        email_id = emails(done.member)[0]["email_id"]
        return self.answer(**user_fields(done.member), **granted_fields(done.granted), email_id=email_id)

    @reads(AuthenticateInput)
    def authenticate(self, request: Request) -> Response:
        data, directory = self.read(), organizations.consumer()
        known = members.by_email(directory, data["email"])
        proof, actor = self.caller.joined(self.kind, data, self.actor, known)
        given = {"email": data["email"], "password": data["password"]}
        done = passwords.authenticate(directory, **given, proof=proof, actor=actor, **self.caller.wishes(data))
        return self.answer(**user_fields(done.member), **granted_fields(done.granted))

    @reads(MigrateInput, MigratedUser)
    def migrate(self, request: Request) -> Response:
        data, fields = self.read_each()
        directory, kept = organizations.consumer(), encoded(data)
        user, created = passwords.migrate(
            directory, email=data["email"], encoded=kept, actor=self.actor, **self.user_columns(fields)
        )
        return self.answer(**user_fields(user), email_id=emails(user)[0]["email_id"], user_created=created)

    @reads(StrengthInput)
    def strength_check(self, request: Request) -> Response:
        return self.answer(**strength_fields(self.read(), "feedback"))
