// What the server can be asked: Stytch's browser API, as the few calls that this page makes.

// A page of another origin names the server's here, and is named in the server's ALLOWED_ORIGINS.
const API = "/sdk/v1/b2b";
const MINUTES = 60; // of the session that a login begins

/** The server said no. Programs read `type`, Stytch's `error_type`; 0 is the status of no answer at all. */
export class Refusal extends Error {
  constructor(type, status = 0, retryAfter = 0) {
    super(type);
    Object.assign(this, { type, status, retryAfter });
  }
}

export class Client {
  // The tokens are kept here and nowhere else. A script that got into the page could read sessionStorage, and carry
  // the session off to another computer; what is private to this object it can use, but not take. The price is that
  // loading the page again logs out.
  #publicToken;
  #sessionToken = "";
  #intermediateToken = "";
  #ids = {};

  constructor(publicToken) {
    this.#publicToken = publicToken;
  }

  /** `organization` is an id or a slug. Without `member_session` in the answer a second factor is owed. */
  logIn(organization, email, password) {
    const login = { organization_id: organization, email_address: email, password };
    return this.#call("POST", "passwords/authenticate", { ...login, session_duration_minutes: MINUTES });
  }

  /** A secret, its QR code and recovery codes, that count once `confirmTotp` had the first code. */
  createTotp() {
    return this.#call("POST", "totp", this.#owing());
  }

  /** The first code of a new app, which is asked for at every login from now on. */
  confirmTotp(code) {
    return this.showCode(code, { set_mfa_enrollment: "enroll", set_default_mfa: true });
  }

  showCode(code, wishes = {}) {
    const shown = { code: code.replace(/\s/g, ""), session_duration_minutes: MINUTES };
    return this.#call("POST", "totp/authenticate", { ...this.#owing(), ...shown, ...wishes });
  }

  recover(code) {
    const shown = { recovery_code: code.trim(), session_duration_minutes: MINUTES };
    return this.#call("POST", "recovery_codes/recover", { ...this.#owing(), ...shown });
  }

  recoveryCodes() {
    return this.#call("GET", "recovery_codes");
  }

  replaceRecoveryCodes() {
    return this.#call("POST", "recovery_codes/rotate", {});
  }

  /** The session as it stands now. */
  refresh() {
    return this.#call("POST", "sessions/authenticate", {});
  }

  async removeTotp() {
    // First, as it takes a second factor, and the session has none left when the app is gone.
    await this.#call("PUT", "organizations/members/update", { mfa_enrolled: false });
    await this.#call("DELETE", "organizations/members/deleteTOTP");
    return this.refresh();
  }

  async logOut() {
    await this.#call("POST", "sessions/revoke");
    this.forget();
  }

  forget() {
    this.#sessionToken = this.#intermediateToken = "";
    this.#ids = {};
  }

  /** Whom a factor is for, and the login that owes it where there is no session yet. */
  #owing() {
    return this.#intermediateToken ? { ...this.#ids, intermediate_session_token: this.#intermediateToken } : this.#ids;
  }

  async #call(method, path, body) {
    const headers = {
      Authorization: `Basic ${btoa(`${this.#publicToken}:${this.#sessionToken || this.#publicToken}`)}`,
      "Content-Type": "application/json",
      "X-SDK-Parent-Host": location.origin, // since browsers leave Origin out of a GET to their own
    };
    // No cookie is sent: the API reads none, and a session of the ordinary pages is none of this page's business.
    const options = { method, headers, credentials: "omit", cache: "no-store", body: body && JSON.stringify(body) };
    let response, answer;
    try {
      response = await fetch(`${API}/${path}`, options);
      answer = await response.json();
    } catch {
      throw new Refusal("unreachable");
    }
    if (!response.ok) {
      throw new Refusal(answer.error_type, response.status, Number(response.headers.get("Retry-After")));
    }
    this.#remember(answer.data); // successes are wrapped, refusals are not
    return answer.data;
  }

  #remember({ session_token, intermediate_session_token, member }) {
    if (session_token || intermediate_session_token) {
      this.#sessionToken = session_token ?? ""; // a new one with each second factor; the old one is dead then
      this.#intermediateToken = intermediate_session_token ?? "";
      this.#ids = { organization_id: member.organization_id, member_id: member.member_id };
    }
  }
}
