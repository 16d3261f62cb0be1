import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { networkCode } from "../../../runtime/wire/failure.ts";

function thrown(...codes: readonly unknown[]): unknown {
  return codes.reduceRight(
    (cause: unknown, code) => Object.assign(new Error("CANARY", { cause }), { code }),
    undefined,
  );
}

describe("what the network throws", () => {
  it("becomes one of our words", () => {
    for (const [errno, code] of [
      ["ENOTFOUND", "network_name"],
      ["EAI_AGAIN", "network_name"],
      ["ECONNREFUSED", "network_refused"],
      ["ETIMEDOUT", "network_timeout"],
      ["UND_ERR_CONNECT_TIMEOUT", "network_timeout"],
      ["UND_ERR_HEADERS_TIMEOUT", "network_timeout"],
      ["UND_ERR_BODY_TIMEOUT", "network_timeout"],
      ["DEPTH_ZERO_SELF_SIGNED_CERT", "network_tls"],
      ["SELF_SIGNED_CERT_IN_CHAIN", "network_tls"],
      ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "network_tls"],
      ["CERT_HAS_EXPIRED", "network_tls"],
      ["ERR_TLS_CERT_ALTNAME_INVALID", "network_tls"],
      ["ERR_SSL_UNSUPPORTED_PROTOCOL", "network_tls"],
      ["EPROTO", "network_tls"],
      ["UND_ERR_HEADERS_OVERFLOW", "reply_too_large"],
      ["ECONNRESET", "network_broken"],
      ["ENETUNREACH", "network_broken"],
      ["UND_ERR_SOCKET", "network_broken"],
    ] as const) {
      assert.deepEqual(networkCode(thrown(undefined, errno)), { code, detail: errno });
    }
  });

  it("is searched to the innermost, the telling code first", () => {
    assert.deepEqual(networkCode(thrown("UND_ERR_SOCKET", "ECONNREFUSED")), {
      code: "network_refused",
      detail: "ECONNREFUSED",
    });
    assert.deepEqual(networkCode(thrown("UND_ERR_SOCKET", "EPIPE")), { code: "network_broken", detail: "EPIPE" });
  });

  it("shows no text, whatever it is", () => {
    const circle = new Error("CANARY");
    circle.cause = circle;
    for (const odd of [undefined, null, "CANARY", 5, {}, circle, thrown("canary"), thrown("CANARY\n"), thrown(5)]) {
      assert.deepEqual(networkCode(odd), { code: "network_broken", detail: "unknown" });
    }
  });
});
