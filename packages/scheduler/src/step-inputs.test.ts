import { expect, test } from 'vitest'
import { fillTemplate } from './fill-template.ts'
import type { StepInput, StepSpec } from './job.ts'
import { folderOf, isShared, ownInputs, sharedInputs, type SourceTask } from './step-inputs.ts'
import { Fixtures, MIB } from './testing/index.ts'

const { limits } = new Fixtures().spec()
const step = (name: string, first: number, tasks: number, given: readonly StepInput[] = []): StepSpec => ({
  name,
  program: { digest: 'aa'.repeat(32), size: 1 },
  args: [],
  env: {},
  inputs: [],
  limits,
  first,
  tasks,
  needs: [],
  given,
})
const file = (path: string, size = 5) => ({ path, digest: 'bb'.repeat(32), size })
const source = (index: number, item: string, ...paths: string[]): SourceTask => ({
  index,
  item,
  outputs: paths.map((path) => file(path)),
})
const paths = (given: ReturnType<typeof sharedInputs>) =>
  given.ok ? given.inputs.map(({ path }) => path) : given.failure

test('a folder of a mapped step has a folder for each item', () => {
  const join = step('join', 3, 1, [{ path: '/in/parts/', step: 0, how: 'all' }])
  const sources = [source(0, '/in/a.txt', 'x', 'deep/y'), source(1, '', 'x'), source(2, '..', 'x')]
  expect(paths(sharedInputs(join, 0, step('map', 0, 3), sources))).toEqual([
    '/in/parts/a.txt/x',
    '/in/parts/a.txt/deep/y',
    '/in/parts/1/x',
    '/in/parts/2/x',
  ])
})

test('a folder of a step with one task has its files themselves', () => {
  const next = step('next', 1, 4, [{ path: '/in/all/', step: 0, how: 'all' }])
  expect(paths(sharedInputs(next, 0, step('one', 0, 1), [source(0, '', 'a', 'b/c')]))).toEqual([
    '/in/all/a',
    '/in/all/b/c',
  ])
})

test('one output of each task, named by its own item', () => {
  const join = step('join', 2, 1, [{ path: '/in/p/', step: 0, how: 'all', output: 'sum-{item}.txt' }])
  const sources = [source(0, 'a', 'sum-a.txt', 'other'), source(1, 'b', 'sum-b.txt')]
  expect(paths(sharedInputs(join, 0, step('map', 0, 2), sources))).toEqual(['/in/p/a/sum-a.txt', '/in/p/b/sum-b.txt'])
})

test('a part of one task is named by the item of the task that gets it, and is its own', () => {
  const given: StepInput = { path: '/in/part', step: 0, how: 'only', output: 'part-{item}' }
  const map = step('map', 1, 2, [given])
  expect(isShared(given)).toBe(false)
  const split = [source(0, '', 'part-0', 'part-1')]
  const got = ownInputs(map, 0, step('split', 0, 1), split, { index: 2, item: '1' })
  expect(paths(got)).toEqual(['/in/part'])
  expect(paths(sharedInputs(map, 0, step('split', 0, 1), split))).toEqual([])
})

test('what is not there is named, with who should have left it', () => {
  const map = step('map', 1, 2, [{ path: '/in/part', step: 0, how: 'only', output: 'part-{index}' }])
  const got = ownInputs(map, 0, step('split', 0, 1), [source(0, '', 'part-0')], { index: 2, item: 'b' })
  expect(paths(got)).toEqual({ reason: 'inputs_unusable', detail: 'task 0 (split) left no "part-1" for /in/part' })
})

test('more than the disk asked for is refused', () => {
  const join = step('join', 1, 1, [{ path: '/in/all/', step: 0, how: 'all' }])
  const big = { index: 0, item: '', outputs: [file('a', 60 * MIB), file('b', 60 * MIB)] }
  expect(paths(sharedInputs(join, 0, step('one', 0, 1), [big]))).toMatchObject({
    detail: expect.stringContaining('120 MiB'),
  })
})

test('names of folders cannot climb', () => {
  expect(['..', '.', '', '/in/a', 'a/b', '/etc/x'].map((item) => folderOf(item, 7))).toEqual([
    '7',
    '7',
    '7',
    'a',
    'a_b',
    '_etc_x',
  ])
})

test('a template is filled once, with the parts of a matrix by name, and leaves other names alone', () => {
  const filling = { item: '3,{index}', index: 4, placeholders: ['x', 'y'] }
  expect(fillTemplate('{x}/{y}/{item}/{index}/{z}/{}', filling)).toBe('3/{index}/3,{index}/4/{z}/{}')
  expect(fillTemplate('$& {item}', { item: '$&', index: 0 })).toBe('$& $&')
})
