import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Amount } from '@fog/kernel'
import type { Job } from '../job.ts'
import type { Attempt, Task } from '../task.ts'
import type { Tier } from '../tier.ts'
import type { Incident } from '../tiers/incidents.ts'
import { Fixtures, START } from './fixtures.ts'
import type { JobStoreUnderTest } from './job-store-suite.ts'

/** What `tiers` of every `JobStore` must do. Runs as a Vitest suite; `make` is called before each test. */
export function describeTierStore(name: string, make: () => Promise<JobStoreUnderTest>): void {
  // oxlint-disable-next-line vitest/valid-title -- each store names its own suite
  describe(name, () => {
    let under: JobStoreUnderTest
    let some: Fixtures
    const transact: JobStoreUnderTest['transact'] = (work) => under.transact(work)

    beforeEach(async () => {
      under = await make()
      some = new Fixtures()
    })
    afterEach(() => under.close())

    async function add(tier: Tier, tasks: readonly Partial<Task>[], part: Partial<Job> = {}) {
      const made = some.job({ spec: some.spec({ tier }), ...part }, tasks)
      await transact((store) => store.addJob(made.job, made.tasks))
      return made
    }
    async function place(task: Task, part: Partial<Attempt> = {}): Promise<Attempt> {
      const attempt = some.attempt(task, part)
      await transact((store) => store.addAttempts([attempt]))
      return attempt
    }
    const incident = ({ taskId, jobId }: Task, part: Partial<Incident> = {}): Incident => ({
      taskId,
      jobId,
      kind: 'queue_wait',
      fence: 0,
      at: START,
      measured: 6_000,
      bound: 5_000,
      broken: true,
      ...part,
    })

    test('lists the live attempts of tiers with their tasks and jobs', async () => {
      const bronze = await add('bronze', [{}, {}, {}])
      const silver = await add('silver', [{}])
      const gold = await add('gold', [{}])
      const live = [
        await place(bronze.tasks[0]!),
        await place(bronze.tasks[1]!, { status: 'running' }),
        await place(silver.tasks[0]!),
      ]
      await place(bronze.tasks[2]!, { status: 'preempted', endedAt: START + 5 })
      await place(gold.tasks[0]!)
      const found = await transact((store) => store.tiers.listLive(['silver', 'bronze']))
      expect(found.map(({ attempt }) => attempt)).toEqual(live)
      expect(found.map(({ job }) => job.jobId)).toEqual([bronze, bronze, silver].map(({ job }) => job.jobId))
      expect(found[2]!.task).toEqual(silver.tasks[0])
      expect(await transact((store) => store.tiers.listLive(['platinum']))).toEqual([])
    })

    test('lists those that were asked to make room, the first to have to first', async () => {
      const { tasks } = await add('bronze', [{}, {}, {}, {}])
      const later = await place(tasks[0]!, { yieldBy: START + 9_000 })
      const soon = await place(tasks[1]!, { yieldBy: START + 2_000, status: 'running' })
      await place(tasks[2]!, { yieldBy: START + 1_000, status: 'preempted' })
      await place(tasks[3]!)
      expect(await transact((store) => store.tiers.listYielding(10))).toEqual([soon, later])
      expect(await transact((store) => store.tiers.listYielding(1))).toEqual([soon])
    })

    test('lists waits that are too long, of what never began and is not known yet', async () => {
      const { tasks } = await add('gold', [
        { queuedAt: START + 20 },
        { queuedAt: START + 10 },
        { queuedAt: START + 30 },
        { queuedAt: START + 10, startedAt: START + 15 },
        { queuedAt: START + 10, pending: 0 },
      ])
      await add('silver', [{ queuedAt: START }])
      await add('gold', [{ status: 'cancelled', queuedAt: START }], { status: 'cancelled' })
      const overdue = async (before: number, limit = 10) => {
        const found = await transact((store) => store.tiers.listOverdueWaits('gold', before, limit))
        return found.map(({ task }) => task)
      }
      expect(await overdue(START + 30)).toEqual([tasks[1], tasks[0]])
      expect(await overdue(START + 30, 1)).toEqual([tasks[1]])
      await transact((store) => store.tiers.addIncidents([incident(tasks[1]!)]))
      expect(await overdue(START + 31)).toEqual([tasks[0], tasks[2]])
    })

    test('keeps each incident once, and answers the new ones', async () => {
      const { job, tasks } = await add('platinum', [{}, {}])
      const [first, second] = tasks
      const wait = incident(first!)
      const restart = incident(first!, { kind: 'restart', fence: 1, measured: 900, bound: undefined, broken: false })
      expect(await transact((store) => store.tiers.addIncidents([wait, restart]))).toEqual([wait, restart])
      const again = { ...wait, measured: 9_000 }
      const other = incident(second!)
      expect(await transact((store) => store.tiers.addIncidents([again, other, other]))).toEqual([other])
      expect(await transact((store) => store.tiers.addIncidents([]))).toEqual([])
      expect(await transact((store) => store.tiers.listIncidents(job.jobId))).toEqual([wait, restart, other])
      expect(await transact((store) => store.tiers.listIncidents(some.id('job')))).toEqual([])
    })

    test('forgets what was not committed', async () => {
      const { job, tasks } = await add('platinum', [{}])
      const work = transact(async (store) => {
        await store.tiers.addIncidents([incident(tasks[0]!)])
        throw new Error('the process died')
      })
      await expect(work).rejects.toThrow('died')
      expect(await transact((store) => store.tiers.listIncidents(job.jobId))).toEqual([])
    })

    test('measures each tier over a window, and says nothing of what did not happen', async () => {
      const waits = Array.from({ length: 100 }, (_, i) => ({ startedAt: START + i + 1, status: 'running' as const }))
      const { tasks } = await add('gold', waits)
      await add('gold', [{ queuedAt: START - 9_000, startedAt: START - 10 }])
      await transact((store) =>
        store.tiers.addIncidents([
          incident(tasks[0]!, { kind: 'queue_wait', at: START + 1 }),
          incident(tasks[0]!, { kind: 'restart', fence: 1, at: START + 2, measured: 400, broken: false }),
          incident(tasks[1]!, { kind: 'restart', fence: 1, at: START + 3, measured: 70_000, broken: true }),
          incident(tasks[2]!, { kind: 'run_stretch', fence: 1, at: START + 3, measured: 1_400, bound: 1_300 }),
          incident(tasks[3]!, { kind: 'run_stretch', fence: 1, at: START - 1 }),
        ]),
      )
      await place(tasks[4]!, { status: 'preempted', endedAt: START + 5 })
      await place(tasks[5]!, { status: 'preempted', endedAt: START - 5 })
      const measured = await transact((store) => store.tiers.measure(START))
      expect(measured.map(({ tier }) => tier)).toEqual(['platinum', 'gold', 'silver', 'bronze'])
      expect(measured[1]).toEqual({
        tier: 'gold',
        started: 100,
        waitP50Ms: 50,
        waitP95Ms: 95,
        waitP99Ms: 99,
        restarts: 2,
        restartP95Ms: 70_000,
        restartMaxMs: 70_000,
        preempted: 1,
        broken: { queueWait: 1, restart: 1, runStretch: 1 },
      })
      expect(measured[0]).toEqual({
        tier: 'platinum',
        started: 0,
        waitP50Ms: undefined,
        waitP95Ms: undefined,
        waitP99Ms: undefined,
        restarts: 0,
        restartP95Ms: undefined,
        restartMaxMs: undefined,
        preempted: 0,
        broken: { queueWait: 0, restart: 0, runStretch: 0 },
      })
    })

    test('takes jobs whose credit is not paid whole, the first to finish first', async () => {
      const tokens = (units: bigint) => units as Amount
      const over = { status: 'succeeded', settled: true, feeBasisPoints: 500 } as const
      const done = [{ status: 'done', pending: 0 }] as const
      const later = await add('gold', done, {
        ...over,
        finishedAt: START + 9,
        credit: tokens(9n),
        creditPaid: tokens(3n),
      })
      const sooner = await add('gold', done, {
        ...over,
        finishedAt: START + 2,
        credit: tokens(1n),
        creditPaid: tokens(0n),
      })
      await add('gold', done, { ...over, finishedAt: START + 1, credit: tokens(5n), creditPaid: tokens(5n) })
      await add('gold', done, { ...over, finishedAt: START + 1 })
      expect(await transact((store) => store.tiers.takeOwing(10))).toEqual([sooner.job, later.job])
      expect(await transact((store) => store.tiers.takeOwing(1))).toEqual([sooner.job])
      await transact((store) => store.saveJob({ ...sooner.job, creditPaid: tokens(1n) }))
      expect(await transact((store) => store.tiers.takeOwing(10))).toEqual([later.job])
      expect(await transact((store) => store.findJob(sooner.job.jobId))).toMatchObject({ creditPaid: 1n })
    })
  })
}
