// The address that is opened may come from a server. No shell ever sees it, nothing but a web page is opened, and the
// browser is told no secret of ours (threats T30, T36).
import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openBrowser, wordsOf } from "../../runtime/login/browser.ts";
import { Home } from "../support/home.ts";
import { codeOf, until } from "../support/stage.ts";

/** A program that notes its arguments and its environment. */
function recorder(
  home: Home,
  name = "browser",
): { command: string; arguments: () => string[]; environment: () => string } {
  const command = join(home.userHome, name);
  const notes = join(home.userHome, "notes");
  writeFileSync(
    command,
    `#!/bin/sh\nfor one in "$@"; do printf '%s\\n' "$one" >> '${notes}.part'; done\nenv > '${notes}.env'\nmv '${notes}.part' '${notes}'\n`,
  );
  chmodSync(command, 0o700);
  return {
    command,
    arguments: () => (existsSync(notes) ? readFileSync(notes, "utf8").trimEnd().split("\n") : []),
    environment: () => readFileSync(`${notes}.env`, "utf8"),
  };
}

describe("BROWSER", () => {
  it("is split into words, quotes hold words together, nothing is expanded", () => {
    assert.deepEqual(wordsOf("firefox --new-tab %s"), ["firefox", "--new-tab", "%s"]);
    assert.deepEqual(wordsOf(`"/opt/my browser/run" --profile 'a b' "c"d`), [
      "/opt/my browser/run",
      "--profile",
      "a b",
      "cd",
    ]);
    assert.deepEqual(wordsOf(`x --url="%s" '' $HOME \`id\` $(id) ; rm`), [
      "x",
      "--url=%s",
      "",
      "$HOME",
      "`id`",
      "$(id)",
      ";",
      "rm",
    ]);
    assert.deepEqual(wordsOf("  "), []);
    assert.deepEqual(wordsOf(`lone " quote`), ["lone", "quote"]);
  });

  for (const [what, tail, expected] of [
    ["as the last argument", " --new-window", ["--new-window", "URL"]],
    ["in the place of %s", " --url=%s --private", ["--url=URL", "--private"]],
  ] as const) {
    it(`is given the address ${what}, to the letter`, async () => {
      using home = new Home();
      const browser = recorder(home);
      const url = "https://example.com/a?b=$(touch%20x)&c=`id`&d=;'e'&f=$&&g=%25s";
      await openBrowser(url, browser.command + tail);
      await until(() => browser.arguments().length > 0, "the browser was started");
      assert.deepEqual(
        browser.arguments(),
        expected.map((word) => word.replace("URL", () => new URL(url).href)),
      );
    });
  }

  it("that is no program is an error, and no more", async () => {
    assert.equal(await codeOf(openBrowser("https://example.com/", "/nonexistent/browser")), "ENOENT");
  });

  it("inherits no key, token, secret or password", async () => {
    using home = new Home();
    const browser = recorder(home);
    const names = ["ACME_API_KEY", "GITHUB_TOKEN", "MY_CLIENT_SECRET", "DB_PASSWORD"];
    for (const name of names) process.env[name] = "canary-in-the-environment";
    try {
      await openBrowser("http://127.0.0.1:1/", browser.command);
      await until(() => browser.arguments().length > 0, "the browser was started");
    } finally {
      for (const name of names) delete process.env[name];
    }
    assert.ok(!browser.environment().includes("canary-in-the-environment"));
    assert.match(browser.environment(), /^PATH=/m);
  });
});

describe("an address that is no page of the web", () => {
  for (const address of [
    "javascript:alert(1)",
    "file:///etc/passwd",
    "data:text/html,x",
    "vbscript:x",
    "ms-settings:",
    "ftp://example.com/",
    "http://example.com/",
    "http://127.0.0.1.evil.example/",
    "http://localhost@evil.example/",
    "https://user:password@example.com/",
    'https://a"&calc&.example/',
    "https://example.com/\u001b[31m",
    "https://example.com\\@evil.example/",
    "\\\\server\\share",
    "--help",
    "",
  ]) {
    it(`${JSON.stringify(address)} is not opened`, async () => {
      using home = new Home();
      const browser = recorder(home);
      assert.equal(await codeOf(openBrowser(address, browser.command)), "url_unsafe");
      assert.deepEqual(browser.arguments(), []);
    });
  }
});

it("without a command the usual browser is asked, and told no secret either", async () => {
  using home = new Home();
  const browser = recorder(home);
  const url = "https://example.com/a?b=c";
  const before = { ...process.env };
  // What the library starts on Linux ends up at this variable; elsewhere it would open a real browser.
  Object.assign(process.env, { BROWSER: browser.command, MADE_UP_API_KEY: "plainly-fake" });
  try {
    await openBrowser(url, "");
  } finally {
    process.env = before;
  }
  await until(() => browser.arguments().length > 0, "the browser was started");
  assert.deepEqual(browser.arguments(), [url]);
  assert.doesNotMatch(browser.environment(), /plainly-fake/);
});
