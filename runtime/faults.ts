// The whole error behind a code. Machines carry codes only, so what a person should also hear (a port, a file, an errno)
// waits here, in this process, until somebody reports the code.
import { AuthError, type ErrorCode } from "../machines/errors.ts";
import { type AccountName, stemOf } from "./store/names.ts";

export interface Faults {
  note(name: AccountName, error: AuthError): void;
  /** Why an effect broke off. To the machine that is the code `internal`, and the next to ask for that is told. */
  broke(name: AccountName, error: AuthError): void;
  /** The error last noted under this code, or a plain one. */
  recall(name: AccountName, code: ErrorCode): AuthError;
}

export function createFaults(): Faults {
  const noted = new Map<string, AuthError>();
  const broken = new Map<string, AuthError>();
  return {
    note: (name, error) => {
      noted.set(stemOf(name), error);
    },
    broke: (name, error) => {
      broken.set(stemOf(name), error);
    },
    recall: (name, code) => {
      const reason = broken.get(stemOf(name));
      broken.delete(stemOf(name));
      if (code === "internal" && reason !== undefined) return reason;
      const error = noted.get(stemOf(name));
      return error?.code === code ? error : new AuthError(code, name);
    },
  };
}
