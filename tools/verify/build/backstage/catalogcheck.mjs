#!/usr/bin/env node
// Reads catalog-info.yaml files as a Backstage catalog does, and prints one JSON
// line for each: {"file": …, "error": …}, with an empty error for a good one.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  apiEntityV1alpha1Validator,
  componentEntityV1alpha1Validator,
  DefaultNamespaceEntityPolicy,
  EntityPolicies,
  FieldFormatEntityPolicy,
  NoForeignRootFieldsEntityPolicy,
  parseEntityRef,
  resourceEntityV1alpha1Validator,
  SchemaValidEntityPolicy,
  stringifyEntityRef,
  systemEntityV1alpha1Validator,
} from "@backstage/catalog-model";
import { parseAllDocuments } from "yaml";

const kinds = [
  apiEntityV1alpha1Validator,
  componentEntityV1alpha1Validator,
  resourceEntityV1alpha1Validator,
  systemEntityV1alpha1Validator,
];
const policy = EntityPolicies.allOf([
  new SchemaValidEntityPolicy(),
  new DefaultNamespaceEntityPolicy(),
  new NoForeignRootFieldsEntityPolicy(),
  new FieldFormatEntityPolicy(),
]);

// What an entity may name, and the kind that it then is of.
const references = {
  system: "system",
  providesApis: "api",
  consumesApis: "api",
  dependsOn: undefined,
};

// Puts files in the places that name them, as a catalog does before it looks at an entity.
function filled(value, folder) {
  if (Array.isArray(value)) return value.map((item) => filled(item, folder));
  if (value === null || typeof value !== "object") return value;
  const fields = Object.entries(value);
  if (fields.length === 1 && fields[0][0] === "$text") return readFileSync(join(folder, fields[0][1]), "utf8");
  return Object.fromEntries(fields.map(([field, item]) => [field, filled(item, folder)]));
}

async function entitiesOf(file) {
  const entities = [];
  for (const document of parseAllDocuments(readFileSync(file, "utf8"))) {
    if (document.errors.length > 0) throw document.errors[0];
    const entity = await policy.enforce(filled(document.toJS(), dirname(file)));
    const checks = await Promise.all(kinds.map((kind) => kind.check(entity)));
    if (!checks.includes(true)) throw new Error(`no such kind: ${entity.kind}`);
    entities.push(entity);
  }
  return entities;
}

// A reference leads to an entity of the same file: what is described is whole.
function checkReferences(entities) {
  const known = new Set();
  for (const entity of entities) {
    const name = stringifyEntityRef(entity);
    if (known.has(name)) throw new Error(`${name} is described twice`);
    known.add(name);
  }
  for (const { metadata, spec } of entities) {
    for (const [field, defaultKind] of Object.entries(references)) {
      for (const reference of [spec[field] ?? []].flat()) {
        const target = stringifyEntityRef(parseEntityRef(reference, { defaultKind, defaultNamespace: "default" }));
        if (!known.has(target)) throw new Error(`${metadata.name}: ${field} names ${target}, which is nowhere`);
      }
    }
  }
}

for (const file of process.argv.slice(2)) {
  let error = "";
  try {
    checkReferences(await entitiesOf(file));
  } catch (problem) {
    error = problem.message;
  }
  console.log(JSON.stringify({ file, error }));
}
