// docs/refresh-protocol.md against the chart, the model and the promises: what is drawn there is what runs.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { removable } from "../model/bounds.ts";
import { edges, stateNames } from "../model/chart.ts";
import { invariants } from "../model/invariants.ts";
import { large } from "../model/worlds.ts";
import { drawn } from "./drawing.ts";
import { blocks, quoted, read, rowsUnder } from "./pages.ts";

const page = read("docs/refresh-protocol.md");

describe("the page about the refresh protocol", () => {
  it("has the drawing and the states that the chart has (`npm run model -- --draw` writes them)", () => {
    assert.equal(page, drawn(page));
  });

  it("draws every transition once", () => {
    const [picture = ""] = blocks(page, "mermaid");
    const arrows = [...picture.matchAll(/^ +(\S+) --> (\S+): (\S+)$/gm)].map(([, from, to, event]) => ({
      from,
      event,
      to: to === "[*]" ? "done" : to,
    }));
    assert.deepEqual(arrows, edges);
  });

  it("describes every state", () => {
    const named = rowsUnder(page, "state").flatMap((row) => quoted(row["state"] ?? ""));
    assert.deepEqual([...named, "done"], stateNames);
  });

  it("lists every promise that the model checks", () => {
    const rows = rowsUnder(page, "promise").filter((row) => (row["checked in"] ?? "").includes("test/model/"));
    const named = new Set(rows.flatMap((row) => (row["promise"] ?? "").split(" ")[0] ?? []));
    const checked = new Set(invariants.map(({ name }) => name.split(" ")[0]));
    assert.deepEqual(
      [...checked].filter((name = "") => !named.has(name)),
      [],
    );
    assert.deepEqual(
      rowsUnder(page, "promise")
        .map((row) => /^I\d+/.exec(row["promise"] ?? "")?.[0])
        .filter(Boolean),
      Array.from({ length: 12 }, (_, index) => `I${index + 1}`),
    );
  });

  it("lists every step that the check misses when it is left out, and every world", () => {
    const steps = rowsUnder(page, "step").flatMap((row) => quoted(row["step"] ?? ""));
    assert.deepEqual(steps.toSorted(), Object.keys(removable).toSorted());
    const worlds = rowsUnder(page, "world").flatMap((row) => quoted(row["world"] ?? ""));
    assert.deepEqual(worlds, Object.keys(large));
  });
});
