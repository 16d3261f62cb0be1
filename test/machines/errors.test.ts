// The error catalogue: every code makes a whole sentence, has an exit code of the contract, and names one command that
// exists. Names and details are taken literally, whatever is in them.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { catalogue, type Entry } from "../../machines/catalogue.ts";
import { AuthError, authErrorIn, type ErrorCode, exitCodes, knownCode } from "../../machines/errors.ts";

const codes = Object.keys(catalogue) as ErrorCode[];
const detail = "the detail";
const full = { provider: "acme", account: "work", detail };

// The contract, section 1.
const ofProvider =
  /^(enable|disable|login( --grant (loopback|paste|device)| --no-browser| --detach)?|complete( -)?|wait|cancel|logout|token|refresh|why|explain|reset|status)$/;
const ofProgram =
  /^(status|doctor|profile list|inspect( --stately --yes)?|import( acme( --take-over --yes)?( --account work)?)?|--help)$/;

for (const code of codes)
  describe(code, () => {
    const entry: Entry = catalogue[code];

    it("is a sentence with and without what fills it", () => {
      for (const facts of [full, { provider: "acme" }, { detail }, {}]) {
        const { message } = new AuthError(code, facts);
        assert.match(message, /^[\p{Lu}\p{Lt}]|^The detail$/u);
        assert.doesNotMatch(message, /[{}]|undefined|null|\(\)|\(something\)|\s\s|\s$|[.!]$/);
        assert.ok(message.length >= 5);
      }
    });

    it("says its detail once, apart from the words around it", () => {
      const { message } = new AuthError(code, full);
      const parts = message.toLowerCase().split(detail);
      assert.equal(parts.length - 1, entry.says.includes("{detail}") ? 1 : 0);
      for (const [before, after] of [[parts[0], parts[1]]]) {
        if (after === undefined) continue;
        assert.match(before ?? "", /^$|[ (]$/);
        assert.match(after, /^$|^[ );,:]/);
      }
    });

    it("has an exit code of the contract", () => {
      assert.ok([1, 2, 3, 4, 5, 6, 130].includes(new AuthError(code).exitCode));
      assert.equal(new AuthError(code).exitCode, exitCodes[entry.exit]);
      assert.equal(new AuthError(code).retryable, entry.exit === "tryLater");
    });

    it("names one command that exists", () => {
      // Where the detail is the command, it has to be one.
      const isCommand = entry.next?.includes("{detail}") === true;
      const { next } = new AuthError(code, isCommand ? { ...full, detail: "login" } : full);
      if (entry.next === null) {
        assert.equal(next, null);
        return;
      }
      const [, command = ""] = /^llxprt-auth (.*)$/.exec(next ?? "") ?? [];
      const own = /^acme (.*) --account work$/.exec(command)?.[1];
      assert.match(own ?? command, own === undefined ? ofProgram : ofProvider);
      assert.match(
        new AuthError(code).next ?? "",
        /^llxprt-auth (status|doctor|profile list|inspect( --stately --yes)?|import|--help)$/,
      );
    });
  });

describe("what a code promises", () => {
  it("is a login that is gone only when it says so and asks to sign in", () => {
    for (const code of codes) {
      const { login, exit, next }: Entry = catalogue[code];
      if (login === "gone") assert.deepEqual([exit, next], ["signInNeeded", "{provider} login"], code);
    }
  });

  it("is a login that survives whatever may be tried again later", () => {
    for (const code of codes) {
      const { login, exit }: Entry = catalogue[code];
      if (exit === "tryLater") assert.equal(login, "good", code);
    }
  });
});

describe("an error", () => {
  it("takes names and details literally", () => {
    const odd = "$& $1 $$ $' {provider} {detail} ()";
    const { message } = new AuthError("server_error", { provider: "acme", detail: odd });
    assert.equal(message, `Acme answered with a server error (${odd})`);
    const named = new AuthError("server_error", { provider: "{detail}", detail: "500" });
    assert.equal(named.message, "{detail} answered with a server error (500)");
  });

  it("says of an endpoint which one is missing, or what its address answered", () => {
    for (const missing of ["token endpoint", "metadata", "HTTP 404"]) {
      const { message } = new AuthError("endpoint_missing", { provider: "acme", detail: missing });
      assert.equal(message, `An endpoint of acme is missing (${missing})`);
    }
  });

  it("carries what it was given, and its cause", () => {
    const cause = new Error("below");
    const error = new AuthError("refresh_refused", { ...full, oauthError: "invalid_grant", status: 400, cause });
    assert.deepEqual(
      [error.name, error.code, error.provider, error.account, error.oauthError, error.status, error.cause],
      ["AuthError", "refresh_refused", "acme", "work", "invalid_grant", 400, cause],
    );
    assert.ok(error instanceof Error);
    assert.equal(Object.hasOwn(new AuthError("internal"), "cause"), false);
  });

  it("leaves the default account out of its command", () => {
    const error = new AuthError("sign_in_needed", { provider: "acme", account: "default" });
    assert.equal(error.next, "llxprt-auth acme login");
  });

  it("is read back by its own codes only", () => {
    assert.equal(knownCode("rate_limited", "internal"), "rate_limited");
    for (const foreign of ["", "toString", "__proto__", "constructor", "rate_limited "])
      assert.equal(knownCode(foreign, "internal"), "internal");
  });
});

const wrapped = (cause: unknown): Error => new Error("by somebody else", { cause });
const gathered = (...errors: unknown[]): Error => Object.assign(new Error("after several tries"), { errors });

describe("an error of ours in what somebody else throws", () => {
  const ours = new AuthError("sign_in_needed", full);

  it("is found where it is", () => {
    const deep = Array.from({ length: 1_000 }).reduce<unknown>((cause) => wrapped(cause), ours);
    for (const [what, caught] of Object.entries({
      "the error itself": ours,
      "a cause": wrapped(ours),
      "the cause of a cause": wrapped(wrapped(ours)),
      "a long chain": deep,
      "the last of several": gathered(new Error("another"), ours),
      "the first of several": gathered(ours, new Error("another")),
      "a cause of one of several": wrapped(gathered(wrapped(ours), "no error at all")),
      "an aggregate": new AggregateError([ours]),
    }))
      assert.equal(authErrorIn(caught), ours, what);
  });

  it("is the outermost, and of several on one level the last", () => {
    const earlier = new AuthError("network_broken", full);
    assert.equal(authErrorIn(wrapped(new AuthError("backing_off", { cause: earlier })))?.code, "backing_off");
    assert.equal(authErrorIn(gathered(earlier, ours)), ours);
    assert.equal(authErrorIn(Object.assign(gathered(earlier), { cause: ours })), ours);
    assert.equal(authErrorIn(gathered(wrapped(earlier), ours)), ours);
  });

  it("is not made up", () => {
    const circle = new Error("a circle");
    circle.cause = wrapped(gathered(circle, circle));
    const alike = Object.assign(new Error("alike"), { name: "AuthError", code: "sign_in_needed", exitCode: 3 });
    for (const caught of [undefined, null, "text", 7, {}, [ours], wrapped(undefined), circle, alike, gathered()])
      assert.equal(authErrorIn(caught), null);
    assert.equal(authErrorIn(Object.assign(new Error("odd"), { errors: "sign_in_needed" })), null);
  });
});
