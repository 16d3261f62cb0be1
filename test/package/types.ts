// Prints, as JSON, what is wrong with the types of a packed archive for whoever resolves modules in whatever way. A process of
// its own: under the condition "development", which the tests run with, the checker would be its sources.
import { readFileSync } from "node:fs";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";

const [archive = ""] = process.argv.slice(2);
const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(archive))));
console.log(JSON.stringify(analysis.types === false ? null : analysis.problems));
