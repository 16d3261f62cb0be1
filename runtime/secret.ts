// A value that must not be seen: tokens, codes, verifiers, states, keys.
//
// It prints as a constant wherever a value prints by accident (string, JSON, console, template). Kinds are distinct types,
// so that sending a verifier as `state` does not compile. `reveal()` is the only way out, and the architecture test lists
// the files that may call it. Node's crypto is loaded when it is needed: printing a stored token does without.
import { inspect } from "node:util";

export type SecretKind =
  | "access_token"
  | "refresh_token"
  | "id_token"
  | "authorization_code"
  | "code_verifier"
  | "state"
  | "nonce"
  | "device_code"
  | "client_secret"
  | "api_key"
  | "pasted_text"
  | "page_handle";

export class Secret<Kind extends SecretKind = SecretKind> {
  readonly kind: Kind;
  readonly #value: string;

  constructor(kind: Kind, value: string) {
    this.kind = kind;
    this.#value = value;
  }

  /** The value itself. Allowed only where a request, a token file or an asked-for output is made. */
  reveal(): string {
    return this.#value;
  }

  /** Whether `other` is the same text, in time that does not depend on where they differ. */
  matches(other: string | Secret<Kind>): boolean {
    const { createHash, timingSafeEqual } = process.getBuiltinModule("node:crypto");
    // Equal lengths are what timingSafeEqual asks for; a digest gives them without telling the length.
    const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
    const theirs = typeof other === "string" ? other : other.#value;
    return timingSafeEqual(digest(this.#value), digest(theirs));
  }

  /** Names the value without telling it: 128 bits of its SHA-256. Only for values that cannot be guessed. */
  fingerprint(): string {
    const { createHash } = process.getBuiltinModule("node:crypto");
    return createHash("sha256").update(`${this.kind} ${this.#value}`).digest("base64url").slice(0, 22);
  }

  toString(): string {
    return `[secret ${this.kind}]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.toPrimitive](): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}
