// The browser comes back to a listener on this machine (RFC 8252 7.3); the address it was sent to may be pasted instead.
import { codeLogin } from "./code.ts";

export const loopbackLogin = codeLogin(
  "loopback",
  "Sign in with a browser that comes back to a listener on this machine; pasting the address works too.",
);
