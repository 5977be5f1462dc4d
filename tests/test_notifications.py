"""What members are told by e-mail: of which events, in which words, and what no mail may hold or break."""

import logging
import re
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path
from smtplib import SMTPRecipientsRefused

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone, translation

from stytch_totp import notifications
from stytch_totp.models import AuditEvent, Guard, Member, Organization, TOTPRegistration
from stytch_totp.operations import attempts, enrolment, members, organizations, recovery, verification
from stytch_totp.operations.audit import Actor, Tag, record
from tests.clock import CLOCK
from tests.factories import ACTOR, code_of, enrol, make_member, wrong_code
from tests.operations.situations import PASSWORD, begin, person, refusal, session_of

HOUR = 3600
PAGE = Actor("browser", "", "request-id-test-tests", "app.example.org", "192.0.2.7")
STAFF = Actor("staff", "1", "request-id-test-tests", "", "198.51.100.9")
#: What the queue of the host of these tests was handed.
QUEUE = []


@pytest.fixture
def mails(django_capture_on_commit_callbacks):
    """Do something, commit, and get the mails that it sent: ``mails(work)``."""

    def sent_by(work):
        before = len(mail.outbox)
        with django_capture_on_commit_callbacks(execute=True):
            work()
        return mail.outbox[before:]

    return sent_by


@pytest.fixture
def tell(mails, organization):
    """The mail that an event of this tag sends: None for none."""

    def told(tag, actor=PAGE, *, member=None, **more):
        about = member or make_member(organization=organization)
        sent = mails(partial(record, tag, actor, member=about, **more))
        assert len(sent) <= 1
        return sent[0] if sent else None

    return told


def fresh(member):
    """The member with a TOTP that was set up long ago, its secret and its codes."""
    secret, codes = enrol(member)
    CLOCK.advance(2 * HOUR)
    return members.reload(member), secret, codes


def headers_of(message):
    """The headers of a mail as whoever receives it reads them."""
    return message_from_bytes(message.message().as_bytes(), policy=policy.default)


def step_up(member, code, proof=None):
    return verification.authenticate(member, code=code, proof=proof or session_of(member, "password"), actor=PAGE)


def recover(member, code):
    return recovery.recover(member, code=code, proof=session_of(member, "password"), actor=PAGE)


# Which events, and their words


def add(member):
    proof = session_of(member, "password")
    made = enrolment.create(member, proof=proof, actor=PAGE)
    step_up(made.member, code_of(made.secret), proof)


def bring_along(member):
    enrol(member)


def remove(member):
    about, _, _ = fresh(member)
    mail.outbox.clear()
    enrolment.delete(about, actor=ACTOR)


def use_recovery_code(member):
    about, _, codes = fresh(member)
    recover(about, codes[0])


def show_codes(member):
    about, _, _ = fresh(member)
    enrolment.show_recovery_codes(about, actor=ACTOR)


def replace_codes(member):
    about, _, _ = fresh(member)
    enrolment.rotate_recovery_codes(about, actor=ACTOR)


def repeat_code(member):
    about, secret, _ = fresh(member)
    step_up(about, code_of(secret))
    assert refusal(lambda: step_up(members.reload(about), code_of(secret)))


def repeat_recovery_code(member):
    about, _, codes = fresh(member)
    recover(about, codes[0])
    assert refusal(lambda: recover(members.reload(about), codes[0]))


def lock(member):
    about, secret, _ = fresh(member)
    for _ in range(10):
        assert refusal(lambda: step_up(members.reload(about), wrong_code(secret)))


STORIES = [
    (add, "An authenticator app was added to your account", "somebody else knows your password"),
    (bring_along, "An authenticator app was added to your account", "somebody else knows your password"),
    (remove, "The authenticator app was removed from your account", "set up an authenticator app again"),
    (use_recovery_code, "A recovery code was used", "9 codes are left."),
    (show_codes, "Your recovery codes were shown", "replace the recovery codes at once"),
    (replace_codes, "Your recovery codes were replaced", "None of the old ones works any more."),
    (repeat_code, "A code from your app was shown again", "on a forged page"),
    (repeat_recovery_code, "A used recovery code was shown again", "on a forged page"),
    (lock, "Too many wrong attempts: your account is locked for a while", "until Jan. 15, 2027, 11 a.m. UTC."),
]


