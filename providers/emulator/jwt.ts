// JSON Web Tokens as the vendors' clients expect them: three parts, RS256, verifiable with a key that exists only in this
// process (RFC 7519, RFC 7515). The key is made on first use and never leaves.
import { type KeyObject, generateKeyPairSync, randomUUID, sign } from "node:crypto";

let pair: { readonly key: KeyObject; readonly kid: string } | null = null;

export function signedJwt(claims: Readonly<Record<string, unknown>>): string {
  pair ??= { key: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey, kid: randomUUID() };
  const head = part({ alg: "RS256", typ: "JWT", kid: pair.kid });
  const signed = `${head}.${part(claims)}`;
  return `${signed}.${sign("RSA-SHA256", Buffer.from(signed), pair.key).toString("base64url")}`;
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
