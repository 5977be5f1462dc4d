"""Events take their place in their organization's chain, one after the other, whatever happens at the same moment."""

from contextlib import nullcontext
from itertools import pairwise
from unittest import mock

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from stytch_totp import conf
from stytch_totp.core.chain import START
from stytch_totp.core.sealing import UnknownKey, generate_key
from stytch_totp.models import AuditChain, AuditEvent
from stytch_totp.models.audit import AuditChainQuerySet
from stytch_totp.operations.audit import SYSTEM, Actor, Tag, record
from tests.factories import ACTOR, OrganizationFactory

pytestmark = pytest.mark.django_db


def chain_of(organization):
    return AuditChain.objects.get(pk=organization.pk if organization else AuditChain.NOBODYS)


def events_of(organization):
    return list(AuditEvent.objects.filter(organization_id=organization and organization.pk).order_by("sequence"))


def write(count, organization, **details):
    for _ in range(count):
        record(Tag.ORGANIZATION_UPDATED, ACTOR, organization=organization, **details)


def is_whole(organization):
    """Whether the chain is the one that its events make, and sealed."""
    chain, events = chain_of(organization), events_of(organization)
    links = [START, *(event.link for event in events)]
    right = [event.link == event.link_after(before) for event, before in zip(events, links, strict=False)]
    ends = (chain.length, chain.head) == (len(events), links[-1])
    return all(right) and ends and chain.is_sealed and [one.sequence for one in events] == [*range(1, len(events) + 1)]


def test_aa07_each_organization_has_a_chain_of_its_own():
    one, other = OrganizationFactory.create_batch(2)
    write(3, one)
    write(2, other)
    write(1, None)
    assert [chain_of(each).length for each in (one, other, None)] == [3, 2, 1]
    assert all(map(is_whole, (one, other, None)))


def test_aa07_an_event_read_back_has_the_link_that_was_written(organization):
    actor = Actor("browser", "ü" * 100, "r", "p", "2001:db8::1", "Mozilla \u202e \U0001f600")
    record(Tag.MFA_REQUIRED, actor, organization=organization, reason="because, \U0001f600 'so'", rows=10**12, name="ß")
    assert is_whole(organization)


def test_aa07_an_event_rolled_back_leaves_no_gap(organization):
    write(1, organization)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        write(2, organization)
        raise ZeroDivisionError
    write(1, organization)
    assert is_whole(organization)
    assert chain_of(organization).length == 2


@pytest.mark.parametrize("before", [0, 2])
def test_aa07_who_was_overtaken_appends_behind_the_other(organization, monkeypatch, before):
    """Another request appends after the chain was read and before it is written."""
    write(before, organization)
    append, first = type(AuditChain.objects.all()).first, []

    def overtaken(rows):
        found = append(rows)
        if not first:
            first.append(found)
            write(1, organization)
        return found

    monkeypatch.setattr(type(AuditChain.objects.all()), "first", overtaken)
    write(1, organization)
    assert is_whole(organization)
    assert chain_of(organization).length == before + 2


def test_aa07_what_a_database_writer_rewrites_is_not_sealed(organization):
    write(2, organization)
    forged = {"length": 1, "head": "a" * 64, "first": 2, "base": "b" * 64, "seal": "c" * 64}
    for column, value in forged.items():
        chain = chain_of(organization)
        setattr(chain, column, value)
        assert not chain.is_sealed


def test_aa07_a_seal_is_of_its_own_chain():
    one, other = OrganizationFactory.create_batch(2)
    write(1, one)
    chain = AuditChain(pk=other.pk, length=1, head=chain_of(one).head, seal=chain_of(one).seal)
    assert not chain.is_sealed
    assert AuditChain(pk=other.pk).is_sealed


