// JSON Web Tokens as the vendors' clients expect them: three parts, RS256 (RFC 7519, RFC 7515), and the public half of the
// key in the two forms in which clients fetch it. The key is made on first use, exists only in this process and never
// leaves it.
import { type KeyObject, createHash, createPublicKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { certificateOf } from "./certificate.ts";

let pair: { readonly key: KeyObject; readonly kid: string } | null = null;

function signing(): { readonly key: KeyObject; readonly kid: string } {
  pair ??= { key: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey, kid: randomUUID() };
  return pair;
}

export function signedJwt(claims: Readonly<Record<string, unknown>>): string {
  const { key, kid } = signing();
  const head = part({ alg: "RS256", typ: "JWT", kid });
  const signed = `${head}.${part(claims)}`;
  return `${signed}.${sign("RSA-SHA256", Buffer.from(signed), key).toString("base64url")}`;
}

/** What ties an id token to the request and to the access token beside it (OpenID Connect Core 3.1.2.1 and 3.1.3.6). */
export const ties = (nonce: string | null, access: string): { readonly nonce?: string; readonly at_hash: string } => ({
  ...(nonce !== null && { nonce }),
  at_hash: createHash("sha256").update(access).digest().subarray(0, 16).toString("base64url"),
});

/** RFC 7517 5. */
export function keySet(): object {
  const { key, kid } = signing();
  return { keys: [{ ...createPublicKey(key).export({ format: "jwk" }), kid, alg: "RS256", use: "sig" }] };
}

/** Key id → PEM. */
export function certificates(subject: string): Readonly<Record<string, string>> {
  const { key, kid } = signing();
  return { [kid]: certificateOf(key, subject) };
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
