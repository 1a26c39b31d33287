import { newId, seededRng } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import { takesWork } from './node-state.ts'
import { enrolled, MOST_LABELS, parseLabels, parseNodeName } from './registry.ts'

const rng = seededRng(9)
const ENROLMENT = {
  nodeId: newId('node', 1_000, rng),
  ownerId: newId('account', 1_000, rng),
  name: 'attic',
  publicKey: 'ab'.repeat(32),
  labels: { region: 'eu-west', domain: 'rack-7' },
  at: 1_000,
}

describe('enrolment', () => {
  test('a new node waits for its channel and offers nothing until then', () => {
    const node = enrolled(ENROLMENT)
    const { at, ...facts } = ENROLMENT
    expect(node).toMatchObject({ ...facts, health: 'unreachable', duty: 'active', trust: 500, enrolledAt: at })
    expect(node.harvest.reasons).toEqual(['it has not connected yet'])
    expect(takesWork(node)).toBe(false)
  })

  test.each(['', 'ab', 'AB'.repeat(32), 'zz'.repeat(32)])('"%s" is no public key', (publicKey) => {
    expect(() => enrolled({ ...ENROLMENT, publicKey })).toThrow('not an Ed25519 public key')
  })
})

describe('names', () => {
  test.each(['a', 'attic 2', 'Büro-PC', '机', 'x'.repeat(100)])('"%s" is a name', (name) => {
    expect(parseNodeName(name)).toBe(name)
  })

  test.each(['', ' ', ' attic', 'attic ', 'a\nb', 'a\u0000', 'a\u0085b', 'x'.repeat(101)])('%j is no name', (name) => {
    expect(() => parseNodeName(name)).toThrow('cannot be the name of a node')
  })
})

describe('labels', () => {
  test('labels that jobs can ask for are kept', () => {
    const labels = { region: 'eu', 'gpu.vendor': 'a b', 'x_1-y': '' }
    expect(parseLabels(labels)).toEqual(labels)
  })

  test.each([
    [{ Region: 'eu' }, 'Region: eu'],
    [{ '1st': 'eu' }, 'its key'],
    [{ ['x'.repeat(64)]: 'eu' }, 'its key'],
    [{ __proto__x: 'eu' }, 'its key'],
    [{ region: 'x'.repeat(101) }, 'its value'],
    [{ region: 'a\nb' }, 'its value'],
  ])('%j is refused with what is wrong', (labels, why) => {
    expect(() => parseLabels(labels)).toThrow(why)
  })

  test('more labels than are kept are refused', () => {
    expect(Object.keys(parseLabels(many(MOST_LABELS)))).toHaveLength(MOST_LABELS)
    expect(() => parseLabels(many(MOST_LABELS + 1))).toThrow('one of 33')
  })
})

function many(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`l${i}`, 'x']))
}
