// Threats to the page of `inspect`: every page in the browser and every program of this machine can reach its port.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { after } from "node:test";
import { createJournal } from "../../runtime/inspect/journal.ts";
import { type Inspector, openInspector } from "../../runtime/inspect/page/inspector.ts";
import { isOpen, visit } from "../support/browser.ts";
import { Home, plainTokens } from "../support/home.ts";
import { enter, ofThePage, standInPage } from "../support/visitor.ts";
import { rule } from "./rule.ts";

const opened: (() => unknown)[] = [];
after(async () => {
  for (const close of opened.toReversed()) await close();
});

/** An inspector over a home with something in it. */
async function inspecting(): Promise<{ readonly home: Home; readonly inspector: Inspector; readonly origin: string }> {
  const home = new Home();
  opened.push(() => home[Symbol.dispose]());
  home.plant("codex", plainTokens());
  createJournal(home.paths.journal, home.now).note({ step: "signedIn", provider: "codex", account: "default" });
  const parts = { host: home.host(), paths: home.paths, reserved: new Set<string>(), keys: null, profile: null };
  const inspector = await openInspector({ ...parts, folder: standInPage(home.userHome) });
  opened.push(() => inspector.close());
  return { home, inspector, origin: new URL(inspector.url).origin };
}

const stamps = (home: Home): string[] =>
  home.files().map((path) => `${path} ${statSync(path).ctimeMs} ${readFileSync(path).length}`);

rule(
  {
    id: "T39",
    source: "threat: pages that read the inspector",
    says: "the inspector's page answers only the browser that was given its one-time token, by its own name",
  },
  {
    holds: {
      "the browser that brings the token is let in, and hears how things stand": async () => {
        const { inspector } = await inspecting();
        const visitor = await enter(inspector.url);
        assert.equal((await visitor.ask("/")).status, 200);
        using page = await visitor.news();
        const [first] = await page.heard(1);
        assert.ok(first?.scene?.accounts.some(({ state }) => state === "authenticated"));
        assert.equal(first?.records?.[0]?.step, "signedIn");
      },
      "the token leaves the address bar at the first load, for a cookie that no script and no other site sees":
        async () => {
          const { inspector } = await inspecting();
          const { status, headers } = await visit(inspector.url, { headers: { "sec-fetch-site": "none" } });
          assert.deepEqual([status, headers["location"]], [303, "/"]);
          const [pair = "", ...attributes] = String(headers["set-cookie"]).split("; ");
          assert.deepEqual(attributes, ["HttpOnly", "SameSite=Strict", "Path=/"]);
          assert.ok(!pair.includes(new URL(inspector.url).searchParams.get("token") ?? ""));
        },
      "it stops with the command, and its port is free": async () => {
        const { inspector } = await inspecting();
        const port = Number(new URL(inspector.url).port);
        assert.ok(await isOpen(port));
        await inspector.close();
        assert.ok(!(await isOpen(port)));
      },
    },
    refuses: {
      "the token, a second time, from the same browser or another: 403": async () => {
        const { inspector, origin } = await inspecting();
        const visitor = await enter(inspector.url);
        for (const headers of [{}, { cookie: visitor.cookie }, { "sec-fetch-site": "none" }])
          assert.equal((await visit(inspector.url, { headers })).status, 403);
        assert.equal((await visit(`${origin}/?token=${"A".repeat(43)}`)).status, 403);
      },
      "no cookie, another one, another Host, another origin or site, by any path and method: 403, without a word":
        async () => {
          const { inspector, origin } = await inspecting();
          const { cookie } = await enter(inspector.url);
          const host = new URL(origin).host;
          const right = { ...ofThePage, cookie };
          for (const headers of [
            ofThePage,
            { ...right, cookie: `${cookie}x` },
            { ...right, host: host.replace("127.0.0.1", "localhost") },
            { ...right, host: host.replace("127.0.0.1", "rebound.example") },
            { ...right, origin: "https://evil.example" },
            { ...right, origin: "null" },
            { ...right, "sec-fetch-site": "cross-site" },
            { ...right, "sec-fetch-site": "same-site" },
            { cookie },
          ])
            for (const path of ["/news", "/view.js", "/pictures.json", "/nowhere"])
              for (const method of ["GET", "HEAD", "POST", "OPTIONS"]) {
                const answer = await visit(origin + path, { method, headers });
                assert.deepEqual(
                  [answer.status, answer.body],
                  [403, ""],
                  `${method} ${path} ${JSON.stringify(headers)}`,
                );
                assert.equal(answer.headers["access-control-allow-origin"], undefined);
              }
          assert.equal((await visit(`${origin}/view.js`, { headers: right })).status, 200);
        },
      "a frame around it, a script, style or picture from elsewhere, a stored copy": async () => {
        const { inspector } = await inspecting();
        const visitor = await enter(inspector.url);
        const { headers } = await visitor.ask("/");
        const policy = String(headers["content-security-policy"]);
        assert.match(policy, /^default-src 'none'; .*frame-ancestors 'none'$/);
        // Of pictures, also those that the page has in itself.
        assert.doesNotMatch(policy.replace("img-src 'self' data:", ""), /unsafe|\*|https?:|data:/);
        assert.equal(headers["x-frame-options"], "DENY");
        assert.equal(headers["cache-control"], "no-store");
      },
      "to change anything: no request of anybody leaves a trace in the files": async () => {
        const { home, inspector, origin } = await inspecting();
        const before = stamps(home);
        const visitor = await enter(inspector.url);
        for (const path of ["/", "/view.js", "/look.css", "/pictures.json", "/cancel", "/logout?provider=codex"])
          for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE"]) {
            await visitor.ask(path, {}, method);
            await visit(origin + path, { method });
          }
        using page = await visitor.news();
        await page.heard(1);
        assert.deepEqual(stamps(home), before);
      },
    },
    also: [
      { file: "test/runtime/inspect/page.test.ts", words: "gets 403 and nothing more, by whatever path and method" },
      { file: "test/cli/inspect.test.ts", words: "gives the port back within a second of Ctrl-C" },
    ],
  },
);