@pytest.mark.parametrize(("story", "subject", "words"), STORIES, ids=[story.__name__ for story, *_ in STORIES])
def test_en12_each_act_sends_one_mail_that_says_what_happened(mails, member, story, subject, words):
    sent = [one for one in mails(partial(story, member)) if one.subject == f"Example: {subject}"]
    assert len(sent) == 1
    assert sent[0].to == [member.email]
    assert words in sent[0].body
    assert re.search("If this wasn't you, .*[Cc]hange (it|your password)", sent[0].body)


def test_en12_setting_up_an_app_sends_nothing_else(mails, member):
    assert len(mails(partial(add, member))) == 1


def test_rc11_each_recovery_code_tells_how_many_are_left(mails, member):
    about, _, codes = fresh(member)
    left = []
    for code in codes:
        [sent] = mails(lambda code=code: recover(members.reload(about), code))
        left.append(re.search(r"\d+ codes? (is|are) left\..*", sent.body)[0])
    assert left[0] == "9 codes are left."
    assert left[8] == "1 code is left. Make new ones while you have your phone."
    assert left[9] == "0 codes are left. Make new ones while you have your phone."


def test_aa05_a_reset_is_told_without_the_words_of_staff(tell):
    sent = tell(Tag.MFA_RESET, STAFF, reason="Called from a new phone, sounded hurried")
    assert sent.subject == "Example: Support reset your second factor"
    assert "you are logged out everywhere" in sent.body
    assert "hurried" not in sent.body


TOLD = dict(notifications._TEMPLATES)


@pytest.mark.parametrize("tag", [tag for tag in Tag if tag not in TOLD])
def test_of_anything_else_nobody_is_told(tell, tag):
    assert tell(tag) is None


def test_the_mail_says_whose_account_when_and_from_where(tell, organization):
    member = make_member(organization=organization, email="Ada@example.com")
    assert tell(Tag.TOTP_DELETED, member=member).body == (
        "The authenticator app was removed from your account. Its codes and the recovery codes no longer work.\n"
        "\n"
        "Account: Ada@example.com\n"
        f"Organization: {organization.name}\n"
        "Site: Example\n"
        "When: Jan. 15, 2027, 8 a.m. UTC\n"
        "From the IP address: 192.0.2.7\n"
        "\n"
        "If this was you, there is nothing to do.\n"
        "\n"
        "If this wasn't you, change your password at once and set up an authenticator app again. "
        "Then tell whoever administers your organization.\n"
        "\n"
        "This e-mail has no link, on purpose. Open the site as you always do.\n"
    )


def test_a_user_belongs_to_the_site_alone(tell):
    body = tell(Tag.TOTP_DELETED, member=make_member(organization=organizations.consumer())).body
    assert "Organization:" not in body
    assert "\nSite: Example\n" in body
    assert "Then tell the support of the site." in body


@pytest.mark.parametrize("kind", ["project", "member", "staff"])
def test_the_address_of_a_server_or_of_staff_is_not_told(tell, kind):
    body = tell(Tag.MFA_RESET, Actor(kind, "1", ip_address="198.51.100.9")).body
    assert "198.51.100.9" not in body
    assert "IP address" not in body


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8::7", "2001:db8::7"),
        ("fe80::1%call +49 30 555", "fe80::1"),
        ("", None),
        ("evil.example/log-in", None),
        ("192.0.2.7, evil.example", None),
        ("192.0.2.7\nCall us", None),
    ],
)
def test_aa09_only_an_address_is_told_as_one(tell, given, told):
    body = tell(Tag.TOTP_DELETED, Actor("browser", ip_address=given)).body
    found = re.search(r"From the IP address: (.*)", body)
    assert (found and found[1]) == told
    assert not re.search("evil|call", body, re.IGNORECASE)


