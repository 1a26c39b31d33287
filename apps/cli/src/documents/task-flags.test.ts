import { expect, test } from 'vitest'
import { isFogError } from '@fog/kernel'
import { documentOf, type EachFlags, eachOf, mebibytesOf, secondsOf, type TaskFlags } from './task-flags.ts'

const codeOf = (work: () => unknown): string => {
  try {
    work()
    return 'none'
  } catch (fault) {
    if (isFogError(fault)) return fault.code
    throw fault
  }
}

test('options say the same as a document', () => {
  const flags: TaskFlags = {
    in: ['a.txt=data/a.txt', '/in/deep/b=b', 'data/c.txt'],
    env: ['LEVEL=3', 'EMPTY=', 'EQUALS=a=b'],
    require: ['region=home'],
    tier: 'gold',
    cores: '0.5',
    memory: '1GiB',
    wall: '5m',
    fuel: '5e9',
    budget: '0.25',
    verify: '2',
    retries: '0',
  }
  expect(documentOf({ program: 'build/scale.wasm', args: ['50'] }, flags)).toEqual({
    name: 'scale',
    program: { kind: 'wasm', file: 'build/scale.wasm' },
    args: ['50'],
    inputs: { '/in/a.txt': 'data/a.txt', '/in/deep/b': 'b', '/in/c.txt': 'data/c.txt' },
    env: { LEVEL: '3', EMPTY: '', EQUALS: 'a=b' },
    require: { region: 'home' },
    resources: { cores: 0.5, memoryMiB: 1024, wallSeconds: 300, fuel: 5_000_000_000 },
    tier: 'gold',
    budget: '0.25',
    verify: { quorum: 2 },
    retries: 0,
  })
})

test('what is not said is left to the fog', () => {
  expect(documentOf({ program: 'a.wasm', args: [] }, {})).toEqual({
    name: 'a',
    program: { kind: 'wasm', file: 'a.wasm' },
  })
})

test.each<[TaskFlags, string]>([
  [{ memory: '64GiB' }, 'document.field_invalid'],
  [{ memory: 'much' }, 'cli.usage'],
  [{ memory: '12 parsecs' }, 'cli.usage'],
  [{ memory: '0.5' }, 'document.field_invalid'],
  [{ wall: '-1' }, 'cli.usage'],
  [{ wall: '2d' }, 'cli.usage'],
  [{ cores: 'two' }, 'cli.usage'],
  [{ cores: '' }, 'cli.usage'],
  [{ fuel: 'Infinity' }, 'cli.usage'],
  [{ env: ['NOTHING'] }, 'cli.usage'],
  [{ env: ['1BAD=x'] }, 'document.field_invalid'],
  [{ require: ['=x'] }, 'cli.usage'],
  [{ verify: 'always' }, 'cli.usage'],
  [{ verify: '9' }, 'document.field_invalid'],
  [{ budget: '-3' }, 'document.field_invalid'],
  [{ in: ['../../x=y'] }, 'document.field_invalid'],
  [{ in: ['/etc/passwd=y'] }, 'document.field_invalid'],
])('%j is refused as %s', (flags, code) => {
  expect(codeOf(() => documentOf({ program: 'a.wasm', args: [] }, flags))).toBe(code)
})

test('sizes and times are read with and without their unit', () => {
  expect(['512', '512MiB', '512m', '2g', '1.5GiB'].map((text) => mebibytesOf('--memory', text))).toEqual([
    512, 512, 512, 2048, 1536,
  ])
  expect(['90', '90s', '1.5m', '2h'].map((text) => secondsOf('--wall', text))).toEqual([90, 90, 90, 7200])
})

test('what to map over is said in exactly one way', () => {
  expect(eachOf({ each: 'in/*' })).toEqual({ glob: 'in/*' })
  expect(eachOf({ range: '-2:5' })).toEqual({ range: [-2, 5] })
  expect(eachOf({ values: 'a,b c,' })).toEqual({ values: ['a', 'b c', ''] })
  const wrong: EachFlags[] = [{}, { each: 'a', range: '1:2' }, { range: '1-2' }, { range: '1:' }, { range: 'a:b' }]
  expect(wrong.map((flags) => codeOf(() => eachOf(flags)))).toEqual(wrong.map(() => 'cli.usage'))
})
