// `npm run pictures`: lays every statechart out, for the program and for docs/machines/.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chartOf, drawn } from "../../machines/chart.ts";
import { allPictures } from "../../runtime/inspect/picture.ts";
import { glanceName, pictureName } from "../../runtime/inspect/picture-name.ts";
import { machinePages } from "./machines.ts";
import { glance, picture } from "./picture.ts";

const root = join(import.meta.dirname, "../..");

/** Every picture of the program, as it would be drawn now. */
export function pictures(): string {
  const drawings = allPictures().flatMap(({ chart, grants }) => {
    const states = drawn(chartOf(chart, grants));
    return [
      [pictureName(chart, grants), picture(states)],
      [glanceName(chart, grants), glance(states)],
    ];
  });
  return `${JSON.stringify(Object.fromEntries(drawings), null, 2)}\n`;
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(join(root, "runtime/inspect/pictures.json"), pictures());
  const folder = join(root, "docs/machines");
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of await machinePages()) writeFileSync(join(folder, name), text);
}
