// A machine for every provider of the table: it offers exactly that provider's ways to sign in, the preferred one first,
// and no vendor has a state of its own.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { providerMachine } from "../../machines/provider.ts";
import { providers } from "../../providers/index.ts";
import { input, surveys } from "./examples.ts";
import { begin, ends, steps } from "./step.ts";

const login = { type: "login.requested", grant: null, port: null, timeoutMs: null, attempt: null };

for (const provider of Object.values(providers))
  describe(provider.name, () => {
    const machine = providerMachine(provider);
    const idle = [begin(machine, { ...input, provider: provider.name }), ends("survey", surveys.idle)] as const;

    it("bears its name and offers exactly its grants", () => {
      assert.equal(machine.id, provider.name);
      const ways = Object.keys(machine.states["pendingAuth"]?.states ?? {});
      assert.deepEqual(ways.sort(), ["choosing", ...provider.grants].sort());
    });

    it("prefers the first", () => {
      assert.equal(steps(machine, ...idle, login).at, `pendingAuth.${provider.grants[0]}`);
    });

    for (const grant of ["loopback", "paste", "device"] as const)
      it(`${(provider.grants as readonly string[]).includes(grant) ? "signs in by" : "refuses"} ${grant}`, () => {
        const { at, effects, context } = steps(machine, ...idle, { ...login, grant });
        if ((provider.grants as readonly string[]).includes(grant)) {
          assert.equal(at, `pendingAuth.${grant}`);
          assert.deepEqual(effects, [`start login (${grant}Login)`]);
        } else {
          assert.equal(at, "deciding");
          assert.equal(context.result.code, "grant_unsupported");
        }
      });
  });

describe("a provider without any grant", () => {
  it("is a mistake in its data", () => {
    assert.throws(() => providerMachine({ name: "none", grants: [] }), TypeError);
  });
});
