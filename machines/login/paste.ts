// The vendor's own page shows a code, and the person pastes it: no listener, so it works on any machine.
import { codeLogin } from "./code.ts";

export const pasteLogin = codeLogin("paste", "Sign in with a browser anywhere and paste the code that it shows.");
