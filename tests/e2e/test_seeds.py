"""The programs of Stytch's own documentation, as they stand there but for what they print and where they call."""

import json
import subprocess

import pytest

from tests.contract.situations import STEP, User
from tests.e2e.browser import BROWSER_TESTS, HERE, refused
from tests.e2e.people import factors, log_in
from tests.live import PROJECT_ID, SECRET

pytestmark = BROWSER_TESTS

B2B_PAGE = """() => {
    document.body.innerHTML = `
      <button>Create TOTP</button>
      <form>
        <label for="totp-input">Enter code</label>
        <input id="totp-input" />
        <button type="submit">Submit</button>
      </form>`;

    const trigger = () => stytch.totp.create({ expiration_minutes: 60 });

    const authenticate = (e) => {
      e.preventDefault();
      const totpCode = document.querySelector("#totp-input").value;
      return stytch.totp.authenticate({ code: totpCode, session_duration_minutes: 60 });
    };

    document.querySelector("button").onclick = () => { window.answer = trigger(); };
    document.querySelector("form").onsubmit = (e) => { window.answer = authenticate(e); };
    stytch.session.onChange((session) => { window.changed = session; });
}"""

CONSUMER_PAGE = """() => {
    document.body.innerHTML = `
      <button id="create">Create TOTP</button>
      <button id="recovery-codes">Get Recovery Codes</button>
      <form id="authenticate">
        <label for="totp-input">Enter code</label>
        <input id="totp-input" />
        <button type="submit">Submit</button>
      </form>
      <form id="recover">
        <label for="recovery-code-input">Enter recovery code</label>
        <input id="recovery-code-input" />
        <button type="submit">Submit</button>
      </form>`;
    const valueOf = (input) => document.querySelector(input).value;

    const create = () => stytch.totps.create({ expiration_minutes: 60 });

    const recoveryCodes = () => stytch.totps.recoveryCodes();

    const authenticate = (e) => {
      e.preventDefault();
      const totpCode = valueOf("#totp-input");
      return stytch.totps.authenticate({ totp_code: totpCode, session_duration_minutes: 60 });
    };

    const recover = (e) => {
      e.preventDefault();
      const recoveryCode = valueOf("#recovery-code-input");
      return stytch.totps.recover({ recovery_code: recoveryCode, session_duration_minutes: 60 });
    };

    document.querySelector("#create").onclick = () => { window.answer = create(); };
    document.querySelector("#recovery-codes").onclick = () => { window.answer = recoveryCodes(); };
    document.querySelector("#authenticate").onsubmit = (e) => { window.answer = authenticate(e); };
    document.querySelector("#recover").onsubmit = (e) => { window.answer = recover(e); };
    stytch.user.onChange((user) => { window.changed = user; });
}"""

IS_SHOWN = """async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    return image.naturalWidth > 0;
}"""


def test_the_b2b_page(b2b, new):
    person = new()
    log_in(b2b, person)
    b2b.tab.evaluate(B2B_PAGE)

    b2b.tab.get_by_role("button", name="Create TOTP").click()
    made = b2b.tab.evaluate("answer")
    assert (made["status_code"], made["member_id"]) == (200, person.member_id)
    assert b2b.tab.evaluate(IS_SHOWN, made["qr_code"])

    person.secret = made["secret"]
    b2b.tab.get_by_label("Enter code").fill(person.code())
    b2b.tab.get_by_role("button", name="Submit").click()
    done = b2b.tab.evaluate("answer")
    assert (done["organization_id"], done["member_id"]) == (person.organization_id, person.member_id)
    assert factors(done) == ["password", "totp"]
    assert b2b.tab.evaluate("changed") == done["member_session"]


def test_the_b2b_page_in_a_login_that_owes_a_factor(b2b, new):
    person = new(enrolled=True, mfa_enrolled=True)
    log_in(b2b, person)
    b2b.tab.evaluate(B2B_PAGE)
    b2b.tab.get_by_label("Enter code").fill(person.code())
    b2b.tab.get_by_role("button", name="Submit").click()
    assert factors(b2b.tab.evaluate("answer")) == ["password", "totp"]


