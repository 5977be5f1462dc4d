"""To which organizations members of staff are limited: for superusers, who aren't."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stytch_totp.admin.acts import owed, staff_at
from stytch_totp.models import StaffLimit
from stytch_totp.operations.audit import Tag, record


class StaffLimitAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # not subscriptable at run time
    """The one page of ours that has a form: it says who may see whom, so it takes a second factor just shown."""

    list_display = ("staff", "limited_to")
    raw_id_fields = ("user",)
    autocomplete_fields = ("organizations",)
    actions = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _may(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _may(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may(request)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return owed(request) or super().changeform_view(request, *args, **kwargs)  # type: ignore[arg-type]

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return owed(request) or super().delete_view(request, *args, **kwargs)  # type: ignore[arg-type]

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        limit: StaffLimit = form.instance
        former = form.initial.get("user")
        if former and former != limit.user_id:
            record(Tag.STAFF_UNLIMITED, staff_at(request).actor, user=str(former))
        slugs = ", ".join(limit.organizations.values_list("slug", flat=True))
        record(Tag.STAFF_LIMITED, staff_at(request).actor, user=str(limit.user_id), organizations=slugs)

    def delete_model(self, request: Any, obj: StaffLimit) -> None:
        user = str(obj.user_id)
        super().delete_model(request, obj)
        record(Tag.STAFF_UNLIMITED, staff_at(request).actor, user=user)

    def get_queryset(self, request: HttpRequest) -> QuerySet[StaffLimit]:
        return super().get_queryset(request).select_related("user").prefetch_related("organizations")

    @admin.display(description=gettext_lazy("member of staff"))
    def staff(self, limit: StaffLimit) -> str:
        return str(limit)

    @admin.display(description=gettext_lazy("organizations"))
    def limited_to(self, limit: StaffLimit) -> str:
        return ", ".join(one.slug for one in limit.organizations.all()) or _("None")


def _may(request: Any) -> bool:
    """Who could limit others could free themselves, so it takes somebody who is never limited."""
    return bool(request.user.is_active and request.user.is_superuser)
