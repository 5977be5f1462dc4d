"""A paid attempt stays paid, whatever becomes of the request (RL-08)."""

import time
from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import make_password
from django.db import transaction

from stytch_totp.models import Guard, Member
from stytch_totp.operations import passwords, recovery, verification
from tests import databases
from tests.factories import ACTOR, code_of, wrong_code
from tests.operations.situations import begin
from tests.races.burst import NO_ANSWER, Call, Figures, hang_up
from tests.races.site import Person, Site, authenticate, opened, recover


@pytest.fixture(scope="module", params=databases.PROMISED)
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=[True, False], ids=["ATOMIC_REQUESTS", "autocommit"])
def site(request: pytest.FixtureRequest, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("rollback")
    with opened(directory, database, asked={"failpoints": True}, atomic_requests=request.param) as made:
        yield made


def failures(site: Site, person: Person, kind: str = "totp") -> int:
    return int(site.desk.budget(member_id=person["member_id"], kind=kind)["failures"])


def untouched(site: Site, person: Person) -> bool:
    """Whether nobody was let in and no code was spent."""
    state = site.desk.state(member_id=person["member_id"])
    return (state["registrations"], state["codes_used"], state["sessions"]) == ([["active", -1]], 0, 0)


def dying(site: Site, how: str, call: Call) -> int:
    """The status of ``call`` when its request dies after the charge."""
    failpoint = site.live.directory / "failpoint"
    failpoint.write_text(how)
    try:
        return site.one(call).status
    finally:
        failpoint.unlink()


def test_rl08_a_wrong_code_raises_and_is_counted(site: Site) -> None:
    person = site.person()
    call = authenticate(person, site.wrong_codes(person, 1)[0], **site.login(person))
    assert site.one(call).status == 401
    assert failures(site, person) == 1
    assert site.desk.events(member_id=person["member_id"])["member:totp:refused"] == 1


def test_rl08_a_wrong_recovery_code_raises_and_is_counted(site: Site) -> None:
    person = site.person()
    assert site.one(recover(person, "zzzz-zzzz-zzzz", **site.login(person))).status == 401
    assert failures(site, person, "recovery") == 1


@pytest.mark.parametrize(
    "claims",
    [{"sub": "me"}, {"https://stytch.com/x": 1}, {"x": "y" * 4097}],
    ids=["reserved", "stytch", "too large"],
)
def test_a_right_code_with_claims_that_cannot_be_taken_is_neither_counted_nor_spent(
    site: Site, claims: dict[str, object]
) -> None:
    person = site.person()
    site.advance(60)
    code, recovery_code = site.code(person), person["codes"][0]
    refused = authenticate(person, code, session_custom_claims=claims, **site.login(person))
    assert site.one(refused).status == 400
    refused = recover(person, recovery_code, session_custom_claims=claims, **site.login(person))
    assert site.one(refused).status == 400
    assert (failures(site, person), failures(site, person, "recovery")) == (0, 0)
    assert untouched(site, person)
    assert site.one(authenticate(person, code, **site.login(person))).status == 200


def test_rl08_an_exception_after_the_charge_is_counted_and_the_code_not_spent(site: Site) -> None:
    person = site.person()
    site.advance(60)
    code = site.code(person)
    assert dying(site, "raise", authenticate(person, code, **site.login(person))) == 500
    assert failures(site, person) == 1
    assert untouched(site, person)
    assert site.one(authenticate(person, code, **site.login(person))).status == 200


def test_rl08_a_worker_killed_after_the_charge_has_counted_it(site: Site, figures: Figures) -> None:
    person = site.person()
    site.advance(60)
    code = site.code(person)
    for deaths in (1, 2):
        call = authenticate(person, code, **site.login(person))
        assert dying(site, "kill", call) == NO_ANSWER
        assert failures(site, person) == deaths
    assert untouched(site, person)
    answers = [site.one(authenticate(person, code, **site.login(person)))]
    figures.add(answers)
    assert answers[0].status == 200
    assert failures(site, person) == 0


def test_rl08_a_client_that_hangs_up_is_counted(site: Site) -> None:
    person = site.person()
    hang_up(site.live.url, authenticate(person, site.wrong_codes(person, 1)[0], **site.login(person)))
    # The server goes on alone, however busy the machine is.
    patience = time.monotonic() + 30
    while not failures(site, person) and time.monotonic() < patience:
        pass
    assert failures(site, person) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("kind", ["totp", "recovery", "password"])
def test_rl08_a_caller_s_transaction_is_refused_before_anything_is_judged(
    enrolled: tuple[Member, str, list[str]], kind: str, right: bool
) -> None:
    """It could take the charge back: an operation inside it raises, with a right code and with a wrong one."""
    member, secret, codes = enrolled
    proof = begin(member)
    Member.objects.filter(pk=member.pk).update(password=make_password("right"))
    judge = {
        "totp": lambda: verification.authenticate(
            member, code=code_of(secret) if right else wrong_code(secret), proof=proof, actor=ACTOR
        ),
        "recovery": lambda: recovery.recover(
            member, code=codes[0] if right else "zzzz-zzzz-zzzz", proof=proof, actor=ACTOR
        ),
        "password": lambda: passwords.authenticate(
            member.organization,
            email=member.email,
            password="right" if right else "wrong",
            proof=None,
            actor=ACTOR,
        ),
    }[kind]
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        judge()
    assert not Guard.objects.filter(member=member, failures__gt=0).exists()
    assert not member.sessions.exists()
