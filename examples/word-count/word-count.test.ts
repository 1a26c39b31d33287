import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fromUtf8, utf8 } from '@fog/kernel'
import { compileProgram, runTask } from '@fog/idle'
import { hasCommittedCompiler, rebuild } from '../rebuild.ts'

const HERE = import.meta.dirname
const wasm = new Uint8Array(readFileSync(join(HERE, 'build/words.wasm')))
const module = compileProgram(wasm)
const LICENSE = fromUtf8(readFileSync(join(HERE, '../../LICENSE')))

function run(args: readonly string[], files: readonly (readonly [string, Uint8Array])[]) {
  const outcome = runTask({ module, fuelLimit: 10n ** 10n, programName: 'words', args, files })
  expect(outcome).toMatchObject({ status: 'exited', exitCode: 0 })
  return new Map([...outcome.outputs].map(([path, content]) => [path, fromUtf8(content)]))
}

/** The three steps by hand, as the fog would run them. */
function count(text: string, parts: number): string {
  const split = run(['split', String(parts)], [['/in/text', utf8(text)]])
  const counts = [...split.values()].map((part) => run(['count'], [['/in/part', utf8(part)]]).get('counts')!)
  const files = counts.map((content, i) => [`/in/counts/${i}/counts`, utf8(content)] as const)
  return run(['join'], files).get('words')!
}

function directAnswer(text: string): string {
  const times = new Map<string, number>()
  for (const [word] of text.toLowerCase().matchAll(/[a-z]+/g)) times.set(word, (times.get(word) ?? 0) + 1)
  const sorted = [...times].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  return sorted.map(([word, number]) => `${word} ${number}\n`).join('')
}

test('the three steps give the answer that is counted directly, however the text is split', () => {
  for (const parts of [1, 4, 300]) expect(count(LICENSE, parts)).toBe(directAnswer(LICENSE))
  expect(count('', 3)).toBe('')
  expect(count('no line break', 2)).toBe('break 1\nline 1\nno 1\n')
})

test('the parts are the text', () => {
  const parts = [...run(['split', '4'], [['/in/text', utf8(LICENSE)]]).values()]
  expect(parts.join('')).toBe(LICENSE)
  expect(Math.max(...parts.map((part) => part.length))).toBeLessThan(LICENSE.length / 3)
})

test('the README shows the words that come out', () => {
  const shown = directAnswer(LICENSE).split('\n').slice(0, 5).join('\n')
  expect(readFileSync(join(HERE, 'README.md'), 'utf8')).toContain(shown)
})

test.runIf(hasCommittedCompiler())('the committed program is its source, compiled', () => {
  expect(rebuild(HERE)).toEqual(wasm)
})
