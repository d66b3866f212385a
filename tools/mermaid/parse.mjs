// Parses every ```mermaid block of the given Markdown files with Mermaid itself, and prints one JSON
// line for each file: {"file": …, "error": …}, with an empty error for a file that was accepted.
import fs from 'node:fs'
import { JSDOM } from 'jsdom'

const { window } = new JSDOM('<!doctype html><body></body>')
globalThis.window = window
globalThis.document = window.document
const { default: mermaid } = await import('mermaid') // only now: it looks for window when it loads

async function problemOf(file) {
  const text = fs.readFileSync(file, 'utf8')
  const blocks = [...text.matchAll(/^```mermaid\n([\s\S]*?)^```$/gm)]
  if (blocks.length === 0) return 'no diagram in it'
  for (const [, block] of blocks) {
    try {
      await mermaid.parse(block)
    } catch (error) {
      return String(error.message)
    }
  }
  return ''
}

for (const file of process.argv.slice(2)) {
  console.log(JSON.stringify({ file, error: await problemOf(file) }))
}
