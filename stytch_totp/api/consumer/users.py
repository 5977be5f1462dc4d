"""``users`` (contract 2.1)."""

from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.api.consumer.base import ConsumerViewSet, Profile
from stytch_totp.api.consumer.objects import emails, phone_numbers, user_fields, user_object
from stytch_totp.api.inputs import Flag, Text, Texts
from stytch_totp.api.searching import SearchInput, page_fields, query_of
from stytch_totp.api.views import reads
from stytch_totp.operations import enrolment, members, organizations, search


class UserUpdate(Profile):
    external_id = Text(required=False, shortest=1, longest=128)
    roles = Texts(required=False)


class SelfUpdate(Profile):
    """What a page may change of its own user."""


class UserCreate(UserUpdate):
    email = Text(required=False, default="", longest=254, error=errors.InvalidEmail)
    phone_number = Text(required=False, longest=32)
    create_user_as_pending = Flag(required=False, default=False)


class UserViewSet(ConsumerViewSet):
    @reads(UserCreate)
    def create(self, request: Request) -> Response:
        data = self.read()
        if not data["email"] and not data.get("phone_number"):
            raise errors.BadRequest("email or phone_number is required.")
        user = members.create(organizations.consumer(), actor=self.actor, **self.user_columns(data))
        ids = {
            "email_id": emails(user)[0]["email_id"] if user.email else "",
            "phone_id": phone_numbers(user)[0]["phone_id"] if user.mfa_phone_number else "",
        }
        return self.answer(**user_fields(user), **ids, status=user.status)

    def retrieve(self, request: Request, user_id: str = "") -> Response:
        return self.answer(**user_object(self.caller.user(user_id)))

    @reads(UserUpdate)
    def update(self, request: Request, user_id: str) -> Response:
        return self._update(user_id)

    @reads(SelfUpdate)
    def update_self(self, request: Request) -> Response:
        return self._update("")

    def destroy(self, request: Request, user_id: str) -> Response:
        user = self.caller.user(user_id)
        members.delete(user, actor=self.actor)
        return self.answer(user_id=user.public_id)

    def destroy_external_id(self, request: Request, user_id: str) -> Response:
        user = members.update(self.caller.user(user_id), actor=self.actor, external_id=None)
        return self.answer(**user_fields(user))

    def destroy_totp(self, request: Request, totp_id: str) -> Response:
        user = self.caller.user_with_totp(totp_id)
        return self.answer(**user_fields(enrolment.delete(user, actor=self.actor, proof=self.caller.session)))

    @reads(SearchInput)
    def search(self, request: Request) -> Response:
        wanted = self.read()
        page = search.users(query_of(wanted), cursor=wanted["cursor"], limit=wanted["limit"])
        return self.answer(results=[user_object(row) for row in page.rows], **page_fields(page))

    def _update(self, user_id: str) -> Response:
        user = self.caller.user(user_id)
        user = members.update(user, actor=self.actor, **self.user_columns(self.read()))
        return self.answer(
            **user_fields(user), emails=emails(user), phone_numbers=phone_numbers(user), crypto_wallets=[]
        )
