// docs/machines/ and the pictures in the program against the charts: what is drawn there is what runs.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { chartOf, drawn } from "../../machines/chart.ts";
import { definition } from "../../runtime/inspect/definition.ts";
import { arrowsOf } from "../../runtime/inspect/labels.ts";
import { allPictures, glanceOf, pictureOf } from "../../runtime/inspect/picture.ts";
import { pictures } from "./draw.ts";
import { machinePages } from "./machines.ts";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "docs/machines");

describe("the pictures of the statecharts", () => {
  it("are those of the charts of today (npm run pictures)", () => {
    assert.ok(readFileSync(join(root, "runtime/inspect/pictures.json"), "utf8") === pictures());
  });

  for (const { chart, grants } of allPictures())
    it(`have an id for every state and arrow: ${chart} ${grants.join(" ")}`, () => {
      const { states, transitions } = drawn(chartOf(chart, grants));
      for (const text of [pictureOf(chart, grants), glanceOf(chart, grants)]) {
        const svg = text.replaceAll("&gt;", ">").replaceAll("&#45;", "-");
        const ids = new Set([...svg.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
        for (const { path } of states) assert.ok(ids.has(`n:${path}`), path);
        for (const { source, target } of arrowsOf(transitions))
          assert.ok(ids.has(`e:${source}>${target}`), `${source}>${target}`);
        assert.doesNotMatch(svg, /<script|href|url\(|@import|style="/);
      }
    });
});

describe("docs/machines/", () => {
  it("has the files that the charts of today give (npm run pictures)", async () => {
    const pages = await machinePages();
    assert.deepEqual(readdirSync(folder).toSorted(), [...pages.keys()].toSorted());
    for (const [name, text] of pages) assert.ok(readFileSync(join(folder, name), "utf8") === text, name);
  });

  it("defines machines that can be made again, with every state and event", () => {
    for (const { chart, grants } of allPictures()) {
      const machine = chartOf(chart, grants);
      const { states, transitions } = drawn(machine);
      const text = definition(machine);
      for (const { path, description } of states)
        assert.ok(description !== "" && text.includes(JSON.stringify(description)), path);
      for (const { event, guard } of transitions) {
        if (!event.startsWith("xstate.") && event !== "") assert.ok(text.includes(`"${event}"`), event);
        if (guard !== null) assert.ok(text.includes(`"${guard}"`), guard);
      }
    }
  });

  it("says of every guard and action what it is called", () => {
    for (const { chart, grants } of allPictures())
      for (const { guard, actions } of drawn(chartOf(chart, grants)).transitions)
        for (const name of [...actions, ...(guard === null ? [] : [guard])]) assert.match(name, /^[a-z]\w+$/);
  });
});
