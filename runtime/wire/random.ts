// The unguessable values of a sign-in and of a page, each from a draw of its own (RFC 9700 2.1.1: fresh for every transaction).
// The source comes from outside, so that a test can count the draws; nothing else here is random.
import { Secret, type SecretKind } from "../secret.ts";

/** A cryptographic source: `size` fresh bytes. */
export type RandomBytes = (size: number) => Uint8Array;

/** RFC 7636 4.1: 32 random bytes (7.1 asks for 256 bits) as 43 characters of the unreserved set. */
export function newVerifier(randomBytes: RandomBytes): Secret<"code_verifier"> {
  return drawn("code_verifier", randomBytes);
}

/** RFC 6749 10.12. Never the verifier again: the state is shown in the browser's history (RFC 7636 7.1). */
export function newState(randomBytes: RandomBytes): Secret<"state"> {
  return drawn("state", randomBytes);
}

/** OIDC Core 3.1.2.1. */
export function newNonce(randomBytes: RandomBytes): Secret<"nonce"> {
  return drawn("nonce", randomBytes);
}

/** What lets a browser see the page of `inspect`: once in its address, and from then on in a cookie. */
export function newPageHandle(randomBytes: RandomBytes): Secret<"page_handle"> {
  return drawn("page_handle", randomBytes);
}

function drawn<Kind extends SecretKind>(kind: Kind, randomBytes: RandomBytes): Secret<Kind> {
  const bytes = randomBytes(32);
  if (bytes.length !== 32) throw new TypeError("the random source gave another number of bytes than asked for");
  return new Secret(kind, Buffer.from(bytes).toString("base64url"));
}
