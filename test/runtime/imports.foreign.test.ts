// The reader of other tools' files, thrown at: whatever such a file holds, it is a login that our own token file can hold, or
// nothing, and never an error.
import assert from "node:assert/strict";
import { it } from "node:test";
import * as fc from "fast-check";
import { providers } from "../../providers/index.ts";
import type { ImportSource } from "../../providers/fields/import-source.ts";
import type { Provider } from "../../providers/provider.ts";
import { readForeign } from "../../runtime/imports/foreign.ts";
import { decode, encode } from "../../runtime/store/codec.ts";
import { everythingOf } from "../support/canary.ts";
import { jwt } from "../support/vendors.ts";

/** By a short name: a counterexample shows it. */
const kinds: Readonly<Record<string, readonly [Provider, ImportSource]>> = Object.fromEntries(
  Object.values(providers).flatMap((provider: Provider) =>
    provider.imports.map((source) => [`${provider.name}, ${source.tool}`, [provider, source]]),
  ),
);
const kindNames = fc.constantFrom(...Object.keys(kinds));
const kindOf = (name: string): readonly [Provider, ImportSource] => kinds[name] ?? assert.fail(name);
const access = "canary-access-token-7zQ9vK3mX2pL";

const odd = fc.oneof(
  fc.constantFrom(
    null,
    true,
    "",
    "Bearer",
    "2026-11-23T00:00:00Z",
    "garbage",
    [],
    {},
    -1,
    0,
    1e9,
    1e12,
    1e300,
    Number.MAX_VALUE,
  ),
  fc.constantFrom(jwt({ exp: 2_000_000_000, email: "me@example.com" }), jwt({ exp: "soon" }), "..", "a.b.c"),
  fc.string({ maxLength: 12 }),
  fc.json({ maxDepth: 2 }).map((text): unknown => JSON.parse(text)),
);
const names = [
  ..."access_token accessToken access refresh_token refreshToken refresh id_token idToken token_type type".split(" "),
  ..."expiry expiry_date expiresAt expires expired scope scopes account_id accountId resource_url client_id".split(" "),
  ..."email subscriptionType llxprt_auth __proto__ constructor toString OPENAI_API_KEY auth_mode".split(" "),
];
const record = fc.dictionary(fc.constantFrom(...names), odd, { maxKeys: 12, noNullPrototype: true });

/** A file of that kind, as far as it goes: the record in its place, marked as it has to be. */
function fileOf({ at = [], mark }: ImportSource, members: object, rest: object): string {
  const inPlace = (value: unknown, path: readonly string[]): unknown =>
    path.reduceRight((inner: unknown, name) => ({ ...(path[0] === name ? rest : {}), [name]: inner }), value);
  const file = inPlace(at.length === 0 ? { ...rest, ...members } : members, at) as Record<string, unknown>;
  if (mark === undefined) return JSON.stringify(file);
  const [first = "", second] = mark.at;
  const inner = file[first];
  const marked =
    second === undefined ? mark.says : { ...(typeof inner === "object" ? inner : {}), [second]: mark.says };
  return JSON.stringify({ ...file, [first]: marked });
}

it("makes a login that our own file can hold of whatever has an access token, and nothing of the rest", () => {
  fc.assert(
    fc.property(kindNames, record, record, fc.boolean(), (kind, members, rest, isLogin) => {
      const [provider, source] = kindOf(kind);
      const own = { ...members, ...(isLogin ? { access_token: access } : {}) };
      const found = readForeign(provider, source, fileOf(source, own, rest), 1_700_000_000_000, null);
      if (found.kind !== "login") return;
      const { credential } = found;
      assert.ok(Number.isInteger(credential.expiresAt) && credential.expiresAt >= 0 && credential.expiresAt <= 8.64e15);
      assert.ok(Number.isSafeInteger(credential.generation));
      const again = decode(encode(credential), 0);
      assert.ok(again !== null && again.accessToken.matches(credential.accessToken.reveal()));
      assert.deepEqual(
        [again.refreshToken?.reveal(), again.idToken?.reveal(), again.scope, again.accountId, again.resourceUrl],
        [
          credential.refreshToken?.reveal(),
          credential.idToken?.reveal(),
          credential.scope,
          credential.accountId,
          credential.resourceUrl,
        ],
      );
      for (const [name, value] of Object.entries(credential.rest))
        if (name !== "llxprt_auth") assert.deepEqual(again.rest[name], value, name);
      assert.ok(!everythingOf(found).includes(access), "and shows no token");
    }),
    { numRuns: 2_000, seed: 1 },
  );
});

it("reads nothing out of what is no such file", () => {
  fc.assert(
    fc.property(kindNames, fc.oneof(fc.string(), fc.json({ maxDepth: 3 })), (kind, text) => {
      const [provider, source] = kindOf(kind);
      assert.equal(readForeign(provider, source, text, 0, null).kind, "nothing");
    }),
    { numRuns: 1_000, seed: 1 },
  );
});
