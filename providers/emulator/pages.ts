// The pages that a person sees: consent, the code to copy, the device code to type in, and their results. Plain HTML that
// works without a script, in light and dark, from 320 px up. Whatever came from outside is escaped, and the policy in
// the headers would stop it if it were not. They must never load anything from anywhere.
import { createHash } from "node:crypto";
import type { Person } from "./people.ts";
import type { Reply } from "./reply.ts";
import { css } from "./style.ts";

// Written without a space between: the policy names the hash of exactly what stands in the tag.
const styleTag = `<style>${css}</style>`;
const styleHash = createHash("sha256").update(css).digest("base64");

export interface Consent {
  readonly title: string;
  readonly people: readonly Person[];
  readonly scopes: readonly string[];
  readonly ticket: string;
  readonly client: string;
  readonly redirectUri: string;
}

export function consentPage(consent: Consent): Reply {
  return page({
    title: `Sign in to ${consent.title}`,
    formTarget: formTarget(new URL(consent.redirectUri)),
    body: markup`<p>A program on your computer asks to use your ${consent.title} account.</p>
      <form method="post">
        <input type="hidden" name="ticket" value="${consent.ticket}" />
        ${raw(accounts(consent.people))} ${raw(scopes(consent.scopes))}
        <dl>
          <dt>Program</dt>
          <dd>${consent.client}</dd>
          <dt>Goes back to</dt>
          <dd>${consent.redirectUri}</dd>
        </dl>
        ${raw(decision)}
      </form>`,
  });
}

/**
 * Chromium checks every redirect after a form against form-action: the one to the listener, whose IPv6 literal a policy
 * cannot name, and the one with which a listener may send the browser on to its maker's site.
 */
const formTarget = ({ hostname, origin }: URL): string => `${hostname.startsWith("[") ? "http:" : origin} https:`;

/** The vendor's own page at the end of a paste flow. */
export function codePage(title: string, shown: string): Reply {
  return page({
    title: "Copy this code",
    body: markup`<p>Paste it into the program that asked you to sign in to ${title}. It works once, and not for long.</p>
      <p class="code" id="code" tabindex="0" aria-label="Authorization code">${shown}</p>`,
  });
}

export interface DevicePage {
  readonly title: string;
  /** What the person typed or the link brought; empty at first. */
  readonly userCode: string;
  readonly problem: string | null;
  /** Null: ask for the code. Otherwise ask for a yes or no. */
  readonly request: { readonly scopes: readonly string[]; readonly people: readonly Person[] } | null;
}

export function devicePage(device: DevicePage): Reply {
  const problem = device.problem === null ? "" : markup`<p class="problem" role="alert">${device.problem}</p>`;
  if (device.request === null) {
    return page({
      status: device.problem === null ? 200 : 400,
      title: `Connect a device to ${device.title}`,
      body: markup`<p>Type the code that the program shows.</p>
        ${raw(problem)}
        <form method="get">
          <label class="field">
            Code
            <input
              name="user_code"
              value="${device.userCode}"
              required
              autofocus
              autocomplete="off"
              autocapitalize="characters"
              spellcheck="false"
              maxlength="32"
            />
          </label>
          <div class="buttons"><button class="primary">Continue</button></div>
        </form>`,
    });
  }
  return page({
    title: `Connect a device to ${device.title}`,
    body: markup`<p>Go on only if the program that you started shows this code:</p>
      <p class="code short">${device.userCode}</p>
      <form method="post">
        <input type="hidden" name="user_code" value="${device.userCode}" />
        ${raw(accounts(device.request.people))} ${raw(scopes(device.request.scopes))}
        ${raw(decision)}
      </form>`,
  });
}

/** The last page, whatever happened. */
export function resultPage(status: number, title: string, message: string): Reply {
  return page({ status, title, body: markup`<p>${message}</p>` });
}

function accounts(people: readonly Person[]): string {
  const choices = people.map(
    (person, index) =>
      markup`<label class="account">
        <input type="radio" name="account" value="${person.email}"${raw(index === 0 ? " checked" : "")}>
        <span>${person.name}<small>${person.email}</small></span>
      </label>`,
  );
  return markup`<fieldset><legend>Account</legend>${raw(choices.join(""))}</fieldset>`;
}

/** A scope may be a URL: it breaks after its slashes. */
function scopes(list: readonly string[]): string {
  const items = list.map((scope) => {
    const parts = scope.split(/(?<=[^/]\/)(?!\/)/).map((part) => markup`${part}`);
    return markup`<li><code>${raw(parts.join("<wbr>"))}</code></li>`;
  });
  return markup`<h2>It will be able to use</h2><ul>${raw(items.join(""))}</ul>`;
}

const decision = `<div class="buttons">
  <button class="primary" name="decision" value="approve">Approve</button>
  <button name="decision" value="deny">Deny</button>
</div>`;

function page(content: { status?: number; title: string; body: string; formTarget?: string }): Reply {
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    `form-action 'self'${content.formTarget === undefined ? "" : ` ${content.formTarget}`}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join("; ");
  const body = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${content.title}</title>
        ${raw(styleTag)}
      </head>
      <body>
        <main>
          <h1>${content.title}</h1>
          ${raw(content.body)}
        </main>
        <footer>An emulator on this computer plays the provider. No real account is involved.</footer>
      </body>
    </html>`;
  return {
    status: content.status ?? 200,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    },
    body,
  };
}

interface Raw {
  readonly raw: string;
}

const raw = (text: string): Raw => ({ raw: text });

/** Escapes every value that is not marked as raw. */
function markup(parts: TemplateStringsArray, ...values: readonly (string | Raw)[]): string {
  return parts.reduce((text, part, index) => {
    const value = values[index - 1] ?? "";
    return text + (typeof value === "string" ? escape(value) : value.raw) + part;
  });
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? "");
