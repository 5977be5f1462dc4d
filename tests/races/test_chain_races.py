"""Many requests of one organization at once: every answer is on record once, and the chain holds (AA-06, AA-07)."""

from tests.races.burst import CLIENTS, Figures, statuses, succeeded
from tests.races.site import Site, authenticate
from tests.races.surfaces import BACK_END


def test_aa06_of_64_at_once_each_is_on_record_once_and_the_chain_holds(site: Site, figures: Figures) -> None:
    people = site.people(BACK_END, CLIENTS // 2)
    site.advance(60)
    codes = [site.code(person) for person in people]
    right = [authenticate(person, code, **site.login(person)) for person, code in zip(people, codes, strict=True)]
    wrong = [authenticate(person, site.wrong_codes(person, 1)[0], **site.login(person)) for person in people]
    answers = site.burst([*right, *wrong])
    figures.add(answers)
    assert statuses(answers)[200] == len(people)
    told = site.desk.told(member_ids=[person["member_id"] for person in people])
    assert told["member:totp:authenticated"] == len(succeeded(answers))
    assert told["member:totp:refused"] == len(people)
    site.live.manage("stytch_totp_verify_audit")  # fails if anything is missing, changed or twice
