import { describe, expect, test } from 'vitest'
import { admit, eligibleOwners, type Offer } from './admission.ts'
import type { JobSpec } from './job.ts'
import type { NodeView } from './node-view.ts'
import { failureSentence } from './failure-sentence.ts'
import { jobRefused, SchedulerError } from './scheduler-error.ts'
import type { FailureReason, Task } from './task.ts'
import { Fixtures, GIB, MIB } from './testing/index.ts'

const some = new Fixtures()
const OFFER: Offer = { privacy: ['public'], routing: ['least_loaded', 'round_robin'] }
const TASKS: readonly Pick<Task, 'item' | 'inputs'>[] = [{ item: 'one', inputs: [] }]

function node(name: string, part: Partial<NodeView> = {}): NodeView {
  const capacity = { cpuMilli: 4_000, memoryBytes: 8 * GIB, diskBytes: 100 * GIB }
  return {
    nodeId: some.id('node'),
    ownerId: some.id('account'),
    name,
    kinds: ['wasm'],
    capacity,
    free: capacity,
    slots: 8,
    labels: {},
    warm: new Set(),
    trust: 500,
    circuits: false,
    ...part,
  }
}

function sentences(spec: Partial<JobSpec>, nodes: readonly NodeView[], tasks = TASKS): string[] {
  const admission = admit(some.spec(spec), tasks, nodes, OFFER)
  return admission.ok ? [] : admission.refusals.map(({ code, sentence }) => `${code}: ${sentence}`)
}

function limits(part: Partial<JobSpec['limits']>): Partial<JobSpec> {
  return { limits: { ...some.spec().limits, ...part } }
}

describe('a job is taken in', () => {
  test('when some node could run it, even one that is offline now', () => {
    expect(sentences({}, [node('a', { closed: 'unreachable' })])).toEqual([])
  })

  test('by a fog that no node has joined yet', () => {
    expect(sentences(limits({ cpuMilli: 64_000 }), [])).toEqual([])
  })
})

