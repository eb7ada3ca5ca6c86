/** Owns the writing of the generated pages. */
import { writeFileSync } from "node:fs";
import { coverage, coverageFile } from "./coverage.ts";

writeFileSync(coverageFile, coverage());
