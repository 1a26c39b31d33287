import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { arrangeSteps, type Arrangement, MAX_GIVEN_INPUTS, type StepShape } from './job-steps.ts'

const step = (name: string, part: Partial<StepShape> = {}): StepShape => ({
  name,
  after: [],
  inputs: [],
  given: [],
  items: [''],
  ...part,
})
const said = (arrangement: Arrangement) => (arrangement.ok ? 'accepted' : `${arrangement.field} ${arrangement.why}`)

test('tasks over the same items wait one for one, the rest for whole steps', () => {
  const items = ['a', 'b']
  const found = arrangeSteps([
    step('split'),
    step('part', { items, given: [{ path: '/in/part', from: 'split', output: '{item}' }] }),
    step('count', { items, given: [{ path: '/in/x', from: 'part', output: 'x' }] }),
    step('sort', { items, after: ['part'], given: [{ path: '/in/x', from: 'part', output: 'x' }] }),
    step('join', { given: [{ path: '/in/parts/', from: 'count' }], after: ['sort'] }),
  ])
  expect(found.ok && found.steps.map(({ needs }) => needs)).toEqual([
    [],
    [{ step: 0, how: 'all' }],
    [{ step: 1, how: 'each' }],
    [{ step: 1, how: 'all' }],
    [
      { step: 3, how: 'all' },
      { step: 2, how: 'all' },
    ],
  ])
  expect(found.ok && found.steps.map(({ given }) => given.map(({ how }) => how))).toEqual([
    [],
    ['only'],
    ['same'],
    ['same'],
    ['all'],
  ])
})

test.each([
  ['a name twice', [step('a'), step('a')], 'steps.1.name is a, which steps.0 is called already'],
  ['an unknown step', [step('a'), step('b', { after: ['c'] })], 'steps.1.after names the step c, which there is not'],
  ['a step that waits for itself', [step('a', { after: ['a'] })], 'steps.0.after names the step itself'],
  [
    'a circle',
    [step('x'), step('a', { after: ['b', 'x'] }), step('b', { after: ['c'] }), step('c', { after: ['a'] })],
    'steps wait for each other in a circle: a needs b needs c needs a',
  ],
  [
    'an input without an output',
    [step('a'), step('b', { given: [{ path: '/in/x', from: 'a' }] })],
    'steps.1.inputs./in/x wants the path of an output',
  ],
  [
    'one file of many tasks',
    [step('a', { items: ['1', '2'] }), step('b', { given: [{ path: '/in/x', from: 'a', output: 'x' }] })],
    'take all into a folder',
  ],
  [
    'a place twice',
    [step('a'), step('b', { inputs: ['/in/x'], given: [{ path: '/in/x', from: 'a', output: 'x' }] })],
    'steps.1.inputs./in/x is named twice',
  ],
  [
    'a file inside a folder that another step fills',
    [step('a'), step('b', { inputs: ['/in/x/y'], given: [{ path: '/in/x/', from: 'a' }] })],
    'steps.1.inputs./in/x/y lies in /in/x/',
  ],
  [
    'a folder of too many',
    [
      step('a', { items: Array.from({ length: MAX_GIVEN_INPUTS + 1 }, String) }),
      step('b', { given: [{ path: '/in/x/', from: 'a' }] }),
    ],
    'join them in two steps',
  ],
  [
    'too many dependencies',
    [
      step('a'),
      step('b', {
        given: Array.from({ length: 1_001 }, (_, i) => ({ path: `/in/${i}`, from: 'a', output: 'x' })),
      }),
    ],
    'depend on each other in 1001 places',
  ],
])('%s is refused with its place', (_, steps, text) => {
  expect(said(arrangeSteps(steps))).toContain(text)
})

test('any graph is arranged or refused, and an arranged one has an order', () => {
  const graph = fc.array(fc.uniqueArray(fc.nat(7), { maxLength: 4 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(graph, (edges) => {
      const names = edges.map((_, i) => `s${i}`)
      const steps = edges.map((after, i) =>
        step(names[i]!, { after: after.filter((to) => to < edges.length).map((to) => names[to]!) }),
      )
      const found = arrangeSteps(steps)
      const why = found.ok ? '' : found.why
      expect(why).toMatch(/^$|circle|itself/)
      const arranged = found.ok ? found.steps : []
      const done = new Set<number>()
      for (let round = 0; round < steps.length; round += 1) {
        for (const [i, { needs }] of arranged.entries()) if (needs.every((need) => done.has(need.step))) done.add(i)
      }
      expect(done.size).toBe(arranged.length)
    }),
  )
})
