// Writes the schema of a Terraform provider, as `terraform providers schema -json` prints it.
//
// The classes of @cdktf/provider-* were generated from such a schema, so they still hold it: this
// program loads them over a stand-in of the cdktf library that records what each class says about
// itself. Two things are lost: which optional attributes are also computed (all are taken to be, as
// far as they are a resource's own), and which are sensitive.
//
// usage: node extract.cjs PACKAGE_FOLDER PROVIDER OUT.json

const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");

// --- A stand-in of cdktf ---------------------------------------------------------------------

// The type of an attribute, in Terraform's own notation.
class Type {
  constructor(of) {
    this.of = of;
  }
}

const primitives = { string: "string", number: "number", boolean: "bool", any: "dynamic" };

// Stands for any value that somebody might configure.
function anything() {
  return new Proxy({}, { get: (_, property) => (typeof property === "symbol" ? undefined : anything()) });
}

// What the program notes about an object, out of reach of the names of its attributes.
const attribute = Symbol("attribute");
const nesting = Symbol("nesting");

// What a getter of a simple attribute returns.
class Simple {
  constructor(name, type) {
    this[attribute] = name;
    this.type = type;
  }
}

class Element {
  constructor(parent, name) {
    this[attribute] = name;
  }
}
for (const [primitive, of] of Object.entries(primitives)) {
  const title = primitive[0].toUpperCase() + primitive.slice(1);
  Element.prototype[`get${title}Attribute`] = (name) => new Simple(name, of);
  Element.prototype[`get${title}MapAttribute`] = (name) => new Simple(name, ["map", of]);
  Element.prototype[`get${title}ListAttribute`] = (name) => new Simple(name, ["list", of]);
}
Element.prototype.getListAttribute = (name) => new Simple(name, ["list", "string"]);
Element.prototype.getNumberListAttribute = (name) => new Simple(name, ["list", "number"]);
Element.prototype.interpolationForAttribute = (name) => new Simple(name, "dynamic");

class Collection extends Element {
  constructor(parent, name, wrapsInSet) {
    super(parent, name);
    this[nesting] = this instanceof ComplexMap ? "map" : wrapsInSet ? "set" : "list";
  }
}
class ComplexList extends Collection {}
class ComplexMap extends Collection {}
class Single extends Element {
  constructor(parent, name, wrapsInSet, index) {
    super(parent, name);
    this[nesting] = typeof index === "number" ? "list" : undefined;
  }
}

const cdktf = {
  TerraformResource: class extends Element {},
  TerraformDataSource: class extends Element {},
  TerraformProvider: class extends Element {},
  ImportableResource: class {},
  ComplexObject: Single,
  ComplexList,
  ComplexMap,
  canInspect: () => true,
  isComplexElement: () => false,
  Tokenization: { isResolvable: () => false },
  Token: new Proxy({}, { get: () => (value) => value }),
  Fn: { tolist: (list) => new Simple(list[attribute], ["set", list.type[1]]) },
  listMapper: () => () => undefined,
  hashMapper: () => () => undefined,
  listMapperHcl: (element) => () => ({ each: element(anything()), within: "list" }),
  hashMapperHcl: (element) => () => ({ each: element(anything()), within: "map" }),
};
for (const [primitive, of] of Object.entries(primitives)) {
  const title = primitive[0].toUpperCase() + primitive.slice(1);
  const type = ["map", of];
  cdktf[`${primitive}ToTerraform`] = () => undefined;
  cdktf[`${primitive}ToHclTerraform`] = () => new Type(of);
  cdktf[`${title}Map`] = class extends Simple {
    constructor(parent, name) {
      super(name, type);
    }
  };
  cdktf[`${title}MapList`] = class extends Simple {
    constructor(parent, name, wrapsInSet) {
      super(name, [wrapsInSet ? "set" : "list", type]);
    }
  };
}

const load = Module._load;
Module._load = (name, ...rest) => (name === "cdktf" ? cdktf : name === "constructs" ? {} : load(name, ...rest));

// --- Reading the classes ---------------------------------------------------------------------

