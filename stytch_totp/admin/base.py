"""What every page of ours in the admin keeps to: nothing is changed, nothing secret asked for, nothing counted."""

from datetime import datetime, timezone
from functools import cached_property
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from stytch_totp.models import Member, Session
from stytch_totp.operations.staff import within

NOTHING = "\N{EN DASH}"


class CappedPaginator(Paginator):  # type: ignore[type-arg] # not subscriptable at run time
    """The newest thousand. What lies deeper is found by search and filters: at a million rows, to count them all or
    to skip most of them takes longer than a page may.

    Their keys alone are looked for, which an index may have all of, and once.
    """

    MOST = 1000

    @cached_property
    def keys(self) -> list[Any]:
        rows: Any = self.object_list
        return list(rows.values_list("pk", flat=True)[: self.MOST])

    @cached_property
    def count(self) -> int:
        return len(self.keys)


class CappedChangeList(ChangeList):
    """Shows the rows of the keys that its paginator found. Django would look for them by filters and search again."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        paginator: Any = self.paginator
        first = (self.page_num - 1) * self.list_per_page if self.multi_page else 0
        shown = self.root_queryset.filter(pk__in=paginator.keys[first : first + self.list_per_page])
        self.result_list = shown.order_by(*self.queryset.query.order_by)


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # not subscriptable at run time
    """Rows to be looked at, in lists that go by an index."""

    actions = None
    sortable_by = ()
    list_per_page = 50
    empty_value_display = NOTHING
    list_max_show_all = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # which ``?_facets=`` would count the whole table for
    paginator = CappedPaginator
    search_fields: ClassVar[tuple[str, ...]] = ("pk",)  # shows the field; what is searched is up to ``find``
    change_list_template = "admin/stytch_totp/change_list.html"
    #: Which column leads to the organization that staff may be limited to.
    organization_path: ClassVar[str] = "organization"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        return CappedChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return within(request.user, rows, self.organization_path)  # type: ignore[arg-type]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        text = search_term.strip()
        return (self.find(request, queryset, text) if text and self.search_fields else queryset), False

    def find(self, request: HttpRequest, rows: Any, text: str) -> Any:
        """Those of ``rows`` that ``text`` names, by an index."""
        raise NotImplementedError

    def people(self, request: HttpRequest) -> QuerySet[Member]:
        """Whom the member of staff may see."""
        return within(request.user, Member.objects.all(), "organization")  # type: ignore[arg-type]

    def missing(self, request: HttpRequest) -> HttpResponse:
        """The same for what isn't there and for what somebody may not see."""
        return kept_out(
            self, request, title=_("Not found"), message=_("There is nothing here that you may see."), status=404
        )

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Only what a filter of ours asks for. Django would take any column's: ``?password__startswith=a`` would read
        a hash letter by letter, for who may see the list alone.
        """
        return lookup in {getattr(one, "parameter_name", None) for one in self.list_filter}


def moment(at: int | None) -> str:
    """Seconds since the epoch as local time; a dash for never."""
    if not at:
        return NOTHING
    return date_format(localtime(datetime.fromtimestamp(at, timezone.utc)), "DATETIME_FORMAT")


def link_to(model: str, key: Any, text: str) -> str:
    """A link to the page of a row."""
    return format_html('<a href="{}">{}</a>', reverse(f"admin:stytch_totp_{model}_change", args=[key]), text)


def where(session: Session) -> str:
    """The host or origin that a session was begun at, without the public token that is kept with an origin."""
    return session.place.rpartition(" ")[2] or _("a back end")


def kept_out(
    admin_page: Any, request: HttpRequest, *, title: Any, message: str, status: int = 403, back: str = ""
) -> HttpResponse:
    """A page that says why something can't be done."""
    context = {**admin_page.admin_site.each_context(request), "title": title, "message": message, "back": back}
    return TemplateResponse(request, "admin/stytch_totp/kept_out.html", context, status=status)
