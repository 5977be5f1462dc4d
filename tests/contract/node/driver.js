// Stytch's SDK for Node behind a pipe: a call on each line in, its outcome on each line out, both in JSON.
"use strict";

const { createInterface } = require("node:readline");
const stytch = require("stytch");

const CLIENTS = { b2b: stytch.B2BClient, consumer: stytch.Client };
const clients = new Map();
let exchanges = [];

// All that the SDK sends to the API and is answered, before the SDK makes anything of it.
const send = globalThis.fetch;
globalThis.fetch = async (url, request) => {
  const answer = await send(url, request);
  const content_type = answer.headers.get("content-type") ?? "";
  const body = await answer.clone().json().catch(() => null);
  exchanges.push({ method: request.method, url, status: answer.status, content_type, body });
  return answer;
};

// What stands in `owner` under a name as Python writes it: `recovery_codes` is recoveryCodes, `get_jwks` is getJWKS.
function spelled(owner, name) {
  const letters = name.replaceAll("_", "");
  for (let place = owner; place; place = Object.getPrototypeOf(place)) {
    const found = Object.getOwnPropertyNames(place).find((key) => key.toLowerCase() === letters);
    if (found) return found;
  }
  throw new TypeError(`the SDK has no ${name}`);
}

async function call({ product, config, path, data, options }) {
  const key = JSON.stringify([product, config]);
  if (!clients.has(key)) clients.set(key, new CLIENTS[product](config));
  const method = path.pop();
  const owner = path.reduce((place, name) => place[spelled(place, name)], clients.get(key));
  const result = await owner[spelled(owner, method)](data, options);
  if (!result[Symbol.asyncIterator]) return result;
  const pages = [];
  for await (const page of result) pages.push(page);
  return pages;
}

async function main() {
  for await (const line of createInterface({ input: process.stdin })) {
    exchanges = [];
    const outcome = await call(JSON.parse(line)).then(
      (result) => ({ result }),
      (error) => ({ error: { raised: error.constructor.name, message: error.message, ...error } }),
    );
    console.log(JSON.stringify({ ...outcome, exchanges }));
  }
}

main();
