// The pages that the loopback listener answers with: constant bytes, so that nothing of a request can get into one.
//
// The result page takes the query out of the address bar and the history (RFC 9700 4.3), loads nothing, and may not be
// framed. Failure pages carry an error code of the catalogue and no word of the server's.
import { createHash } from "node:crypto";
import type { ErrorCode } from "../../machines/errors.ts";

export interface Page {
  readonly status: number;
  readonly html: string;
}

const tidy = "history.replaceState(null, '', location.pathname)";
const style =
  ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto 0;padding:0 1.5rem}h1{font-size:1.4rem}code{font-size:.9rem}";

function page(status: number, title: string, text: string): Page {
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style></head><body><main><h1>${title}</h1><p>${text}</p></main><script>${tidy}</script></body></html>`;
  return { status, html };
}

/** The sign-in is finished and stored. */
export const signedInPage = page(200, "Signed in", "You can close this page and go back to your terminal.");

/** The code has arrived; what became of it is told in the terminal. */
export const receivedPage = page(200, "Received", "Go back to your terminal: it tells how the sign-in ended.");

/** A request that moves nothing. */
export const strayPage = (status: number): Page =>
  page(status, "Nothing to see here", "This address only takes the answer to a sign-in that is under way.");

/** The sign-in failed. */
export function failedPage(code: ErrorCode): Page {
  return page(400, "Not signed in", `Go back to your terminal, it tells what to do. <code>${code}</code>`);
}

const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Headers of every page. */
export const pageHeaders: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": `default-src 'none'; script-src ${hash(tidy)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  connection: "close",
};
