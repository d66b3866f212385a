#!/usr/bin/env node
// Parses AsyncAPI documents as the official parser does, holds the examples of each message against
// its schema, and prints one JSON line for each: {"file": …, "error": …}, with an empty error for a
// good one.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";
import Ajv from "ajv";

const SEVERE = 1; // errors are 0, warnings 1; what is above are hints

const schemas = new Ajv({ strict: false, validateFormats: false, inlineRefs: true });

async function problemOf(file) {
  const { document, diagnostics } = await new Parser().parse(readFileSync(file, "utf8"), { source: file });
  const severe = diagnostics.filter(({ severity }) => severity <= SEVERE);
  if (severe.length > 0) return severe.map(({ message, path }) => `${path.join(".")}: ${message}`).join("; ");
  return exampleProblem(document);
}

function exampleProblem(document) {
  for (const message of document.allMessages().all()) {
    const accepts = schemas.compile(message.payload().json());
    for (const example of message.examples().all()) {
      if (!accepts(example.payload())) return `${message.id()}: ${schemas.errorsText(accepts.errors)}`;
    }
  }
  return "";
}

for (const file of process.argv.slice(2)) {
  let error;
  try {
    error = await problemOf(file);
  } catch (problem) {
    error = problem.message;
  }
  console.log(JSON.stringify({ file, error }));
}
