import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isFogError } from '@fog/kernel'
import { checkJobDocument, parseJobDocument } from './job-document.ts'

const WHOLE = `
name: mandelbrot
program: { kind: wasm, file: build/mandel.wasm }
each: { glob: tiles/*.json }
args: ["{item}", "/out/tile.ppm"]
inputs: { /in/palette.txt: palette.txt }
env: { LEVEL: "3" }
resources: { cores: 0.5, memoryMiB: 32, wallSeconds: 60 }
tier: silver
privacy: public
budget: 50
verify: { quorum: 2 }
require: { region: home }
`
const MINIMAL = 'name: a\nprogram: { kind: wasm, file: a.wasm }\n'

function messageOf(text: string): string {
  try {
    parseJobDocument(text, 'job.yaml')
  } catch (fault) {
    if (isFogError(fault)) return fault.message
    throw fault
  }
  return 'accepted'
}

test('a whole document is read from YAML', () => {
  expect(parseJobDocument(WHOLE)).toMatchObject({ name: 'mandelbrot', each: { glob: 'tiles/*.json' }, budget: 50 })
})

test('the same document is read from JSON', () => {
  expect(parseJobDocument(JSON.stringify(parseJobDocument(WHOLE)))).toEqual(parseJobDocument(WHOLE))
})

test.each([
  ['a text that is no mapping', 'hello', 'the document must be a mapping of fields'],
  ['an empty text', '', 'the document must be a mapping of fields'],
  ['a list', '- a\n- b\n', 'the document must be a mapping of fields'],
  ['an unknown field', `${MINIMAL}colour: red\n`, 'the document has the unknown field colour'],
  ['an unknown field inside', `${MINIMAL}resources: { gpus: 1 }\n`, 'resources has the unknown field gpus'],
  ['a missing field', 'name: a\n', 'the document lacks the field program'],
  ['a wrong type', `${MINIMAL}resources: { cores: many }\n`, 'resources.cores'],
  ['a number out of range', `${MINIMAL}resources: { memoryMiB: 5000 }\n`, 'resources.memoryMiB'],
  ['a word that is none of the choices', `${MINIMAL}tier: copper\n`, 'tier'],
  ['an unknown kind', 'name: a\nprogram: { kind: elf, file: a.out }\n', 'program.kind'],
  ['a choice in no form', `${MINIMAL}each: { globs: x }\n`, 'each must be one of { glob'],
  ['a negative budget', `${MINIMAL}budget: -1\n`, 'budget must be a positive number'],
  ['a half range', `${MINIMAL}each: { range: [1] }\n`, 'each.range must not have fewer than 2'],
  ['a bad quorum', `${MINIMAL}verify: { quorum: 1 }\n`, 'verify.quorum'],
  ['an input outside of /in', `${MINIMAL}inputs: { /etc/passwd: x }\n`, 'inputs'],
  ['an input that climbs', `${MINIMAL}inputs: { /in/../x: x }\n`, 'inputs'],
  ['a label in capitals', `${MINIMAL}require: { Region: x }\n`, 'require'],
  ['a deadline that is none', `${MINIMAL}deadline: tomorrow\n`, 'deadline must be an instant such as'],
  ['a time that is none', `${MINIMAL}within: soon\n`, 'within must be a time such as'],
  ['two deadlines', `${MINIMAL}within: 2h\ndeadline: 2026-12-01T12:00Z\n`, 'within stands beside deadline'],
  ['a step without a program', 'name: a\nsteps: [{ name: split }]\n', 'steps.0 lacks the field program'],
  ['a field no step has', 'name: a\nsteps: [{ name: split, tier: gold }]\n', 'steps.0'],
  [
    'an input from nowhere',
    'name: a\nsteps: [{ name: b, program: { kind: wasm, file: a }, inputs: { /in/a: { path: x } } }]\n',
    'steps.0.inputs',
  ],
  ['an empty matrix', `${MINIMAL}each: { matrix: { x: [] } }\n`, 'each'],
  ['a comma in a matrix', `${MINIMAL}each: { matrix: { x: ["a,b"] } }\n`, 'each'],
  ['a matrix of items', `${MINIMAL}each: { matrix: { item: [1] } }\n`, 'each'],
  ['a failure that cannot be tried again', `${MINIMAL}retryOn: [no_agreement]\n`, 'retryOn'],
  ['an endless number', `${MINIMAL}budget: .inf\n`, 'budget'],
  ['a field twice', `${MINIMAL}name: b\n`, 'neither YAML nor JSON'],
  ['a tab for indentation', 'name: a\nprogram:\n\tkind: wasm\n', 'neither YAML nor JSON'],
  ['an unknown tag', `${MINIMAL}args: [!secret x]\n`, 'neither YAML nor JSON'],
  ['two documents', `${MINIMAL}---\n${MINIMAL}`, 'neither YAML nor JSON'],
  ['half a document', '{"name": "a", "program": {', 'neither YAML nor JSON'],
])('%s is refused with what to change', (_, text, says) => {
  expect(messageOf(text)).toContain(says)
  expect(messageOf(text)).toContain('job.yaml')
})

test('the message names the choices there are', () => {
  expect(messageOf(`${MINIMAL}tier: copper\n`)).toContain('platinum, gold, silver, bronze')
})

test('a small document does not unfold into a large one', () => {
  const levels = Array.from({ length: 30 }, (_, i) => `l${i + 1}: &l${i + 1} [*l${i}, *l${i}, *l${i}]`)
  expect(messageOf(`l0: &l0 x\n${levels.join('\n')}\n`)).toContain('neither YAML nor JSON')
})

test('deep nesting is refused like any other mistake', () => {
  expect(messageOf(`name: ${'['.repeat(10_000)}`)).toContain('job.yaml')
  expect(messageOf(JSON.stringify({ name: 'a' }).replace('"a"', '{"a":'.repeat(5_000)))).toContain('job.yaml')
})

test('a prototype cannot be put in by name', () => {
  expect(messageOf(`${MINIMAL}__proto__: { tier: gold }\n`)).toContain('__proto__')
})

test('any text at all is either a document or refused with a sentence', () => {
  const anything = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.json(),
    fc.array(fc.constantFrom(...WHOLE.split(/(?<=[ \n{}:,[\]])/)), { maxLength: 60 }).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(anything, (text) => {
      expect(messageOf(text)).toMatch(/^accepted$|job\.yaml.* [A-Z].*\.$/s)
    }),
    { numRuns: 800 },
  )
})

test('a document with one part replaced by anything is either good or refused with a sentence', () => {
  const good = parseJobDocument(WHOLE) as Record<string, unknown>
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(good), 'stdin', 'retries'), fc.anything(), (field, value) => {
      expect(sayOf({ ...good, [field]: value })).not.toMatch(/undefined|schema is false/)
    }),
    { numRuns: 800 },
  )
})

function sayOf(document: unknown): string {
  try {
    checkJobDocument(document)
    return 'accepted'
  } catch (fault) {
    if (isFogError(fault)) return fault.message
    throw fault
  }
}
