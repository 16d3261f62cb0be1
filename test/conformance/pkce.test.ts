// Proof key for code exchange (RFC 7636), as RFC 9700 and RFC 8252 ask for it.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import * as oauth from "oauth4webapi";
import { Secret } from "../../runtime/secret.ts";
import { challengeOf, newVerifier } from "../../runtime/wire/request.ts";
import { rule } from "./rule.ts";

const unreserved = /^[A-Za-z0-9._~-]{43,128}$/;

rule(
  { id: "P01", source: "RFC 7636 4.1", says: "a verifier has 43 to 128 characters, all unreserved" },
  {
    holds: {
      "100,000 verifiers": () => {
        for (let count = 0; count < 100_000; count += 1) assert.match(newVerifier(randomBytes).reveal(), unreserved);
      },
    },
    refuses: {
      "the bytes of the source as they are": () => {
        const bytes = new Uint8Array(32).fill(0xfb);
        assert.doesNotMatch(Buffer.from(bytes).toString("base64"), unreserved);
        assert.match(newVerifier(() => bytes).reveal(), unreserved);
      },
    },
  },
);

rule(
  { id: "P03", source: "RFC 7636 4.2", says: "the challenge is the unpadded base64url of the verifier's SHA-256" },
  {
    holds: {
      "the vector of appendix B": () => {
        const verifier = new Secret("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert.equal(challengeOf(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
      },
      "10,000 verifiers, against oauth4webapi": async () => {
        const characters = fc.constantFrom("A", "Z", "a", "z", "0", "9", "-", ".", "_", "~");
        await fc.assert(
          fc.asyncProperty(fc.string({ unit: characters, minLength: 43, maxLength: 128 }), async (text) => {
            const challenge = challengeOf(new Secret("code_verifier", text));
            assert.equal(challenge, await oauth.calculatePKCECodeChallenge(text));
          }),
          { numRuns: 10_000 },
        );
      },
    },
    refuses: {
      "padding, and the characters of plain base64": () => {
        for (let count = 0; count < 2_000; count += 1)
          assert.match(challengeOf(newVerifier(randomBytes)), /^[A-Za-z0-9_-]{43}$/);
      },
    },
  },
);