def test_the_b2b_page_without_a_login_fails(b2b):
    assert refused(b2b.totp.create, expiration_minutes=60) == (401, "user_unauthenticated")
    code = {"code": "123456", "session_duration_minutes": 60}
    assert refused(b2b.totp.authenticate, **code) == (401, "user_unauthenticated")


def test_the_consumer_page(consumer, user, server_clock):
    log_in(consumer, user)
    tab = consumer.tab
    tab.evaluate(CONSUMER_PAGE)

    tab.get_by_role("button", name="Create TOTP").click()
    made = tab.evaluate("answer")
    assert tab.evaluate("changed")["totps"] == [{"totp_id": made["totp_id"], "verified": False}]
    assert tab.evaluate(IS_SHOWN, made["qr_code"])

    user.secret = made["secret"]
    tab.get_by_label("Enter code").fill(user.code())
    tab.locator("#authenticate").get_by_role("button").click()
    assert tab.evaluate("answer")["session"]["authentication_factors"][-1]["type"] == "totp"

    tab.get_by_role("button", name="Get Recovery Codes").click()
    (shown,) = tab.evaluate("answer")["totps"]
    assert shown == {"totp_id": made["totp_id"], "verified": True, "recovery_codes": made["recovery_codes"]}

    server_clock.advance(STEP)
    tab.get_by_label("Enter recovery code").fill(shown["recovery_codes"][0])
    tab.locator("#recover").get_by_role("button").click()
    assert tab.evaluate("answer")["totp_id"] == made["totp_id"]


@pytest.fixture
def node(live, packages):
    """Run a program of the guide for back ends; what it prints as JSON."""
    client = f"""
        const stytch = require("stytch")

        const client = new stytch.Client({{
            project_id: "{PROJECT_ID}",
            secret: "{SECRET}",
            env: "{live.url}/",
          }}
        );
    """

    def run(program):
        done = subprocess.run(["node", "-e", client + program], cwd=HERE, capture_output=True, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])

    return run


def test_the_back_end_program(node, consumer_server, server_clock):
    user_id = node("""
        const params = {
            email: "sandbox@stytch.com",
        };
        client.users.create(params)
            .then(resp => {
                console.log(JSON.stringify(resp))
            })
            .catch(err => {
                console.log(JSON.stringify(err))
            });
    """)["user_id"]
    made = node(f"""
        const params = {{
            user_id: "{user_id}",
            expiration_minutes: 60
        }};
        client.totps.create(params)
            .then(resp => {{ console.log(JSON.stringify(resp)) }})
            .catch(err => {{ console.log(JSON.stringify(err)) }});
    """)
    assert len(made["recovery_codes"]) == 10
    person = {"email": "sandbox@stytch.com", "user_id": user_id, "secret": made["secret"]}
    done = node(f"""
        const params = {{
            user_id: "{user_id}",
            totp_code: "{User(sdk=consumer_server, clock=server_clock, **person).code()}"
        }};
        client.totps.authenticate(params)
            .then(resp => {{ console.log(JSON.stringify(resp)) }})
            .catch(err => {{ console.log(JSON.stringify(err)) }});
    """)
    assert (done["status_code"], done["totp_id"], done["session"]) == (200, made["totp_id"], None)
    assert (done["session_token"], done["session_jwt"]) == ("", "")


def test_the_b2b_create_endpoint(http, live, server, new):
    person = new(external_id="ada")
    slug = server.organizations.get(person.organization_id).organization.organization_slug
    given = {"organization_id": slug, "member_id": "ada", "expiration_minutes": 1440}
    made = http.post(f"{live.url}/v1/b2b/totp", json=given, auth=(PROJECT_ID, SECRET)).json()
    assert (made["status_code"], made["member_id"]) == (200, person.member_id)
    assert made["organization"]["organization_id"] == person.organization_id
    assert len(made["recovery_codes"]) == 10
