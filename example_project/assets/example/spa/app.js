// What follows what: each function shows one view and says where it leads.

import { Client, Refusal } from "./client.js";
import { complain, element, show } from "./views.js";
import { moment, word, wordsFor } from "./words.js";

const client = new Client(document.querySelector("meta[name=public-token]").content);
const NOT_SHOWN_LATELY = ["insufficient_factors", "stale_factors"];
const ENDED = ["intermediate_session_not_found", "session_not_found", "user_unauthenticated"];

const askTheApp = when(NOT_SHOWN_LATELY, () => code({ then: codes, appOnly: true }));

let member, organization, session; // as the server told them last

function login({ then = account, ...told } = {}) {
  const values = session ? { organization: organization.organization_slug, email: member.email_address } : {};
  view("login", { values, ...told }, {
    logIn: async ({ organization: slug, email, password }) => {
      const answer = await client.logIn(slug.trim(), email.trim(), password);
      if (answer.primary_required) throw new Refusal("primary_required");
      note(answer);
      if (session) await then();
      else if (member.totp_registration_id) code();
      else await enrol();
    },
  });
}

async function enrol() {
  const again = { then: enrol, notice: word("password_once_more") };
  const made = await client.createTotp().catch(when(["stale_factors"], () => login(again)));
  if (!made) return;
  const slots = {
    qr: made.qr_code,
    secret: made.secret.match(/.{1,4}/g).join(" "),
    account: member.email_address,
    required: organization.mfa_policy === "REQUIRED_FOR_ALL",
  };
  view("enrol", { slots }, {
    confirm: async ({ code }) => {
      note(await client.confirmTotp(code));
      keep(made.recovery_codes, word("enrolled"));
    },
    again: enrol,
    back,
  });
}

/** Ask for a code of the app, then go on. `appOnly`: a recovery code wouldn't do. */
function code({ then = account, appOnly = false } = {}) {
  view("code", { slots: { steppingUp: session, recoverable: !appOnly } }, {
    confirm: async ({ code }) => {
      note(await client.showCode(code));
      await attempt(then);
    },
    recover: () => recover({ then }),
    back,
  });
}

function recover({ then }) {
  view("recover", {}, {
    confirm: async ({ code }) => {
      const answer = await client.recover(code);
      note(answer);
      const notice = word("recovery_codes_left", { count: answer.recovery_codes_remaining });
      await attempt(() => then({ notice }));
    },
    app: () => code({ then }),
    back,
  });
}

function account(told = {}) {
  const factors = session.authentication_factors.map(({ type, last_authenticated_at: at }) =>
    element("li", element("span", word(type) ?? type), " ", element("time", moment(at))),
  );
  const slots = {
    email: member.email_address,
    organization: organization.organization_name,
    ends: moment(session.expires_at),
    factors,
    enrolled: member.totp_registration_id,
    alone: !member.totp_registration_id,
  };
  view("account", { slots, ...told }, { enrol, codes, remove, logOut });
}

async function codes() {
  const answer = await client.recoveryCodes().catch(askTheApp);
  if (answer) keep(answer.recovery_codes);
}

async function replace() {
  const answer = await client.replaceRecoveryCodes().catch(askTheApp);
  if (answer) keep(answer.recovery_codes, word("replaced"));
}

function keep(unused, notice = "") {
  const slots = { codes: unused.map((one) => element("li", element("code", one))), none: !unused.length };
  view("codes", { slots, notice }, { print: () => window.print(), replace, goOn: () => account() });
}

function remove(told = {}) {
  const required = organization.mfa_policy === "REQUIRED_FOR_ALL";
  view("remove", { slots: { required, optional: !required }, ...told }, {
    remove: async () => {
      const answer = await client.removeTotp().catch(when(NOT_SHOWN_LATELY, () => code({ then: remove })));
      if (!answer) return;
      note(answer);
      account({ notice: word("removed") });
    },
    back,
  });
}

async function logOut() {
  await client.logOut();
  leave({ notice: word("logged_out") });
}

function leave(told = {}) {
  client.forget();
  member = organization = session = undefined;
  login(told);
}

function back() {
  if (session) account();
  else leave();
}

function note(answer) {
  ({ member, organization, member_session: session } = answer);
}

function view(name, content, actions) {
  const attempts = Object.entries(actions).map(([does, action]) => [does, (values) => attempt(() => action(values))]);
  show(name, { ...content, on: Object.fromEntries(attempts) });
}

async function attempt(action) {
  try {
    await action();
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    const words = wordsFor(refusal);
    if (ENDED.includes(refusal.type)) leave({ alert: words });
    else complain(words, { invalid: [400, 401, 404].includes(refusal.status), focus: true });
  }
}

/** For `catch`: go somewhere else at refusals of these types. */
function when(types, go) {
  return (refusal) => {
    if (!types.includes(refusal.type)) throw refusal;
    go();
  };
}

login();
