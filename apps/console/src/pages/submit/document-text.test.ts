import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { faultsOf, readDocument, yamlOf } from './document-text.ts'
import { documentOf, EMPTY_FORM, type JobForm, linesOf, textOfLines } from './form.ts'

const MANDELBROT = `
# A picture in tiles.
name: mandelbrot
program: { kind: wasm, file: build/mandel.wasm }
each: { glob: tiles/*.json }
args: ["{item}", "/out/tile.ppm"]
inputs: { /in/palette.txt: palette.txt }
resources: { cores: 1, memoryMiB: 32, wallSeconds: 60 }
tier: silver
privacy: public
budget: 50
verify: auto
`

function formIn(text: string): JobForm {
  const read = readDocument(text)
  if (!read.ok) throw new Error(`${read.fault.field}: ${read.fault.text}`)
  return read.form
}

function whole(min: number, max: number) {
  return fc.integer({ min, max }).map(String)
}

describe('form and text say the same', () => {
  test('a document fills the form', () => {
    expect(formIn(MANDELBROT)).toMatchObject({
      name: 'mandelbrot',
      program: 'build/mandel.wasm',
      each: { kind: 'files', glob: 'tiles/*.json' },
      args: '{item}\n/out/tile.ppm',
      inputs: [{ key: '/in/palette.txt', value: 'palette.txt' }],
      budget: '50',
    })
  })

  test('what the form writes, it reads back', () => {
    const text = fc.string({ maxLength: 20 })
    const each = fc.oneof(
      fc.constant({ kind: 'once' as const }),
      fc.record({ kind: fc.constant('range' as const), from: whole(-9, 9), to: whole(10, 99) }),
      fc
        .record({
          kind: fc.constant('values' as const),
          lines: fc.array(text, { minLength: 1, maxLength: 5 }).map(textOfLines),
        })
        .filter(({ lines }) => lines !== ''),
      fc.record({
        kind: fc.constant('files' as const),
        glob: fc.constantFrom('tiles/*.json', '**/*.csv', 'a b/#?.txt'),
      }),
    )
    const form = fc.record({
      name: fc.constantFrom('a', 'true', '12', 'no: yes', '# x', '- y'),
      program: fc.constantFrom('a.wasm', 'build/b c.wasm'),
      each,
      args: fc.array(text, { maxLength: 5 }).map(textOfLines),
      env: fc.constantFrom([], [{ key: 'A_1', value: 'x: y' }]),
      inputs: fc.constantFrom([], [{ key: '/in/a.txt', value: 'a.txt' }]),
      tier: fc.constantFrom('platinum', 'gold', 'silver', 'bronze', ''),
      verify: fc.constantFrom('auto' as const, 'none' as const, 'quorum' as const),
      budget: fc.constantFrom('', '50', '0.25'),
      retries: fc.constantFrom('', '0', '4'),
    })
    fc.assert(
      fc.property(form, (fields) => {
        const before: JobForm = { ...EMPTY_FORM, ...fields }
        expect(formIn(yamlOf(before))).toEqual(before)
      }),
    )
  })

  test('entries keep their line breaks and backslashes', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (lines) => {
        expect(linesOf(textOfLines(lines))).toEqual(lines)
      }),
    )
  })

  test('JSON is read too', () => {
    expect(formIn('{ "name": "x", "program": { "kind": "wasm", "file": "x.wasm" } }').name).toBe('x')
  })
})

describe('what is wrong is said where it is', () => {
  test('broken YAML names its line', () => {
    expect(readDocument('name: x\nprogram: {')).toMatchObject({ ok: false, line: 2 })
  })

  test('a field nobody knows is named with its line', () => {
    const read = readDocument(`${MANDELBROT}colour: red\n`)
    expect(read).toMatchObject({ ok: false, fault: { field: 'colour', text: 'A job document has no field colour.' } })
  })

  test('a value of the wrong kind names its field and line', () => {
    expect(readDocument(MANDELBROT.replace('memoryMiB: 32', 'memoryMiB: much'))).toMatchObject({
      fault: { field: 'resources.memoryMiB', text: 'A whole number from 1 to 4096.' },
      line: 8,
    })
  })

  test('an empty form lacks a name and a program, and nothing else', () => {
    expect(faultsOf(documentOf(EMPTY_FORM)).map(({ field }) => field)).toEqual(['name', 'program.file'])
  })

  test('what is no number stays in its field, with what it wants', () => {
    const form = { ...EMPTY_FORM, name: 'x', program: 'x.wasm', resources: { ...EMPTY_FORM.resources, cores: 'two' } }
    expect(faultsOf(documentOf(form))).toEqual([{ field: 'resources.cores', text: 'A number above 0, at most 1024.' }])
  })

  test('a secret job is for the command line: it is faulty here, so that nothing of it is sent', () => {
    const form = { ...EMPTY_FORM, name: 'x', program: 'x.wasm', privacy: 'secret' }
    expect(faultsOf(documentOf(form))).toEqual([
      { field: 'privacy', text: expect.stringContaining('fog --mixnet submit') },
    ])
  })

  test('an input outside of /in is refused', () => {
    const form = { ...EMPTY_FORM, name: 'x', program: 'x.wasm', inputs: [{ key: '/etc/passwd', value: 'a.txt' }] }
    expect(faultsOf(documentOf(form))).toMatchObject([{ text: expect.stringContaining('under /in') }])
  })

  test('text that is no document at all is said to be none', () => {
    expect(readDocument('hello')).toMatchObject({ ok: false, fault: { field: '' } })
    expect(readDocument('')).toMatchObject({ ok: false, fault: { field: '' } })
  })

  test('a document that unfolds without end is refused', () => {
    const lines = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...'bcdefgh'
        .split('')
        .map((letter, i) => `${letter}: &${letter} [${Array(9).fill(`*${'abcdefg'[i]}`).join(', ')}]`),
    ]
    expect(readDocument(lines.join('\n'))).toMatchObject({ ok: false })
  })
})
