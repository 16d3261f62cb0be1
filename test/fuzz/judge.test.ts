// The judge of the fuzz finds what it is there to find: one that finds nothing anywhere would prove nothing.
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { AuthError } from "../../machines/errors.ts";
import { Secret } from "../../runtime/secret.ts";
import { createGround } from "./disk.ts";
import { judge, type Made, unheard } from "./judge.ts";
import { secretOf } from "./marks.ts";

const ground = createGround();
after(() => {
  ground[Symbol.dispose]();
});

const bounds = { opened: 1, readBytes: [1, 10], changed: 0, answer: [1, 100] } as const;
const judged = (make: () => Made, kind: "structured" | "bytes" = "structured") =>
  judge({ kind, size: 10, bounds }, make);
const secret = secretOf("token");

describe("the judge", () => {
  it("takes an answer, and an error of ours", () => {
    assert.deepEqual(
      judged(() => ({ outcome: { a: new Secret("state", secret) } })),
      { outcome: { a: new Secret("state", secret) } },
    );
    assert.ok(judged(() => assert.fail(new AuthError("usage", { detail: "x" }))) instanceof AuthError);
  });

  it("takes no other error", () => {
    assert.throws(() => judged(() => assert.fail(new TypeError("x"))), /It threw TypeError/);
    assert.throws(() => judged(() => JSON.parse("{") as Made), /It threw SyntaxError/);
  });

  for (const [how, outcome] of Object.entries({
    "in a member": { deep: [{ a: secret }] },
    "in a name": { [secret]: 1 },
    "in base64": Buffer.from(`x${secret}`).toString("base64"),
    "in hex": Buffer.from(secret).toString("hex"),
    backwards: secret.split("").toReversed().join(""),
    "in part": secret.slice(-14),
    "in a message": new AuthError("usage", { detail: secret }),
    "in a cause": new AuthError("usage", { cause: new Error(secret) }),
    hidden: Object.defineProperty({}, "a", { value: secret }),
    "in a getter": {
      get a() {
        return secret;
      },
    },
  }))
    it(`finds a secret ${how}`, () => {
      assert.throws(() => judged(() => ({ outcome })), /a secret is shown/);
    });

  it("lets a mutation put one where things are shown, and nowhere else", () => {
    judged(() => ({ outcome: { name: secret }, open: [secret] }), "bytes");
    assert.throws(() => judged(() => ({ outcome: { name: secret }, open: ["x"] }), "bytes"), /a secret is shown/);
    assert.throws(() => judged(() => ({ outcome: { name: secret }, open: [secret] })), /a secret is shown/);
  });

  it("counts what is opened, read and changed, and how much is answered", () => {
    const path = `${ground.paths.home}/x`;
    ground.plant(path, "x".repeat(1_000));
    const open = () => closeSync(openSync(path, "r"));
    judged(() => (open(), { outcome: null }));
    assert.throws(() => judged(() => (open(), open(), { outcome: null })), /2 files opened/);
    assert.throws(() => judged(() => ({ outcome: readFileSync(path).length })), /1000 bytes read/);
    assert.throws(() => judged(() => ({ outcome: closeSync(openSync(path, "r+")) })), /1 files changed/);
    assert.throws(() => judged(() => ({ outcome: "x".repeat(200) })), /200 characters and members answered/);
  });

  it("sees a prototype that was changed", () => {
    const all = Object.prototype as Record<string, unknown>;
    assert.throws(() => judged(() => ({ outcome: (all["polluted"] = 1) })), /a prototype has other members/);
    delete all["polluted"];
  });

  it("hears what is printed", () => {
    const { printed } = unheard(() => {
      process.stderr.write(secret);
    });
    assert.equal(printed, secret);
  });
});
