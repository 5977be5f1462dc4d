// Says what keeps a value from having the type that the browser SDK's typings promise for a call.
// Reads lines {"client", "call", "value"}; answers each with a line of JSON, a list of the compiler's complaints.
import { createInterface } from "node:readline";
import ts from "typescript";

const FILE = "value.ts";
const PREAMBLE = `
import type { StytchB2BClient } from "@stytch/vanilla-js/b2b/headless";
import type { AuthenticatorAppFactor, PasswordFactor, RecoveryCodeFactor, StytchClient } from "@stytch/vanilla-js/headless";
type Clients = { b2b: StytchB2BClient; consumer: StytchClient };

// A type as its values come over the wire: literals (hence readonly), and null for what may be absent. In two places
// the typings are wrong: B2B sessions have more kinds of factors, and "totps" is a list wherever it stands.
type Wire<T> = T extends readonly (infer U)[]
  ? readonly Wire<U>[]
  : T extends object
    ? { readonly [K in keyof T]: Property<K, T[K]> | (undefined extends T[K] ? null : never) }
    : T;
type Property<K, V> = K extends "authentication_factors"
  ? readonly Wire<Item<V> | PasswordFactor | AuthenticatorAppFactor | RecoveryCodeFactor>[]
  : K extends "totps"
    ? readonly Wire<Item<V>>[]
    : Wire<V>;
type Item<V> = V extends readonly (infer U)[] ? U : V;
`;

let text = "";
let version = 0;
const options = {
  strict: true,
  types: [],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
};
const service = ts.createLanguageService({
  getCompilationSettings: () => options,
  getScriptFileNames: () => [FILE],
  getScriptVersion: (name) => (name === FILE ? String(version) : "0"),
  getScriptSnapshot: (name) => {
    const source = name === FILE ? text : ts.sys.readFile(name);
    return source === undefined ? undefined : ts.ScriptSnapshot.fromString(source);
  },
  getCurrentDirectory: () => process.cwd(),
  getDefaultLibFileName: ts.getDefaultLibFilePath,
  fileExists: ts.sys.fileExists,
  readFile: ts.sys.readFile,
});

function complaints({ client, call, value }) {
  const member = call.split(".").map((name) => `[${JSON.stringify(name)}]`).join("");
  text = `${PREAMBLE}
type Promised = Awaited<ReturnType<Clients["${client}"]${member}>>;
const value = ${JSON.stringify(value)} as const;
export const promised: Wire<Promised> = value;`;
  version += 1;
  return [...service.getSyntacticDiagnostics(FILE), ...service.getSemanticDiagnostics(FILE)].map(({ messageText }) =>
    ts.flattenDiagnosticMessageText(messageText, "\n"),
  );
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(complaints(JSON.parse(line))));
}