# Locks


def spend(member, kind, count):
    """So many attempts that are all charged before the first is refused, as parallel ones are."""
    proofs = [begin(member) for _ in range(count)]
    charged = [refusal(partial(attempts.charge, member, kind, proof, PAGE)) for proof in proofs]
    for error in charged:
        if error is None:
            attempts.refuse(member, kind, Tag.TOTP_REFUSED, PAGE)


def test_rl18_parallel_wrong_codes_that_lock_send_one_mail_a_lock(mails, member):
    assert [one.subject[:29] for one in mails(partial(spend, member, Guard.Kind.TOTP, 14))] == [
        "Example: Too many wrong attem"
    ]
    CLOCK.advance(HOUR + 1)
    [again] = mails(partial(spend, member, Guard.Kind.TOTP, 14))
    assert "until Jan. 15, 2027, 11 a.m. UTC." in again.body  # twice as long


LOCKS = {
    Guard.Kind.TOTP: ("Wrong codes were entered", "is guessing your second factor"),
    Guard.Kind.RECOVERY: ("Wrong recovery codes were entered", "is guessing your second factor"),
    Guard.Kind.PASSWORD: ("A wrong password was entered", "is guessing your password"),
}


@pytest.mark.parametrize("kind", LOCKS)
def test_rl18_a_lock_is_told_by_its_kind_and_end(mails, configure, member, kind):
    what, advice = LOCKS[kind]
    configure(LOCK_THRESHOLD=3, LOCK_MINUTES=90)
    other = Guard.Kind.TOTP if kind != Guard.Kind.TOTP else Guard.Kind.PASSWORD
    mails(partial(spend, member, other, 3))
    CLOCK.advance(60)
    [sent] = mails(partial(spend, member, kind, 3))
    assert sent.body.startswith(what)
    assert "until Jan. 15, 2027, 9:31 a.m. UTC." in sent.body
    assert advice in sent.body


def test_a_lock_that_was_lifted_meanwhile_has_no_end(tell):
    body = tell(Tag.GUARD_LOCKED).body
    assert body.startswith("Wrong codes were entered for your account too many times.\n")
    assert "until" not in body


# What is told once


@pytest.mark.parametrize("tag", [Tag.TOTP_REPLAYED, Tag.RECOVERY_CODE_REPLAYED, Tag.RECOVERY_CODES_SHOWN])
def test_rl18_what_costs_no_attempt_is_told_once_an_hour(tell, organization, tag):
    member = make_member(organization=organization)
    assert tell(tag, member=member)
    for _ in range(3):
        CLOCK.advance(HOUR - 1)
        assert tell(tag, member=member) is None
    assert tell(tag)  # to somebody else
    CLOCK.advance(HOUR)
    assert tell(tag, member=member)


@pytest.mark.parametrize("tag", [Tag.RECOVERY_CODES_SHOWN, Tag.RECOVERY_CODES_ROTATED])
def test_the_codes_of_a_new_totp_are_no_news_for_ten_minutes(tell, organization, tag):
    member = make_member(organization=organization)
    assert tell(Tag.TOTP_ACTIVATED, member=member)
    CLOCK.advance(599)
    assert tell(tag, member=member) is None
    CLOCK.advance(2 * HOUR)
    assert tell(tag, member=member)


@pytest.mark.parametrize("tag", [Tag.RECOVERY_CODE_SPENT, Tag.RECOVERY_CODES_ROTATED, Tag.TOTP_DELETED])
def test_what_changes_something_is_told_each_time(tell, organization, tag):
    member = make_member(organization=organization)
    assert tell(tag, member=member)
    assert tell(tag, member=member)


