"""Sent after the commit of what they tell. A receiver can't undo it and, if it raises, can't break it."""

from django.dispatch import Signal

#: ``event``: the AuditEvent that was written.
audit_event_recorded = Signal()