// required lists, for each interface of a declaration file, the attributes that have to be given.
function required(folder) {
  const interfaces = {};
  for (const file of fs.readdirSync(folder, { recursive: true })) {
    if (!file.endsWith(".d.ts")) continue;
    const text = fs.readFileSync(path.join(folder, file), "utf8");
    for (const [, name, body] of text.matchAll(/^export interface (\w+)[^{]*\{\n(.*?)^\}/gms)) {
      const fields = body.matchAll(/#\w+ \w+#(\w+)\}(?:(?!\*\/).)*\*\/\s*readonly \w+:/gs);
      interfaces[name] = new Set([...fields].map((field) => field[1]));
    }
  }
  return interfaces;
}

// blockOf turns what synthesizeHclAttributes or a ...ToHclTerraform returned into a block.
function blockOf(fields, owner, interfaces, top) {
  const block = { attributes: {}, block_types: {} };
  const needed = interfaces[owner] ?? new Set();
  for (const [name, field] of Object.entries(fields)) {
    const must = needed.has(name);
    const inner = field.value.each ?? field.value;
    if (field.isBlock && !(inner instanceof Type)) {
      const nested = blockOf(inner, field.storageClassType.replace(/(List|Set|Map)$/, ""), interfaces, false);
      const mode = field.type === "struct" ? "single" : field.type;
      const least = must && ["list", "set", "single"].includes(mode) ? 1 : 0;
      const most = mode === "single" ? least : field.value.each ? 0 : 1;
      block.block_types[name] = { nesting_mode: mode, block: nested, min_items: least, max_items: most };
    } else {
      const type = typeOf(field);
      block.attributes[name] = must ? { type, required: true } : { type, optional: true, computed: top };
    }
  }
  return block;
}

// typeOf names the type of an attribute; an attribute may also hold what looks like a block.
function typeOf(field) {
  const element = elementOf(field.value.each ?? field.value);
  return ["simple", "struct"].includes(field.type) ? element : [field.type, element];
}

function elementOf(value) {
  if (value instanceof Type) return value.of;
  if (value.each) return [value.within, elementOf(value.each)];
  return ["object", Object.fromEntries(Object.entries(value).map(([name, field]) => [name, typeOf(field)]))];
}

// computed finds the attributes that nobody can set: those with a getter that no block mentions.
function computed(instance, known) {
  const found = {};
  const getters = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(instance)));
  for (const [name, { get }] of getters) {
    if (!get || name.endsWith("Input") || name === "internalValue") continue;
    const value = instance[name];
    if (value?.[attribute] && !(value[attribute] in known)) found[value[attribute]] = computedType(value);
  }
  return found;
}

function computedType(value) {
  if (value instanceof Simple) return value.type;
  const object = ["object", computed(value instanceof Collection ? value.get(0) : value, {})];
  return value[nesting] ? [value[nesting], object] : object;
}

function schemaOf(Class, folder, top) {
  const instance = new Class(undefined, "x", anything());
  const { alias, ...fields } = instance.synthesizeHclAttributes(); // alias is Terraform's own
  const block = blockOf(fields, `${Class.name}Config`, required(folder), top);
  if (!top) return { version: 0, block };
  for (const [name, type] of Object.entries(computed(instance, fields))) {
    block.attributes[name] = { type, computed: true };
  }
  return { version: 0, block };
}

// anySetOfUntyped finds what protocol 5 cannot carry: a block whose type is not known, in a set.
function anySetOfUntyped(block) {
  return Object.values(block.block_types).some(
    (nested) =>
      (nested.nesting_mode === "set" && JSON.stringify(nested.block).includes('"dynamic"')) ||
      anySetOfUntyped(nested.block),
  );
}

// --- The whole package -----------------------------------------------------------------------

function main([folder, provider, out]) {
  const lib = path.join(path.resolve(folder), "lib");
  const schema = { provider: undefined, resource_schemas: {}, data_source_schemas: {} };
  for (const name of fs.readdirSync(lib).sort()) {
    const place = path.join(lib, name);
    if (!fs.statSync(place).isDirectory()) continue;
    for (const Class of Object.values(require(place))) {
      const type = Class?.tfResourceType;
      if (!type) continue;
      const made = schemaOf(Class, place, name !== "provider");
      if (anySetOfUntyped(made.block)) continue;
      if (name === "provider") schema.provider = made;
      else if (name.startsWith("data-")) schema.data_source_schemas[type] = made;
      else schema.resource_schemas[type] = made;
    }
  }
  fs.mkdirSync(path.dirname(out), { recursive: true });
  fs.writeFileSync(out, JSON.stringify({ format_version: "1.0", provider_schemas: { [provider]: schema } }));
}

main(process.argv.slice(2));
