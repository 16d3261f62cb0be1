// What a login machine may know only by handle: codes that came back and text that was pasted. In memory, taken once.
import type { Secret } from "../secret.ts";

export type Held =
  | { readonly kind: "pasted"; readonly text: Secret<"pasted_text"> }
  /** `verifier`: the server made the PKCE pair itself. */
  | {
      readonly kind: "code";
      readonly code: Secret<"authorization_code">;
      readonly verifier: Secret<"code_verifier"> | null;
    };

export interface Vault {
  put(held: Held): string;
  /** Hands it over and forgets it: a code is presented once (RFC 6749 4.1.2). */
  take(handle: string): Held | null;
}

export function createVault(): Vault {
  const held = new Map<string, Held>();
  let count = 0;
  return {
    put: (value) => {
      count += 1;
      const handle = `held-${count}`;
      held.set(handle, value);
      return handle;
    },
    take: (handle) => {
      const value = held.get(handle) ?? null;
      held.delete(handle);
      return value;
    },
  };
}