def test_what_the_page_about_them_lists_is_what_is_told():
    page = (Path(__file__).parent.parent / "docs" / "notifications.md").read_text()
    rows = re.findall(r"^\| [^|]+ \| (`member:[^|]+) \| `(\w+)\.txt` \|$", page, re.MULTILINE)
    assert {tag: name for tags, name in rows for tag in re.findall("`(.+?)`", tags)} == TOLD
    templates = Path(notifications.__file__).parent / "templates" / "stytch_totp" / "mail"
    assert {one.stem for one in templates.iterdir()} == {"base", *TOLD.values()}
    blocks = {found for one in templates.iterdir() for found in re.findall(r"{% block (\w+)", one.read_text())}
    assert {one for one in blocks if f"`{one}`" not in page} == set()


# To whom


def test_who_has_no_address_is_told_nothing(tell):
    member = make_member(organization=organizations.consumer(), email="", email_key=None)
    assert tell(Tag.TOTP_DELETED, member=member) is None


def test_who_is_gone_is_told_nothing(tell, organization):
    member = make_member(organization=organization)
    Member.objects.filter(pk=member.pk).delete()
    assert tell(Tag.TOTP_DELETED, member=member) is None


def test_who_was_deleted_since_is_told_what_came_before(tell, organization):
    member = make_member(organization=organization)
    members.delete(member, actor=ACTOR)
    assert tell(Tag.TOTP_DELETED, member=member).to == [member.email]


# When


@pytest.mark.django_db(transaction=True)
def test_what_was_rolled_back_is_not_told():
    member = make_member()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enrol(member)
        raise ZeroDivisionError
    assert mail.outbox == []
    with transaction.atomic():
        enrol(member)
        assert mail.outbox == []
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_rc11_a_request_tells_before_it_is_answered(api):
    member = person()
    _, codes = enrol(member)
    mail.outbox.clear()
    names = {"organization_id": member.organization.public_id, "email_address": member.email}
    login = api("POST", "/v1/b2b/passwords/authenticate", {**names, "password": PASSWORD}).json()
    answer = api(
        "POST",
        "/v1/b2b/recovery_codes/recover",
        {
            "organization_id": member.organization.public_id,
            "member_id": member.public_id,
            "recovery_code": codes[0],
            "session_token": login["session_token"],
        },
    )
    assert answer.status_code == 200, answer.content
    assert [one.subject for one in mail.outbox] == ["Example: A recovery code was used"]


def test_the_setting_turns_it_off_and_nothing_is_asked(configure, mails, member, django_assert_num_queries):
    configure(NOTIFY_MEMBERS=False)
    assert mails(partial(add, member)) == []
    event = AuditEvent.objects.get(tag=Tag.TOTP_ACTIVATED)
    with django_assert_num_queries(0):
        notifications._tell(event=event)


@pytest.mark.parametrize(
    ("tag", "statements"),
    [
        (Tag.TOTP_AUTHENTICATED, 0),
        (Tag.TOTP_ACTIVATED, 1),
        (Tag.TOTP_DELETED, 1),
        (Tag.RECOVERY_CODE_SPENT, 2),
        (Tag.TOTP_REPLAYED, 2),
        (Tag.GUARD_LOCKED, 2),
    ],
)
def test_a_mail_takes_two_statements_at_most(member, django_assert_num_queries, tag, statements):
    record(tag, PAGE, member=member)
    event = AuditEvent.objects.get(tag=tag)
    with django_assert_num_queries(statements):
        notifications._tell(event=event)


# What fails


def refuse_to_send(message):
    raise SMTPRecipientsRefused({message.to[0]: (550, b"no such mailbox")})


@pytest.mark.django_db(transaction=True)
def test_f11_a_mail_server_that_is_down_breaks_nothing_and_is_heard_of(configure, caplog, member):
    configure(SEND_NOTIFICATION=f"{__name__}.refuse_to_send")
    with caplog.at_level(logging.DEBUG):
        enrol(member)
    assert TOTPRegistration.objects.get(member=member).state == "active"
    [line] = caplog.records
    assert (line.name, line.levelname) == ("stytch_totp", "ERROR")
    assert line.getMessage() == "Nobody was told of member:totp:migrated: SMTPRecipientsRefused"
    assert line.exc_info is None
    assert member.email not in caplog.text


