import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";

import * as fc from "fast-check";

import { Secret } from "../../../runtime/secret.ts";
import { claimsOf, expiryOf, instant, memberAt } from "../../../runtime/wire/claims.ts";
import { jwt } from "./sample.ts";
import { cpuMs } from "../../support/cpu.ts";

function claims(token: string): unknown {
  return claimsOf(new Secret("id_token", token));
}

function expiry(payload: unknown): number | null {
  return expiryOf(new Secret("access_token", jwt(payload)));
}

describe("the claims of a token", () => {
  it("are its payload", () => {
    assert.deepEqual(claims(jwt({ sub: "1", "https://x/y": { z: "ü?>" } })), { sub: "1", "https://x/y": { z: "ü?>" } });
  });

  it("are null for everything that is no JWS", () => {
    const payload = jwt({ sub: "1" }).split(".")[1] ?? "";
    for (const token of [
      "",
      "opaque",
      `a.${payload}`,
      `a.${payload}.b.c`,
      `a.${payload}.b.c.d`,
      `a.${payload}=.b`,
      `a. ${payload}.b`,
      `a.${Buffer.from('{"a":"???>>>"}').toString("base64")}.b`,
      `a.${Buffer.from("not json").toString("base64url")}.b`,
      jwt([1]),
      jwt(null),
      jwt("x"),
    ]) {
      assert.equal(claims(token), null, token);
    }
    assert.equal(claims(jwt({ pad: "x".repeat(70_000) })), null);
  });

  it("never throw, never take long (T34)", () => {
    fc.assert(fc.property(fc.string(), (text) => void claims(text)));
    const spent = cpuMs(() => {
      for (const junk of [".", "a.", "A", "=", "_-"]) claims(junk.repeat(1_000_000 / junk.length));
    });
    assert.ok(spent < 1_000);
  });
});

describe("the expiry of a token", () => {
  it("is in ms, from a number only (RFC 7519 2)", () => {
    assert.equal(expiry({ exp: 1_800_000_000 }), 1_800_000_000_000);
    assert.equal(expiry({ exp: 1_800_000_000.5 }), 1_800_000_000_500);
    for (const exp of [0, -1, "1800000000", null, {}, [], true, 1e300, 8.7e12, undefined]) {
      assert.equal(expiry({ exp }), null, inspect(exp));
    }
    assert.equal(instant(Number.NaN), null);
  });
});

describe("a member at a path", () => {
  const value = JSON.parse('{"a":{"b/c.d":"x"},"n":5,"e":"","l":["y"],"__proto__":{"p":"own"}}') as unknown;

  it("is found by literal names, own members only (T33)", () => {
    assert.equal(memberAt(value, ["a", "b/c.d"]), "x");
    assert.equal(memberAt(value, ["l", "0"]), "y");
    assert.equal(memberAt(value, ["__proto__", "p"]), "own");
    for (const path of [
      [],
      ["a"],
      ["n"],
      ["e"],
      ["a", "b"],
      ["x", "y"],
      ["constructor", "name"],
      ["toString"],
      ["l", "at"],
    ]) {
      assert.equal(memberAt(value, path), null, path.join("."));
    }
    assert.equal(memberAt(Object.create({ inherited: "x" }), ["inherited"]), null);
    for (const nothing of [null, undefined, 5, true]) assert.equal(memberAt(nothing, ["a"]), null);
  });
});
