/** Owns the writing of the generated pages. */
import { writeFileSync } from "node:fs";
import { coverage, coverageFile } from "./coverage.ts";
import { renderedFile, renderedPage } from "./rendered.ts";

writeFileSync(coverageFile, coverage());
writeFileSync(renderedFile, await renderedPage());
