"""Filters that answer by an index."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import BooleanField, Case, QuerySet, When
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from stytch_totp import conf
from stytch_totp.models import Guard, Organization, TOTPRegistration
from stytch_totp.operations.audit import Tag
from stytch_totp.operations.staff import within

State = TOTPRegistration.State
#: Up to how many members are named by their keys, and up to how many kept at hand while the newest are gone through.
#: Asked for a few of a million rows, a database would rather read all; of more, it meets enough among the newest.
FEW, SOME = 2000, 30_000


class ChoiceFilter(SimpleListFilter):
    """A filter of fixed words, each with the rows that it keeps."""

    words: dict[str, Any]
    request: Any = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(self.words.items())

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        self.request = request
        return self.keep(queryset, self.value() or "") if self.value() in self.words else queryset

    def keep(self, rows: QuerySet[Any], word: str) -> QuerySet[Any]:
        raise NotImplementedError


class MemberFilter(ChoiceFilter):
    """By a row of another table that a member has."""

    def of_members(self, rows: QuerySet[Any], found: QuerySet[Any]) -> QuerySet[Any]:
        """Those of ``rows``, members, whose guard or registration is ``found``, in the order of an index."""
        is_alone = set(self.request.GET) <= {self.parameter_name, PolicyFilter.parameter_name, PAGE_VAR}
        few, keys = _first_few(found), found.values("member")
        if len(few) > FEW and not is_alone:
            few = _first_few(found.filter(member__in=rows.order_by().values("pk")))
        if len(few) <= FEW:
            return rows.filter(pk__in=few)
        if is_alone and found[: SOME + 1].count() <= SOME:
            # No join, which would be begun at the wrong end: asked of each row in its turn.
            return rows.filter(Case(When(pk__in=keys, then=True), default=False, output_field=BooleanField()))
        return rows.filter(pk__in=keys)


class MFAFilter(MemberFilter):
    title = _("MFA")
    parameter_name = "mfa"
    words = {"active": _("Enrolled"), "pending": _("Enrolment begun"), "none": _("Not enrolled")}

    def keep(self, rows: QuerySet[Any], word: str) -> QuerySet[Any]:
        if word == "pending":
            begun = TOTPRegistration.objects.filter(state=State.PENDING, expires_at__gt=conf.now())
            return self.of_members(rows, begun.order_by("-expires_at"))
        return rows.filter(has_active_totp=word == "active")


class LockFilter(MemberFilter):
    title = _("lock")
    parameter_name = "lock"
    words = {"locked": _("Locked now")}

    def keep(self, rows: QuerySet[Any], word: str) -> QuerySet[Any]:
        return self.of_members(rows, Guard.objects.filter(locked_until__gt=conf.now()).order_by("-locked_until"))


class PolicyFilter(ChoiceFilter):
    """Of an organization; of members, by their organization."""

    title = _("MFA policy")
    parameter_name = "policy"
    words = {
        Organization.MFAPolicy.REQUIRED_FOR_ALL.value: _("Required for all"),
        Organization.MFAPolicy.OPTIONAL.value: _("Optional"),
    }

    def keep(self, rows: QuerySet[Any], word: str) -> QuerySet[Any]:
        if rows.model is Organization:
            return rows.filter(mfa_policy=word)
        # By their keys, whose numbers of members the database knows: it can't guess those of a policy.
        homes = within(self.request.user, Organization.objects.filter(mfa_policy=word), "pk").values_list(
            "pk", flat=True
        )
        few = list(homes[: FEW + 1])
        return rows.filter(organization__in=few if len(few) <= FEW else homes)


class TagFilter(ChoiceFilter):
    title = _("event")
    parameter_name = "tag"
    words = dict(Tag.choices)

    def keep(self, rows: QuerySet[Any], word: str) -> QuerySet[Any]:
        return rows.filter(tag=word)


class LiveFilter(ChoiceFilter):
    title = _("state")
    parameter_name = "live"
    words = {"yes": _("Live")}

    def keep(self, rows: Any, word: str) -> Any:
        return rows.live(conf.now())


def _first_few(found: QuerySet[Any]) -> list[Any]:
    """Whose they are; one more than few, if they are more."""
    return list(found.values_list("member", flat=True)[: FEW + 1])
