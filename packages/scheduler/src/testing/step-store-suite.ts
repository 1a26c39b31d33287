import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Job, StepSpec } from '../job.ts'
import { NO_COUNTS } from '../states.ts'
import type { JobStep } from '../steps.ts'
import type { Task } from '../task.ts'
import { Fixtures, START } from './fixtures.ts'
import type { JobStoreUnderTest } from './job-store-suite.ts'

const FILE = { path: '/in/part', digest: 'bb'.repeat(32), size: 7 }
const LATER = START + 500

/** What every store of jobs does with steps. Runs as a Vitest suite; `make` is called before each test. */
export function describeStepStore(name: string, make: () => Promise<JobStoreUnderTest>): void {
  // oxlint-disable-next-line vitest/valid-title -- each store names its own suite
  describe(`${name} with steps`, () => {
    let under: JobStoreUnderTest
    let some: Fixtures
    let made: { job: Job; tasks: Task[]; steps: JobStep[] }
    const transact: JobStoreUnderTest['transact'] = (work) => under.transact(work)
    const indexes = (tasks: readonly { readonly task: Task }[]) =>
      tasks.map(({ task }) => task.index).sort((a, b) => a - b)
    const queued = () => transact((store) => store.takeQueued(LATER, 100))
    const taskAt = (index: number) =>
      transact(async (store) => (await store.listTasks({ jobId: made.job.jobId, limit: 100 }))[index]!)

    beforeEach(async () => {
      some = new Fixtures()
      under = await make()
      made = pipeline(some)
      await transact((store) => store.addJob(made.job, made.tasks, made.steps))
    })
    afterEach(() => under.close())

    test('tasks that wait for others are in no queue, and count as no depth', async () => {
      expect(indexes(await queued())).toEqual([0])
      const depth = await transact((store) => store.queueDepth())
      expect(depth.find(({ tier }) => tier === 'silver')).toMatchObject({ queued: 1 })
      const open = await transact((store) => store.findOpenTasksForUpdate(made.job.jobId))
      expect(indexes(open)).toEqual([0])
      expect(await taskAt(1)).toEqual(made.tasks[1])
    })

    test('the job and its steps come back as they went in', async () => {
      const { jobId } = made.job
      expect(await transact((store) => store.findJob(jobId))).toEqual(made.job)
      expect(await transact((store) => store.steps.list([jobId]))).toEqual(made.steps)
      expect(await transact((store) => store.steps.list([some.id('job')]))).toEqual([])
      expect(await transact((store) => store.steps.list([]))).toEqual([])
    })

    test('a task is seen with the program, limits and shared inputs of its own step', async () => {
      const { jobId } = made.job
      await transact((store) => store.steps.share(jobId, 1, [FILE]))
      await transact((store) => store.steps.share(jobId, 1, [{ ...FILE, path: '/in/other' }]))
      await transact((store) => store.steps.releaseSpan(jobId, { first: 1, tasks: 3 }, START))
      const seen = await queued()
      const [split, part] = [seen.find(({ task }) => task.index === 0)!, seen.find(({ task }) => task.index === 2)!]
      expect(split.job.spec.program.digest).toBe('00'.repeat(32))
      expect(part.job.spec).toMatchObject({
        program: { digest: '01'.repeat(32) },
        limits: { fuel: 1_000n },
        inputs: [FILE, { path: '/in/other' }],
        step: { name: 'part', first: 1, tasks: 3 },
      })
      // All tasks of a step share one spec, which is what planners group by.
      expect(new Set(seen.filter(({ task }) => task.index > 0).map(({ job }) => job.spec)).size).toBe(1)
    })

    test('an attempt to send carries the spec of its step', async () => {
      await transact(async (store) => {
        await store.steps.releaseSpan(made.job.jobId, { first: 1, tasks: 1 }, START)
        const attempt = some.attempt(made.tasks[1]!)
        await store.addAttempts([attempt])
        const [dispatch] = await store.listUndispatched([attempt.nodeId], 10)
        expect(dispatch!.job.spec.step?.name).toBe('part')
      })
    })

    test('a released task is queued from then on, with the inputs it was given', async () => {
      const { jobId } = made.job
      const release = (index: number, path: string) => ({ jobId, index, inputs: [{ ...FILE, path }] })
      const freed = await transact((store) => store.steps.release([release(2, '/in/b'), release(1, '/in/a')], LATER))
      expect(freed).toEqual([
        { jobId, index: 1 },
        { jobId, index: 2 },
      ])
      expect(indexes(await queued())).toEqual([0, 1, 2])
      const { blockedBy: _, ...before } = made.tasks[2]!
      expect(await taskAt(2)).toEqual({
        ...before,
        pending: 1,
        queuedAt: LATER,
        notBefore: LATER,
        inputs: [{ ...FILE, path: '/in/b' }],
      })
    })

    test('a task that waits for two is queued by the second, with the inputs of both', async () => {
      const { jobId } = made.job
      const release = (path: string) =>
        transact((store) => store.steps.release([{ jobId, index: 4, inputs: [{ ...FILE, path }] }], LATER))
      expect(await release('/in/a')).toEqual([])
      expect(await taskAt(4)).toMatchObject({ pending: 0, blockedBy: 1, queuedAt: START })
      expect(await release('/in/b')).toEqual([{ jobId, index: 4 }])
      expect((await taskAt(4)).inputs.map(({ path }) => path)).toEqual(['/in/a', '/in/b'])
      expect(await release('/in/c')).toEqual([])
      expect((await taskAt(4)).inputs).toHaveLength(2)
    })

    test('a span is released at once, and only tasks that wait for nothing more are queued', async () => {
      const { jobId } = made.job
      const freed = await transact((store) => store.steps.releaseSpan(jobId, { first: 1, tasks: 4 }, LATER))
      expect(freed).toBe(3)
      expect(indexes(await queued())).toEqual([0, 1, 2, 3])
      expect(await taskAt(4)).toMatchObject({ pending: 0, blockedBy: 1 })
      expect(await transact((store) => store.steps.releaseSpan(jobId, { first: 1, tasks: 3 }, LATER))).toBe(0)
    })

    test('what still waits is ended, what is queued is left', async () => {
      const { jobId } = made.job
      const failure = { reason: 'dependency_failed', detail: 'task 0 (split) failed' } as const
      await transact((store) => store.steps.releaseSpan(jobId, { first: 1, tasks: 1 }, LATER))
      const end = (first: number, tasks: number) =>
        transact((store) => store.steps.endBlocked(jobId, { first, tasks }, { status: 'failed', failure, at: LATER }))
      expect(await end(1, 3)).toBe(2)
      expect(await end(1, 3)).toBe(0)
      expect(await taskAt(1)).toMatchObject({ status: 'queued', pending: 1 })
      const { blockedBy: _, ...before } = made.tasks[3]!
      expect(await taskAt(3)).toEqual({ ...before, status: 'failed', failure, finishedAt: LATER })
      const cancel = { status: 'cancelled', at: LATER } as const
      expect(await transact((store) => store.steps.endBlocked(jobId, { first: 0, tasks: 5 }, cancel))).toBe(1)
      expect(await taskAt(4)).toMatchObject({ status: 'cancelled', finishedAt: LATER })
      expect((await taskAt(4)).failure).toBeUndefined()
    })

    test('counts are added to each step, several of one step together', async () => {
      const { jobId } = made.job
      const delta = { jobId, step: 1, ...NO_COUNTS, waiting: -1, queued: -1, failed: 1 }
      const after = await transact((store) =>
        store.steps.addCounts([delta, { jobId, step: 0, ...NO_COUNTS, waiting: 0, queued: -1, running: 1 }, delta]),
      )
      expect(after).toEqual([
        { ...made.steps[0], counts: { ...NO_COUNTS, running: 1 } },
        { ...made.steps[1], waiting: 1, counts: { ...NO_COUNTS, queued: 1, failed: 2 } },
      ])
      expect(await transact((store) => store.steps.list([jobId]))).toEqual([...after, made.steps[2]])
      expect(await transact((store) => store.steps.addCounts([]))).toEqual([])
    })

    test('what live attempts take is summed by account, each by the limits of its own step', async () => {
      const { accountId } = made.job
      const other = some.job()
      await transact(async (store) => {
        await store.addJob(other.job, other.tasks)
        await store.addAttempts([
          some.attempt(made.tasks[0]!),
          some.attempt(made.tasks[1]!, { status: 'running' }),
          some.attempt(made.tasks[2]!, { status: 'lost' }),
          some.attempt(other.tasks[0]!),
        ])
      })
      const inUse = (...accounts: Job['accountId'][]) => transact((store) => store.cpuInUse(accounts))
      expect(await inUse(accountId)).toEqual(new Map([[accountId, 1_250]]))
      expect(await inUse(other.job.accountId, some.id('account'))).toEqual(new Map([[other.job.accountId, 1_000]]))
      expect(await inUse()).toEqual(new Map())
    })

    test('a failed transaction frees nobody', async () => {
      const { jobId } = made.job
      const fault = transact(async (store) => {
        await store.steps.releaseSpan(jobId, { first: 1, tasks: 3 }, LATER)
        await store.steps.share(jobId, 1, [FILE])
        throw new Error('taken back')
      })
      await expect(fault).rejects.toThrow('taken back')
      expect(indexes(await queued())).toEqual([0])
      expect(await transact((store) => store.steps.list([jobId]))).toEqual(made.steps)
    })

    test('the audit is content, and names a task that waits for too much or is counted wrongly', async () => {
      expect(await transact((store) => store.auditJobs())).toEqual([])
      await transact((store) => store.steps.releaseSpan(made.job.jobId, { first: 1, tasks: 1 }, LATER))
      const faults = (await transact((store) => store.auditJobs())).join('\n')
      expect(faults).toContain(made.tasks[1]!.taskId)
      expect(faults).toContain('part says')
    })

    test('tasks of the nearest deadline come first within their tier', async () => {
      const late = some.job({ deadlineAt: START + 9_000 })
      const soon = some.job({ deadlineAt: START + 5_000 })
      const better = some.job({ spec: some.spec({ tier: 'gold' }) })
      for (const { job, tasks } of [late, soon, better]) await transact((store) => store.addJob(job, tasks))
      const order = (await queued()).map(({ job }) => job.jobId)
      expect(order).toEqual([better.job.jobId, soon.job.jobId, late.job.jobId, made.job.jobId])
      const overdue = (now: number) =>
        transact(async (store) => (await store.listOverdue(now, 10)).map(({ jobId }) => jobId))
      expect(await overdue(START + 4_999)).toEqual([])
      expect(await overdue(START + 5_000)).toEqual([soon.job.jobId])
      expect(await overdue(START + 9_000)).toEqual([soon.job.jobId, late.job.jobId])
      await transact((store) => store.saveJob({ ...soon.job, status: 'cancelled' }))
      expect(await overdue(START + 9_000)).toEqual([late.job.jobId])
      expect((await transact((store) => store.findJob(late.job.jobId)))?.deadlineAt).toBe(START + 9_000)
    })
  })
}

