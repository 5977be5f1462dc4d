"""What support sees in Django's admin, and may do there. Everything is read-only; what is done is done by ``acts``."""

from django.contrib import admin

from stytch_totp.admin.events import AuditEventAdmin
from stytch_totp.admin.limits import StaffLimitAdmin
from stytch_totp.admin.members import MemberAdmin
from stytch_totp.admin.organizations import OrganizationAdmin
from stytch_totp.admin.requests import SupportRequestAdmin
from stytch_totp.admin.sessions import SessionAdmin
from stytch_totp.models import AuditEvent, Member, Organization, Session, StaffLimit, SupportRequest

admin.site.register(Organization, OrganizationAdmin)
admin.site.register(Member, MemberAdmin)
admin.site.register(Session, SessionAdmin)
admin.site.register(AuditEvent, AuditEventAdmin)
admin.site.register(SupportRequest, SupportRequestAdmin)
admin.site.register(StaffLimit, StaffLimitAdmin)