def test_f11_a_template_that_is_broken_breaks_nothing(tell, caplog, override_mail):
    override_mail("totp_removed", "{% extends 'nowhere.txt' %}")
    assert tell(Tag.TOTP_DELETED) is None
    assert "Nobody was told of member:totp:deleted: TemplateDoesNotExist" in caplog.text


# What the host decides


def to_queue(message):
    QUEUE.append(message)


@pytest.mark.parametrize("sender", [f"{__name__}.to_queue", to_queue], ids=["path", "function"])
def test_a_queue_is_handed_the_message(configure, tell, sender):
    configure(SEND_NOTIFICATION=sender)
    QUEUE.clear()
    assert tell(Tag.TOTP_DELETED) is None
    assert [one.subject for one in QUEUE] == ["Example: The authenticator app was removed from your account"]
    assert mail.outbox == []
    QUEUE[0].send()
    assert [one.to for one in mail.outbox] == [one.to for one in QUEUE]


@pytest.fixture
def override_mail(settings, tmp_path):
    """Put a template of the host's before ours."""

    def override(name, text):
        path = tmp_path / "stytch_totp" / "mail" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        [engine] = settings.TEMPLATES
        settings.TEMPLATES = [{**engine, "DIRS": [tmp_path, *engine["DIRS"]]}]

    return override


def test_a_host_changes_a_block_of_every_mail(tell, override_mail):
    override_mail(
        "base",
        '{% extends "stytch_totp/mail/base.txt" %}{% block help %}Call 555.{% endblock %}'
        "{% block subject_prefix %}[{{ organization }}] {% endblock %}",
    )
    for tag, subject in (
        (Tag.TOTP_DELETED, "The authenticator app was removed from your account"),
        (Tag.TOTP_ACTIVATED, "An authenticator app was added to your account"),
    ):
        sent = tell(tag)
        assert re.fullmatch(rf"\[Organization \d+\] {subject}", sent.subject)
        assert "Call 555." in sent.body
        assert "administers" not in sent.body


def test_a_host_changes_a_block_of_one_mail(tell, override_mail):
    override_mail(
        "mfa_reset",
        '{% extends "stytch_totp/mail/mfa_reset.txt" %}{% block subject %}We\nhelped <you>{% endblock %}',
    )
    assert tell(Tag.MFA_RESET).subject == "Example: We helped <you>"
    assert tell(Tag.TOTP_DELETED).subject == "Example: The authenticator app was removed from your account"


def test_the_site_and_not_the_request_says_in_which_language_and_zone(tell, settings):
    settings.LANGUAGE_CODE, settings.TIME_ZONE = "de", "Europe/Berlin"
    with translation.override("es"), timezone.override("America/New_York"):
        body = tell(Tag.TOTP_DELETED).body
        assert translation.get_language() == "es"
    assert " 15. Januar 2027 09:00 CET\n" in body


def test_a_german_site_tells_in_german(tell, settings):
    settings.LANGUAGE_CODE = "de"
    sent = tell(Tag.TOTP_DELETED)
    assert sent.subject == "Example: Die Authenticator-App wurde aus Ihrem Konto entfernt"
    assert "\n\nWaren Sie das nicht, ändern Sie sofort Ihr Passwort und " in sent.body


# What no mail may hold