/** One task splits, three work on its parts, one waits for the split and for all parts. */
function pipeline(some: Fixtures): { job: Job; tasks: Task[]; steps: JobStep[] } {
  const base = some.spec()
  const step = (name: string, first: number, tasks: number, more: Partial<StepSpec> = {}): StepSpec => ({
    name,
    program: { digest: `0${first}`.repeat(32), size: 10 },
    args: [],
    env: {},
    inputs: [],
    limits: { ...base.limits, fuel: 1_000n },
    first,
    tasks,
    needs: [],
    given: [],
    ...more,
  })
  const specs = [
    step('split', 0, 1, { limits: { ...base.limits, cpuMilli: 250 } }),
    step('part', 1, 3, {
      needs: [{ step: 0, how: 'all' }],
      given: [{ path: '/in/part', step: 0, how: 'only', output: '{item}' }],
    }),
    step('join', 4, 1, {
      needs: [
        { step: 0, how: 'all' },
        { step: 1, how: 'all' },
      ],
    }),
  ]
  const waits = [0, 1, 1, 1, 2]
  const { job, tasks } = some.job(
    { spec: { ...base, steps: specs } },
    waits.map((blockedBy) => (blockedBy === 0 ? {} : { blockedBy, pending: 0 })),
  )
  const steps = specs.map(({ tasks: count, needs }, place): JobStep => ({
    jobId: job.jobId,
    step: place,
    waiting: needs.length === 0 ? 0 : count,
    counts: { ...NO_COUNTS, queued: count },
    inputs: [],
  }))
  return { job, tasks, steps }
}
