/** Owns the test that docs/coverage.md is what the tables say. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { coverage, coverageFile } from "./coverage.ts";

test("docs/coverage.md is what the tables say (npm run docs writes it)", () => {
  assert.equal(readFileSync(coverageFile, "utf8"), coverage());
});