def test_aa08_no_mail_holds_a_code_a_secret_or_a_link(mails, member):
    canaries = []

    def live():
        proof = session_of(member, "password")
        made = enrolment.create(member, proof=proof, actor=PAGE)
        used = code_of(made.secret)
        granted = step_up(made.member, used, proof).granted
        assert refusal(lambda: step_up(members.reload(member), used))
        recover(members.reload(member), made.recovery_codes[0])
        assert refusal(lambda: recover(members.reload(member), made.recovery_codes[0]))
        CLOCK.advance(2 * HOUR)
        enrolment.show_recovery_codes(members.reload(member), actor=ACTOR)
        fresh_codes = enrolment.rotate_recovery_codes(members.reload(member), actor=ACTOR)
        wrong = wrong_code(made.secret)
        for _ in range(10):
            assert refusal(lambda: step_up(members.reload(member), wrong))
        enrolment.delete(members.reload(member), actor=ACTOR)
        record(Tag.MFA_RESET, STAFF, member=member, reason="canary-of-staff")
        canaries.extend([made.secret, used, wrong, granted.token, granted.jwt, "canary-of-staff", "http", "://"])
        canaries.extend([*made.recovery_codes, *fresh_codes, member.public_id, str(member.pk)])

    sent = mails(live)
    assert {one.subject for one in sent} >= {f"Example: {subject}" for _, subject, _ in STORIES}
    assert len(sent) == 9
    for one in sent:
        text = one.message().as_string() + one.body
        assert [canary for canary in canaries if canary in text] == []


NAMES = [
    "Acme\r\nBcc: everybody@example.net",
    "Acme\nBcc: everybody@example.net",
    "Acme\r\n\r\nYour account is closed.",
    "Acme\u2028Bcc: x\u2029\x85\x0b\x0c\x1c\x00y",
    "Acme\u202eemca",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_aa09_a_name_makes_no_header_and_no_line_of_its_own(tell, override_mail, name):
    """Whatever brought such a name into the database: operations refuse it."""
    override_mail(
        "base", '{% extends "stytch_totp/mail/base.txt" %}{% block subject_prefix %}{{ organization }}: {% endblock %}'
    )
    member = make_member(organization__name=name)
    sent = tell(Tag.TOTP_DELETED, member=member)
    read = headers_of(sent)
    assert sorted(read.keys()) == sorted(
        [
            "Content-Type",
            "MIME-Version",
            "Content-Transfer-Encoding",
            "Subject",
            "From",
            "To",
            "Date",
            "Message-ID",
            "Auto-Submitted",
        ]
    )
    assert len(sent.subject.splitlines()) == 1
    assert read["Subject"].startswith("Acme ")
    assert sent.recipients() == [member.email]
    facts = sent.body.split("\n\n")[1].splitlines()
    assert [line.partition(":")[0] for line in facts] == [
        "Account",
        "Organization",
        "Site",
        "When",
        "From the IP address",
    ]
    assert facts[1].isprintable()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Smith & Sons <Ltd.>", "Smith & Sons <Ltd.>"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("Log in at https://evil.example/a", "Log in at https: //evil. example/a"),
        ("www.evil.example", "www. evil. example"),
        ("write to a@evil\u3002example", "write to a@evil\u3002 example"),
        ("x" * 128, "x" * 64),
    ],
    ids=ascii,
)
def test_the_name_of_an_organization_is_no_link_and_no_letter(tell, name, shown):
    """Who may make an organization could send, in the site's name, mails of their own words to its members."""
    body = tell(Tag.TOTP_DELETED, member=make_member(organization__name=name)).body
    assert f"\nOrganization: {shown}\n" in body


def test_no_machine_answers_a_mail(tell):
    assert headers_of(tell(Tag.TOTP_DELETED))["Auto-Submitted"] == "auto-generated"


def test_every_tag_that_is_told_has_its_own_subject_and_body(tell):
    sent = [tell(tag) for tag in Tag if tag in TOLD]
    added = 2  # by confirming a code and by migration
    assert len({one.subject for one in sent}) == len(TOLD) - added + 1
    for one in sent:
        assert "\n\n\n" not in one.body
        assert not re.search(r"^ | $|  |[{}]", one.body, re.MULTILINE)
        assert len(one.subject) < 80


def test_the_consumer_directory_has_no_name_to_tell(tell):
    directory = organizations.consumer()
    assert directory.kind == Organization.Kind.CONSUMER
    assert directory.name not in tell(Tag.TOTP_DELETED, member=make_member(organization=directory)).body.split()