def test_cr06_a_seal_of_a_former_key_holds_until_that_key_is_dropped(organization, configure, settings):
    write(1, organization)
    former, fresh = settings.STYTCH_TOTP["KEYRING"], generate_key("fresh")
    configure(KEYRING=[fresh, *former])
    assert chain_of(organization).is_sealed
    write(1, organization)
    assert is_whole(organization)
    kept = chain_of(organization).seal
    for kid in ("other", "fresh"):  # what a key is called says nothing
        configure(KEYRING=[generate_key(kid)])
        with pytest.raises(UnknownKey):
            record(Tag.ORGANIZATION_UPDATED, SYSTEM, organization=organization)
    configure(KEYRING=[fresh])
    assert chain_of(organization).seal == kept
    assert is_whole(organization)


@pytest.mark.parametrize("overtaken", [False, True])
def test_cr07_without_the_key_a_requests_event_has_no_place(organization, configure, settings, overtaken):
    write(2, organization)
    former, before = settings.STYTCH_TOTP["KEYRING"], AuditChain.objects.filter(pk=organization.pk).values().get()
    configure(KEYRING=[generate_key("other")])
    missed = mock.patch.object(AuditChainQuerySet, "first", return_value=None) if overtaken else nullcontext()
    with missed:
        record(Tag.ORGANIZATION_UPDATED, ACTOR, organization=organization)
    assert AuditChain.objects.filter(pk=organization.pk).values().get() == before
    assert [one.sequence for one in AuditEvent.objects.order_by("pk")] == [1, 2, None]
    configure(KEYRING=former)
    write(1, organization)
    assert (chain_of(organization).length, chain_of(organization).is_sealed) == (3, True)


@pytest.mark.parametrize("seal", ["", "0" * 64, "é:" + "0" * 64, "0" * 16 + "0:"])
def test_a_seal_that_is_none_holds_nobody_up(organization, seal):
    write(1, organization)
    AuditChain.objects.filter(pk=organization.pk).update(seal=seal)
    write(1, organization)
    assert not chain_of(organization).is_sealed


def test_without_the_chain_events_are_written_alone(organization, configure):
    configure(AUDIT_CHAIN=False)
    with CaptureQueriesContext(connection) as captured:
        write(1, organization)
    assert len(captured) == 1
    event = AuditEvent.objects.get()
    assert (event.sequence, event.link) == (None, "")
    assert not AuditChain.objects.exists()


def test_a_link_costs_two_statements(organization):
    write(1, organization)
    with CaptureQueriesContext(connection) as captured:
        write(1, organization)
    assert [one["sql"].split()[0] for one in captured] == ["SELECT", "UPDATE", "INSERT"]


def test_aa06_an_event_says_from_where_and_why(organization):
    actor = Actor("staff", "7", "request-id", "host", "192.0.2.1", "Firefox")
    record(Tag.MFA_REQUIRED, actor, organization=organization, reason="a good reason", members=3)
    event = AuditEvent.objects.get()
    assert (event.actor_kind, event.actor_id, event.ip_address) == ("staff", "7", "192.0.2.1")
    assert (event.reason, event.details, event.at) == ("a good reason", {"members": 3}, conf.now())
    assert len(event.user_agent_digest) == 64
    record(Tag.MFA_REQUIRED, SYSTEM, organization=organization)
    assert events_of(organization)[1].user_agent_digest == ""


def test_links_differ(organization):
    write(3, organization)
    assert all(one.link != other.link for one, other in pairwise(events_of(organization)))


@pytest.mark.parametrize("forged", [{"head": "a" * 64}, {"length": 1}, {"length": 0, "head": "b" * 64}, {"first": 2}])
def test_aa07_nobody_seals_what_a_database_writer_has_rewritten(organization, forged):
    """Not even the next event, which anybody can have written."""
    write(3, organization)
    AuditEvent.objects.filter(sequence__gt=forged.get("length", 3)).expire()
    AuditChain.objects.filter(pk=organization.pk).update(**forged)
    write(2, organization)
    assert not chain_of(organization).is_sealed