describe('a job is refused with what to change', () => {
  test('when it asks for more than any node has', () => {
    const nodes = [node('small', { capacity: { cpuMilli: 1_000, memoryBytes: GIB, diskBytes: GIB } }), node('large')]
    const greedy = limits({ cpuMilli: 16_000, memoryBytes: 10 * GIB, diskBytes: 200 * GIB })
    expect(sentences(greedy, nodes)).toEqual([
      'cores: A task asks for 16 cores; the most any node has is 4 cores (large). Lower resources.cores.',
      'memory: A task asks for 10 GiB of memory; the most any node has is 8 GiB (large). Lower resources.memoryMiB.',
      'disk: A task asks for 200 GiB of disk; the most any node has is 100 GiB (large). Lower resources.diskMiB.',
    ])
  })

  test('when its data may be nowhere, or it avoids everybody', () => {
    const nodes = [node('a', { labels: { residency: 'us' } }), node('b', { labels: { region: 'br' } })]
    expect(sentences({ residency: ['eu', 'ch'] }, nodes)).toEqual([
      'residency: No node is in eu or ch; nodes are in br and us. Change residency.',
    ])
    expect(sentences({ residency: ['eu', 'br'] }, nodes)).toEqual([])
    expect(sentences({ avoid: { residency: 'us' } }, nodes.slice(0, 1))).toEqual([
      'avoid: Every node has a label the job avoids (residency: us). Change avoid.',
    ])
  })

  test('when its gang is larger than the fog, also by what keeps it apart or together', () => {
    const tasks = (count: number) => Array.from({ length: count }, (_, i) => ({ item: String(i), inputs: [] }))
    const nodes = [node('a'), node('b')]
    expect(sentences({ gang: true }, nodes, tasks(8))).toEqual([])
    expect(sentences({}, nodes, tasks(9))).toEqual([])
    expect(sentences({ gang: true }, nodes, tasks(9))[0]).toContain('gang: All 9 runs of the gang must begin at once')
    expect(sentences({ gang: true, apart: 'node' }, nodes, tasks(3))[0]).toContain('hold 2, one for each node')
    expect(sentences({ gang: true, together: 'node' }, nodes, tasks(5))[0]).toContain('hold 4')
    const quorum = { quorum: 2, spotCheckBasisPoints: 0 }
    expect(sentences({ together: 'node', verification: quorum }, nodes)[0]).toContain('owners: Results of 2 owners')
  })

  test('when nobody has the label, and which values there are', () => {
    const nodes = [node('a', { labels: { residency: 'us' } }), node('b', { labels: { residency: 'uk' } })]
    expect(sentences({ require: { residency: 'eu', gpu: 'yes' } }, nodes)).toEqual([
      'label: No node has the label residency: eu; nodes have uk or us. Change require.',
      'label: No node has the label gpu: yes; no node has a label gpu. Change require.',
    ])
  })

  test('when each thing is there, but not on one node', () => {
    const big = node('big')
    const eu = node('eu', {
      labels: { residency: 'eu' },
      capacity: { cpuMilli: 1_000, memoryBytes: GIB, diskBytes: GIB },
    })
    expect(sentences({ require: { residency: 'eu' }, ...limits({ cpuMilli: 2_000 }) }, [big, eu])).toEqual([
      'together: No single node has 2 cores, 128 MiB of memory, 64 MiB of disk and the label residency: eu together, though each of these is there; ask for less of one.',
    ])
  })

  test('when the quorum needs more owners than there are', () => {
    const ownerId = some.id('account')
    const nodes = [node('a', { ownerId }), node('b', { ownerId })]
    const spec: Partial<JobSpec> = { verification: { quorum: 2, spotCheckBasisPoints: 0 } }
    expect(sentences(spec, nodes)).toEqual([
      'owners: 2 results from different owners must agree, and nodes of 1 owner can run this; choose verify: none, or a tier that asks for fewer.',
    ])
    expect(sentences(spec, [...nodes, node('c')])).toEqual([])
    expect(eligibleOwners(some.spec(spec), nodes)).toBe(1)
    expect(eligibleOwners(some.spec({ require: { gpu: 'yes' } }), nodes)).toBe(0)
  })

  test('when it asks for what this fog does not offer', () => {
    expect(sentences({ privacy: 'secret', routing: 'privacy_aware' }, [node('a', { circuits: true })])).toEqual([
      'privacy: This fog does not offer privacy: secret, as nobody can reach it through a mixnet; choose public.',
      'routing: This fog does not offer routing: privacy_aware, as nobody can reach it through a mixnet; choose least_loaded or round_robin.',
    ])
  })

  test('when its inputs do not fit the disk it asks for', () => {
    const tasks = [{ item: 'one', inputs: [{ path: '/in/a', digest: 'aa', size: 100 * MIB }] }]
    expect(sentences({}, [node('a')], tasks)).toEqual([
      "inputs: A task's program and inputs are 100 MiB and it asks for 64 MiB of disk; raise resources.diskMiB.",
    ])
  })

  test('when no node runs programs of its kind, or can be reached through circuits', () => {
    const offer: Offer = { privacy: ['public', 'private'], routing: ['least_loaded'] }
    const admission = admit(some.spec({ privacy: 'private' }), TASKS, [node('a', { kinds: ['js'] })], offer)
    expect(admission).toMatchObject({ ok: false, refusals: [{ code: 'kind' }, { code: 'privacy' }] })
  })

  test('when it needs circuits, which no fog has yet', () => {
    expect(sentences({ privacy: 'confidential' }, [node('a')])).toEqual([
      'privacy: This fog does not offer privacy: confidential, as it needs circuits, which there are none of yet; choose public.',
    ])
  })

  test('when it is secret and no node is reached through the mixnet, until one is', () => {
    const offer: Offer = { privacy: ['public', 'secret'], routing: ['least_loaded', 'privacy_aware'] }
    const secret = some.spec({ privacy: 'secret' })
    const admission = admit(secret, TASKS, [node('a'), node('b', { reach: 'direct', circuits: true })], offer)
    expect(admission).toEqual({
      ok: false,
      refusals: [
        {
          code: 'privacy',
          sentence:
            'No node is reached through the mixnet, which privacy: secret needs; start a worker with FOG_WORKER_REACH=mixnet, or choose privacy: public.',
        },
      ],
    })
    const aware = some.spec({ routing: 'privacy_aware' })
    expect(admit(aware, TASKS, [node('a')], offer)).toMatchObject({ ok: false, refusals: [{ code: 'routing' }] })
    for (const spec of [secret, aware]) {
      expect(admit(spec, TASKS, [node('a'), node('b', { reach: 'mixnet' })], offer)).toEqual({ ok: true })
    }
  })

  test('when its quorum needs more owners than have nodes reached through the mixnet', () => {
    const offer: Offer = { privacy: ['public', 'secret'], routing: ['least_loaded'] }
    const spec = some.spec({ privacy: 'secret', verification: { quorum: 2, spotCheckBasisPoints: 0 } })
    const nodes = [node('a', { reach: 'mixnet' }), node('b')]
    expect(admit(spec, TASKS, nodes, offer)).toMatchObject({ ok: false, refusals: [{ code: 'owners' }] })
    expect(eligibleOwners(spec, nodes)).toBe(1)
  })
})

test('the error of a refused job carries every sentence', () => {
  const error = jobRefused([
    { code: 'cores', sentence: 'Too many cores; ask for fewer.' },
    { code: 'disk', sentence: 'Too much disk; ask for less.' },
  ])
  expect(error).toBeInstanceOf(SchedulerError)
  expect(error.code).toBe('job.refused')
  expect(error.message).toBe(
    'This fog cannot run the job as it is. Too many cores; ask for fewer. Too much disk; ask for less. Then submit it again.',
  )
})

test('every failure has one sentence that holds its detail and ends in a full stop', () => {
  const reasons: FailureReason[] = [
    'trapped',
    'exit_nonzero',
    'fuel_exhausted',
    'memory_exceeded',
    'wall_exceeded',
    'output_exceeded',
    'not_loadable',
    'no_agreement',
    'attempts_exhausted',
  ]
  const said = reasons.map((reason) => failureSentence({ reason, detail: 'its $& own words.' }))
  expect(said.every((sentence) => sentence.includes('(its $& own words)') && sentence.endsWith('.'))).toBe(true)
  expect(new Set(said).size).toBe(reasons.length)
  expect(failureSentence({ reason: 'trapped', detail: ' ' })).not.toContain('(')
})
