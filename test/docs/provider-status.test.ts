// What people read about the vendors is what the data says, and what the program will tell them.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { providers } from "../../providers/index.ts";
import type { Provider } from "../../providers/provider.ts";
import { quoted, read, rowsUnder } from "./pages.ts";

const page = read("docs/provider-status.md");
const rows = rowsUnder(page, "provider", "status");
const readme = rowsUnder(read("README.md"), "provider");
const table: readonly Provider[] = Object.values(providers);

describe("provider status", () => {
  it("has one row for every provider that ships", () => {
    const names = table.map(({ name }) => name).toSorted();
    assert.deepEqual(rows.map((row) => row["provider"] ?? "").toSorted(), names);
    assert.deepEqual(readme.map((row) => row["provider"] ?? "").toSorted(), names);
  });

  for (const { name, status, grants, grantsPage, keyVariables } of table) {
    const row = rows.find((one) => one["provider"] === name) ?? {};

    it(`${name}: status, date, ways and pages`, () => {
      assert.deepEqual([row["status"], row["since"]], [status.kind, status.since]);
      assert.equal(row["ways to sign in"], grants.join(", "));
      assert.equal(row["review your grants"], `<${grantsPage}>`);
      assert.equal(row["what to use instead"] === "-", status.instead === null);
    });

    it(`${name}: the keys that are its own`, () => {
      const own = keyVariables.filter(({ when }) => when === null).map((variable) => variable.name);
      assert.deepEqual(quoted(row["API key"] ?? ""), own);
      if (status.instead !== null) assert.ok(status.instead.includes(own[0] ?? ""));
    });

    it(`${name}: a section of its own, with its sources`, () => {
      const section = page.split(/^## /m).find((part) => part.startsWith(`${name}\n`)) ?? "";
      assert.match(section, /- Sources: /);
      if (status.kind !== "active") assert.ok(section.includes(status.since));
    });

    it(`${name}: README and guide say the same`, () => {
      const [, said = ""] = Object.entries(readme.find((one) => one["provider"] === name) ?? {}).at(-1) ?? [];
      if (status.kind === "active") assert.equal(said, "active");
      else assert.ok(said.includes(status.since), said);
      const set =
        read("docs/guide.md")
          .split(/^### /m)
          .find((part) => part.startsWith(`${name}\n`)) ?? "";
      if (status.kind !== "active") assert.ok(set.includes(status.since), "the guide gives the date");
    });
  }
});
