// Signing in with a pasted code: the suite of every redirect.
import { pasteLogin } from "../../../machines/login/paste.ts";
import { codeLoginSuite } from "./redirect.ts";

codeLoginSuite(pasteLogin, "paste");
