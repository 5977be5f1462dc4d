"""Bursts that tests of several circumstances send."""

from dataclasses import dataclass, field

from tests.races.burst import Answer, Call
from tests.races.site import Site
from tests.races.surfaces import MEMBER_PAGE, MEMBERS, Surfaces


@dataclass
class Losses:
    """What became of people who lost their TOTP while it was used."""

    step_ups: list[Answer] = field(default_factory=list)
    deletions: list[Answer] = field(default_factory=list)
    #: Running sessions with a second factor, though nothing is left that it could be.
    left_over: int = 0


def lose_totps(site: Site, at: Surfaces, count: int = 6) -> Losses:
    """One request each deletes the TOTP of ``count`` people, from the last of the surfaces, while it and its recovery
    codes are shown and sessions that have them already are carried on. An unavailable deletion is asked for again.
    """
    people, calls, deletions = site.people(at, count), list[Call](), list[Call]()
    for person in people:
        callers = site.callers(at, person, 2) + site.callers(at, person, 6, in_session=True)
        for (surface, shown), code in zip(callers, ["", *person["codes"][:6], ""], strict=True):
            attempt = surface.recover if code else surface.authenticate
            calls.append(attempt(person, code or site.code(person), **shown))
        own, *strong = site.sessions(person, 4, second=True)
        calls += [surface.extend(one, session_duration_minutes=600) for surface, one in zip(at, strong, strict=False)]
        if MEMBERS in at:
            calls.append(MEMBER_PAGE.exchange(person, strong[-1]))
        deletions.append(at[-1].delete_totp(person, **own))
    answers = site.burst(calls + deletions)
    done = Losses(answers[: len(calls)], answers[len(calls) :])
    for person, call, answer in zip(people, deletions, done.deletions, strict=True):
        again = answer
        while again.status == 503:
            again = site.one(call)
        assert again.status == 200, again.body
        done.left_over += site.desk.state(member_id=person["member_id"])["sessions_live_with_second_factor"]
    return done
