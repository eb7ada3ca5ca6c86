/** Owns the tests that the generated pages are what tables and program say. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { coverage, coverageFile } from "./coverage.ts";
import { renderedFile, renderedPage } from "./rendered.ts";

test("docs/coverage.md is what the tables say (npm run docs writes it)", () => {
  assert.equal(readFileSync(coverageFile, "utf8"), coverage());
});

test("docs/rendered.md is what a model is shown (npm run docs writes it)", async () => {
  assert.equal(readFileSync(renderedFile, "utf8"), await renderedPage());
});
