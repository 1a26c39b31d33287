import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { readCorpus } from './fuzz/corpus.ts'
import { targets } from './fuzz/targets.ts'
import { instrument } from '../scripts/fuzz/instrument.ts'

const ROOT = join(import.meta.dirname, '..')

test.each(Object.entries(targets))('%s takes every input that ever reached something new', (_, target) => {
  const kept = readCorpus(join(ROOT, target.corpus))
  expect(kept.size).toBeGreaterThan(0)
  for (const input of [...target.seeds(), ...kept.values()]) target.run(input)
})

test('a counted source does what the source does, and counts its branches', () => {
  const source = `
    function grade(n) {
      if (n < 0) return 'less'
      else if (n === 0) return n || 'none'
      for (const limit of [1, 2]) if (n <= limit) return n > 1 ? 'two' : 'one'
      switch (n) { case 3: return 'three'; default: { return 'more' } }
    }
    return [-1, 0, 1, 2, 3, 4].map((n) => grade(n)).join()`
  const { code, branches } = instrument(`function whole() {${source}}`, 0)
  const counts = new Uint8Array(branches)
  expect(runInNewContext(`${code}; whole()`, { branchCounts: counts })).toBe('less,none,one,two,three,more')
  expect(branches).toBeGreaterThan(10)
  expect([...counts].every((count) => count > 0)).toBe(true)
})
