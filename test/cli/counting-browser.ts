// A browser that opens nothing and counts: `BROWSER="node counting-browser.ts FILE"`. Every address is a line of the file.
import { appendFileSync } from "node:fs";

const [file = "", address = ""] = process.argv.slice(2);
appendFileSync(file, `${address}\n`);
