// node validate.mjs FILE.glb: the Khronos validator's report as JSON.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const { validateBytes } = createRequire(import.meta.url)("gltf-validator");
const report = await validateBytes(new Uint8Array(await readFile(process.argv[2])), { maxIssues: 100 });
process.stdout.write(JSON.stringify(report));
