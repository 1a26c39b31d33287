import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { globMatcher } from './glob.ts'

const FILES = [
  'a.json',
  'b.txt',
  'tiles/r0-c0.json',
  'tiles/r1-c0.json',
  'tiles/x.csv',
  'tiles/deep/y.json',
  'odd (1).json',
  'a+b.json',
]
const folder = mkdtempSync(join(tmpdir(), 'fog-glob-'))

beforeAll(() => {
  for (const file of FILES) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), '')
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

test.each([
  '*.json',
  'tiles/*.json',
  '**/*.json',
  'tiles/**',
  'tiles/r?-c0.json',
  'tiles/r[0-9]-*',
  '*.{json,txt}',
  './a.json',
  'odd (1).json',
  'a+b.*',
  'none*',
  'tiles/**/*.json',
])('%s means the same files here as on the command line', (pattern) => {
  const here = FILES.filter(globMatcher(pattern)).toSorted()
  const there = globSync(pattern, { cwd: folder })
    .filter((path) => FILES.includes(path))
    .toSorted()
  expect(here).toEqual(there)
})
