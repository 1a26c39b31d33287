import type { AttemptId, JobId, TaskId } from '@fog/kernel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Job } from '../job.ts'
import type { JobStore, QueuedTask } from '../job-store.ts'
import type { Attempt, Task } from '../task.ts'
import { AGEING_MS } from '../ageing.ts'
import { lineLimit } from '../fair-queue.ts'
import { type Tier, TIERS } from '../tier.ts'
import { Fixtures, START } from './fixtures.ts'

/** A store under test, empty at first, and the transactions it is used in. */
export interface JobStoreUnderTest {
  transact<T>(work: (store: JobStore) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface JobStoreSuiteOptions {
  /** Whether two transactions can be open at once; a store that runs them one by one cannot show that locks are skipped. */
  readonly sideBySide?: boolean
}

/** What every `JobStore` must do. Runs as a Vitest suite; `make` is called before each test. */
export function describeJobStore(
  name: string,
  make: () => Promise<JobStoreUnderTest>,
  { sideBySide = false }: JobStoreSuiteOptions = {},
): void {
  // oxlint-disable-next-line vitest/valid-title -- each store names its own suite
  describe(name, () => {
    let under: JobStoreUnderTest
    let some: Fixtures
    const transact: JobStoreUnderTest['transact'] = (work) => under.transact(work)
    const add = ({ job, tasks }: { job: Job; tasks: Task[] }) => transact((store) => store.addJob(job, tasks))
    const place = (task: Task, ...attempts: Attempt[]) =>
      transact(async (store) => {
        const running = attempts.some(({ status }) => status === 'running')
        await store.saveTasks([
          { ...task, pending: 0, attempts: attempts.length, status: running ? 'running' : task.status },
        ])
        await store.addAttempts(attempts)
      })

    const takeAll = async () => {
      const mine: TaskId[] = []
      for (let round = 0; round < 20; round += 1) {
        const taken = await transact(async (store) => {
          const queued = await store.takeQueued(START, 7)
          await store.saveTasks(queued.map(({ task }) => ({ ...task, pending: 0 })))
          return queued
        })
        mine.push(...taken.map(({ task }) => task.taskId))
      }
      return mine
    }
    const settleSome = () =>
      transact(async (store) => {
        const jobs = await store.takeUnsettled(5)
        for (const job of jobs) await store.saveJob({ ...job, settled: true })
        return jobs.map(({ jobId }) => jobId)
      })
    async function addLeases(...endings: Partial<Attempt>[]): Promise<Attempt[]> {
      const made = some.job(
        {},
        endings.map(() => ({})),
      )
      await add(made)
      const attempts = made.tasks.map((task, i) => some.attempt(task, endings[i]))
      for (const [i, task] of made.tasks.entries()) await place(task, attempts[i]!)
      return attempts
    }

    beforeEach(async () => {
      some = new Fixtures()
      under = await make()
    })
    afterEach(() => under.close())

    describe('jobs', () => {
      test('come back as they went in', async () => {
        const spec = some.spec({
          name: 'Mandelbrot, größer ×2',
          args: ['--größe', '{item} \'quoted\' \\ "twice"', ''],
          env: { EMPTY: '', ÜBER: '\u{1f30d}' },
          stdin: { digest: 'aa'.repeat(32), size: 2 ** 40 },
          limits: { ...some.spec().limits, memoryBytes: 2 ** 40, fuel: 2n ** 62n },
          require: { residency: 'eu', 'fog/domain': 'a.b' },
          privacy: 'secret',
          routing: 'privacy_aware',
        })
        const made = some.job({ spec, priceCap: (2n ** 60n) as Job['priceCap'] }, [{}, {}, {}])
        await add(made)
        expect(await transact((store) => store.findJob(made.job.jobId))).toEqual(made.job)
        expect(await transact((store) => store.findJobForUpdate(made.job.jobId))).toEqual(made.job)
      })

      test('are found many at a time, the unknown left out', async () => {
        const made = [some.job({}, [{}]), some.job({}, [{}])]
        for (const each of made) await add(each)
        const [a, b] = made.map(({ job }) => job)
        const found = await transact((store) => store.findJobs([b!.jobId, some.id('job'), a!.jobId, b!.jobId]))
        expect(found.toSorted((x, y) => (x.jobId < y.jobId ? -1 : 1))).toEqual([a, b])
        expect(await transact((store) => store.findJobs([]))).toEqual([])
      })

      test('that nobody added are not found', async () => {
        expect(await transact((store) => store.findJob(some.id('job')))).toBeUndefined()
        expect(await transact((store) => store.findJobForUpdate(some.id('job')))).toBeUndefined()
      })

      test('are saved whole', async () => {
        const made = some.job({ priceCap: (2n ** 60n) as Job['priceCap'] })
        await add(made)
        const over: Job = {
          ...made.job,
          status: 'failed',
          counts: { queued: 0, running: 0, done: 0, failed: 1, cancelled: 0 },
          settled: true,
          cost: 12_345_678_901_234_567n as NonNullable<Job['cost']>,
          failure: 'Task 1 of 1 failed: it exited with 3.',
          startedAt: START + 5,
          finishedAt: START + 70,
        }
        await transact((store) => store.saveJob(over))
        expect(await transact((store) => store.findJob(made.job.jobId))).toEqual(over)
      })

      test('are listed newest first, page by page, by account and status', async () => {
        const accountId = some.id('account')
        const all: Job[] = []
        for (let i = 0; i < 7; i += 1) {
          const made = some.job(i % 2 === 0 ? { accountId } : {})
          await add(made)
          all.push(made.job)
        }
        await transact((store) => store.saveJob({ ...all[2]!, status: 'running' }))
        const ids = (filter: Parameters<JobStore['listJobs']>[0]) =>
          transact(async (store) =>
            (await store.listJobs(filter)).map(({ jobId }) => all.findIndex((j) => j.jobId === jobId)),
          )

        expect(await ids({ limit: 3 })).toEqual([6, 5, 4])
        expect(await ids({ limit: 3, before: all[4]!.jobId })).toEqual([3, 2, 1])
        expect(await ids({ limit: 10, before: all[0]!.jobId })).toEqual([])
        expect(await ids({ limit: 10, accountId })).toEqual([6, 4, 2, 0])
        expect(await ids({ limit: 2, accountId, before: all[6]!.jobId })).toEqual([4, 2])
        expect(await ids({ limit: 10, status: 'running' })).toEqual([2])
        expect(await ids({ limit: 10, status: 'queued', accountId })).toEqual([6, 4, 0])
        expect(await ids({ limit: 10, accountId: some.id('account') })).toEqual([])
      })

      test('are told apart by whether they are secret', async () => {
        const accountId = some.id('account')
        const all: Job[] = []
        for (const privacy of ['public', 'secret', 'public', 'secret'] as const) {
          const made = some.job({ accountId, spec: some.spec({ privacy }) })
          await add(made)
          all.push(made.job)
        }
        const ids = all.map(({ jobId }) => jobId)
        const places = (filter: Parameters<JobStore['listJobs']>[0]) =>
          transact(async (store) => (await store.listJobs(filter)).map(({ jobId }) => ids.indexOf(jobId)))
        expect(await places({ accountId, secret: true, limit: 9 })).toEqual([3, 1])
        expect(await places({ accountId, secret: false, limit: 9 })).toEqual([2, 0])
        expect(await places({ secret: false, before: ids[2], limit: 1 })).toEqual([0])
        const asked = [...ids, some.id('job')]
        expect(await transact((store) => store.secretAmong(asked))).toEqual(new Set([ids[1], ids[3]]))
        expect(await transact((store) => store.secretAmong([]))).toEqual(new Set())
      })

      test('are summed by account: those that are not over, their open tasks, and what they cost since', async () => {
        const accountId = some.id('account')
        const priceCap = 100n as Job['priceCap']
        const queued = some.job({ accountId, priceCap }, [{}, {}])
        await add(queued)
        await add(some.job({ accountId, priceCap, status: 'running' }, [{}, { status: 'running', pending: 0 }]))
        const [over] = [some.job({ accountId, priceCap, submittedAt: START + 10, status: 'succeeded' }).job]
        await add({ job: { ...over, settled: true, cost: 7n as Job['priceCap'] }, tasks: [] })
        await add(some.job())
        const usage = (since?: number) => transact((store) => store.usageOf(accountId, since))
        expect(await usage(START)).toEqual({ openJobs: 2, openTasks: 4, cost: 207n })
        expect(await usage()).toEqual({ openJobs: 2, openTasks: 4, cost: 0n })
        expect(await usage(START + 1)).toEqual({ openJobs: 2, openTasks: 4, cost: 7n })
        await transact((store) => store.saveJob({ ...queued.job, status: 'cancelled', finishedAt: START }))
        expect(await usage(START + 11)).toEqual({ openJobs: 1, openTasks: 2, cost: 0n })
        const nobody = some.id('account')
        expect(await transact((store) => store.usageOf(nobody, 0))).toEqual({ openJobs: 0, openTasks: 0, cost: 0n })
      })

      test('are added whole or not at all', async () => {
        const made = some.job({}, [{}, {}])
        await expect(
          transact(async (store) => {
            await store.addJob(made.job, made.tasks)
            throw new Error('taken back')
          }),
        ).rejects.toThrow('taken back')
        expect(await transact((store) => store.findJob(made.job.jobId))).toBeUndefined()
        expect(await transact((store) => store.findTask(made.tasks[0]!.taskId))).toBeUndefined()
        expect(await transact((store) => store.takeQueued(START, 10))).toEqual([])
      })

      test('are not added twice', async () => {
        const made = some.job()
        await add(made)
        await expect(add(made)).rejects.toThrow(Error)
        expect(await transact((store) => store.listJobs({ limit: 10 }))).toHaveLength(1)
      })

      test('of thousands of tasks go in at once', async () => {
        const made = some.job(
          {},
          Array.from({ length: 3_000 }, () => ({})),
        )
        await add(made)
        const last = await transact((store) => store.listTasks({ jobId: made.job.jobId, after: 2_997, limit: 10 }))
        expect(last.map(({ index }) => index)).toEqual([2_998, 2_999])
      })
    })

    describe('counts', () => {
      test('are added to each job, and the jobs come back in the order of ids', async () => {
        const jobs = [some.job({}, [{}, {}]), some.job({}, [{}, {}, {}]), some.job()]
        for (const made of jobs) await add(made)
        const [a, b] = [jobs[0]!.job, jobs[1]!.job]
        const after = await transact((store) =>
          store.addCounts([
            { jobId: b.jobId, queued: -2, running: 1, done: 0, failed: 1, cancelled: 0 },
            { jobId: a.jobId, queued: -1, running: 0, done: 1, failed: 0, cancelled: 0 },
          ]),
        )
        expect(after).toEqual([
          { ...a, counts: { queued: 1, running: 0, done: 1, failed: 0, cancelled: 0 } },
          { ...b, counts: { queued: 1, running: 1, done: 0, failed: 1, cancelled: 0 } },
        ])
        expect(await transact((store) => store.findJob(b.jobId))).toEqual(after[1])
        expect(await transact((store) => store.findJob(jobs[2]!.job.jobId))).toEqual(jobs[2]!.job)
      })

      test('of two deltas for one job are both added, and the job comes back once', async () => {
        const made = some.job({}, [{}, {}])
        await add(made)
        const { jobId } = made.job
        const step = { jobId, queued: -1, running: 1, done: 0, failed: 0, cancelled: 0 }
        const after = await transact((store) => store.addCounts([step, step]))
        expect(after).toEqual([{ ...made.job, counts: { queued: 0, running: 2, done: 0, failed: 0, cancelled: 0 } }])
      })

      test('of a job nobody knows are left out', async () => {
        const jobId = some.id('job')
        const step = { jobId, queued: -1, running: 1, done: 0, failed: 0, cancelled: 0 }
        expect(await transact((store) => store.addCounts([step]))).toEqual([])
        expect(await transact((store) => store.addCounts([]))).toEqual([])
      })

      test('added by many transactions at once all count', async () => {
        const made = some.job(
          {},
          Array.from({ length: 20 }, () => ({})),
        )
        await add(made)
        const step = { jobId: made.job.jobId, queued: -1, running: 0, done: 1, failed: 0, cancelled: 0 }
        await Promise.all(made.tasks.map(() => transact((store) => store.addCounts([step]))))
        const job = await transact((store) => store.findJob(made.job.jobId))
        expect(job?.counts).toEqual({ queued: 0, running: 0, done: 20, failed: 0, cancelled: 0 })
      })
    })

    describe('tasks', () => {
      test('come back as they went in, with their attempts by fence', async () => {
        const made = some.job({}, [
          {
            item: 'tiles/größe 1.json',
            inputs: [{ path: '/in/a', digest: 'bb'.repeat(32), size: 2 ** 33 }],
            quorum: 2,
            pending: 2,
          },
        ])
        await add(made)
        const task = made.tasks[0]!
        const second = some.attempt(task, { fence: 2 })
        const first = some.attempt(task, { fence: 1 })
        await place(task, second, first)
        expect(await transact((store) => store.findTask(task.taskId))).toEqual({
          task: { ...task, pending: 0, attempts: 2 },
          attempts: [first, second],
        })
        expect(await transact((store) => store.findTask(some.id('task')))).toBeUndefined()
      })

      test('are saved whole', async () => {
        const made = some.job({}, [{}, {}])
        await add(made)
        const accepted = some.attempt(made.tasks[0]!, { fence: 3, status: 'reported' })
        await transact((store) => store.addAttempts([accepted]))
        const done: Task = {
          ...made.tasks[0]!,
          status: 'done',
          pending: 0,
          attempts: 3,
          quorum: 2,
          notBefore: START + 900,
          startedAt: START + 10,
          finishedAt: START + 20,
          acceptedAttemptId: accepted.attemptId,
        }
        const failed: Task = {
          ...made.tasks[1]!,
          status: 'failed',
          pending: 0,
          failure: { reason: 'trapped', detail: 'unreachable "executed"' },
        }
        await transact((store) => store.saveTasks([done, failed]))
        expect(await transact((store) => store.listTasks({ jobId: made.job.jobId, limit: 10 }))).toEqual([done, failed])
      })

      test('are listed by index, page by page, by status', async () => {
        const made = some.job({}, [{}, { status: 'done', pending: 0 }, {}, { status: 'done', pending: 0 }, {}])
        await add(made)
        await add(some.job({}, [{}, {}]))
        const { jobId } = made.job
        const indexes = (filter: Omit<Parameters<JobStore['listTasks']>[0], 'jobId'>) =>
          transact(async (store) => (await store.listTasks({ jobId, ...filter })).map(({ index }) => index))
        expect(await indexes({ limit: 10 })).toEqual([0, 1, 2, 3, 4])
        expect(await indexes({ limit: 2 })).toEqual([0, 1])
        expect(await indexes({ limit: 2, after: 1 })).toEqual([2, 3])
        expect(await indexes({ limit: 9, after: 4 })).toEqual([])
        expect(await indexes({ limit: 9, after: 0, status: 'queued' })).toEqual([2, 4])
        expect(await indexes({ limit: 1, status: 'done' })).toEqual([1])
      })

      test('are found for change in the order of ids, the unknown left out', async () => {
        const made = some.job({}, [{}, {}, {}])
        await add(made)
        const attempt = some.attempt(made.tasks[1]!)
        await place(made.tasks[1]!, attempt)
        const asked: TaskId[] = [made.tasks[2]!.taskId, some.id('task'), made.tasks[1]!.taskId, made.tasks[2]!.taskId]
        const found = await transact((store) => store.findTasksForUpdate(asked))
        expect(found.map(({ task }) => task.index)).toEqual([1, 2])
        expect(found[0]!.attempts).toEqual([attempt])
        expect(found[1]!.attempts).toEqual([])
        expect(await transact((store) => store.findTasksForUpdate([]))).toEqual([])
      })

      test('that are open are found by job', async () => {
        const made = some.job({}, [
          {},
          { status: 'done', pending: 0 },
          { status: 'running', pending: 0 },
          { status: 'failed', pending: 0 },
          { status: 'cancelled', pending: 0 },
        ])
        await add(made)
        await add(some.job())
        const open = await transact((store) => store.findOpenTasksForUpdate(made.job.jobId))
        expect(open.map(({ task }) => task.index)).toEqual([0, 2])
        expect(await transact((store) => store.findOpenTasksForUpdate(some.id('job')))).toEqual([])
      })

      test('changed by many transactions at once lose no change', async () => {
        const made = some.job()
        await add(made)
        const { taskId } = made.tasks[0]!
        await Promise.all(
          Array.from({ length: 20 }, () =>
            transact(async (store) => {
              const [found] = await store.findTasksForUpdate([taskId])
              await store.saveTasks([{ ...found!.task, attempts: found!.task.attempts + 1 }])
            }),
          ),
        )
        expect((await transact((store) => store.findTask(taskId)))?.task.attempts).toBe(20)
      })
    })

    describe('the queue', () => {
      test('gives the best tier first, then the oldest, then by index', async () => {
        const later = START + 1_000
        const accountId = some.id('account')
        const silver = some.spec({ tier: 'silver' })
        await add(some.job({ spec: some.spec({ tier: 'bronze' }) }, [{ item: 'bronze' }]))
        await add(some.job({ spec: silver, submittedAt: later, accountId }, [{ item: 'silver, later' }]))
        await add(some.job({ spec: silver, accountId }, [{ item: 'silver 0' }, { item: 'silver 1' }]))
        await add(some.job({ spec: some.spec({ tier: 'platinum' }), submittedAt: later }, [{ item: 'platinum' }]))
        await add(some.job({ spec: some.spec({ tier: 'gold' }), submittedAt: later }, [{ item: 'gold' }]))
        expect(names(await transact((store) => store.takeQueued(later, 10)))).toEqual([
          'platinum',
          'gold',
          'silver 0',
          'silver 1',
          'silver, later',
          'bronze',
        ])
        expect(names(await transact((store) => store.takeQueued(later, 2)))).toEqual(['platinum', 'gold'])
      })

      test('lets accounts take turns within a tier, however much one of them has queued', async () => {
        const crowd = Array.from({ length: 300 }, (_, i) => ({ item: `many ${i}` }))
        await add(some.job({}, crowd))
        await add(some.job({ submittedAt: START + 5 }, [{ item: 'few 0' }, { item: 'few 1' }]))
        await add(some.job({ spec: some.spec({ tier: 'gold' }), submittedAt: START + 5 }, [{ item: 'gold' }]))
        const take = (limit: number) => transact((store) => store.takeQueued(START + 5, limit))
        expect(names(await take(6))).toEqual(['gold', 'many 0', 'few 0', 'many 1', 'few 1', 'many 2'])
        expect(await take(400)).toHaveLength(303)
      })

      test('reads less of each line where there are many', async () => {
        for (let i = 0; i < 20; i += 1) await add(some.job({ submittedAt: START + i }, [{}, {}]))
        await add(
          some.job(
            {},
            Array.from({ length: 60 }, () => ({})),
          ),
        )
        const taken = await transact((store) => store.takeQueued(START + 100, 80))
        expect(taken).toHaveLength(40 + lineLimit(80, 21))
      })

      test('goes by priority within an account, and puts what has aged before newer Silver and after Gold', async () => {
        const accountId = some.id('account')
        const now = START + AGEING_MS + 1
        const of = (item: string, tier: Tier, submittedAt: number, priority = 0) =>
          add(some.job({ spec: some.spec({ tier, priority }), submittedAt, accountId }, [{ item }]))
        await of('bronze, aged', 'bronze', START)
        await of('silver, aged', 'silver', START - 5)
        await of('silver', 'silver', now)
        await of('silver, important', 'silver', now, 7)
        await of('silver, unimportant', 'silver', now - 5, -7)
        await of('gold', 'gold', now)
        await of('bronze', 'bronze', now)
        expect(names(await transact((store) => store.takeQueued(now, 10)))).toEqual([
          'gold',
          'silver, aged',
          'bronze, aged',
          'silver, important',
          'silver',
          'silver, unimportant',
          'bronze',
        ])
      })

      test('gives each task with its job and the attempts it had', async () => {
        const made = some.job()
        await add(made)
        const task = { ...made.tasks[0]!, attempts: 2 }
        const lost = some.attempt(task, { fence: 1, status: 'lost', endedAt: START + 9, note: 'the node went silent' })
        const returned = some.attempt(task, { fence: 2, status: 'returned', endedAt: START + 20, note: 'evicted' })
        await transact(async (store) => {
          await store.addAttempts([returned, lost])
          await store.saveTasks([task])
        })
        expect(await transact((store) => store.takeQueued(START, 10))).toEqual([
          { task, job: made.job, attempts: [lost, returned] },
        ])
      })

      test('holds back what backs off, until the very instant', async () => {
        await add(some.job({}, [{ item: 'backs off', notBefore: START + 500 }, { item: 'ready' }]))
        expect(names(await transact((store) => store.takeQueued(START + 499, 10)))).toEqual(['ready'])
        expect(names(await transact((store) => store.takeQueued(START + 500, 10)))).toEqual(['backs off', 'ready'])
      })

      test('leaves out tasks that want no placement, and those of jobs that are over', async () => {
        await add(some.job({}, [{ pending: 0 }, { item: 'one more replica', status: 'running', pending: 1 }]))
        await add(some.job({ status: 'cancelled' }))
        expect(names(await transact((store) => store.takeQueued(START, 10)))).toEqual(['one more replica'])
      })

      test('is read past jobs that were looked at and have to wait', async () => {
        const waits = some.job({}, [{ item: 'waits 0' }, { item: 'waits 1' }])
        await add(waits)
        await add(some.job({ submittedAt: START + 1, accountId: waits.job.accountId }, [{ item: 'next' }]))
        const except = [waits.job.jobId, some.id('job')]
        expect(names(await transact((store) => store.takeQueued(START + 1, 2)))).toEqual(['waits 0', 'waits 1'])
        expect(names(await transact((store) => store.takeQueued(START + 1, 2, except)))).toEqual(['next'])
        expect(names(await transact((store) => store.takeQueued(START + 1, 1, [])))).toEqual(['waits 0'])
      })

      test('never gives one task to two schedulers', async () => {
        await add(
          some.job(
            {},
            Array.from({ length: 60 }, () => ({})),
          ),
        )
        const taken = (await Promise.all([takeAll(), takeAll(), takeAll()])).flat()
        expect(taken).toHaveLength(60)
        expect(new Set(taken).size).toBe(60)
      })

      test.runIf(sideBySide)('skips the tasks another scheduler holds', async () => {
        await add(some.job({}, [{}, {}, {}]))
        await transact(async (one) => {
          expect(indexes(await one.takeQueued(START, 2))).toEqual([0, 1])
          expect(await transact(async (other) => indexes(await other.takeQueued(START, 10)))).toEqual([2])
        })
        expect(indexes(await transact((store) => store.takeQueued(START, 10)))).toEqual([0, 1, 2])
      })

      test('is counted by tier', async () => {
        const spec = some.spec({ tier: 'gold' })
        await add(some.job({ spec, submittedAt: START + 50 }))
        await add(some.job({ spec }, [{ queuedAt: START + 20 }, { status: 'running', pending: 0 }]))
        await add(some.job({ status: 'succeeded' }, [{ status: 'done', pending: 0 }]))
        const empty = { queued: 0, running: 0, oldestQueuedAt: undefined }
        expect(await transact((store) => store.queueDepth())).toEqual(
          TIERS.map((tier) =>
            tier === 'gold' ? { tier, queued: 2, running: 1, oldestQueuedAt: START + 20 } : { tier, ...empty },
          ),
        )
      })
    })

    describe('attempts', () => {
      test('come back as they went in and are saved whole', async () => {
        const made = some.job()
        await add(made)
        const task = made.tasks[0]!
        const attempt = some.attempt(task)
        await place(task, attempt)
        expect(await transact((store) => store.findAttempt(attempt.attemptId))).toEqual(attempt)
        const reported: Attempt = {
          ...attempt,
          status: 'reported',
          startedAt: START + 3,
          endedAt: START + 99,
          report: some.report({ fuel: 2n ** 62n }),
          note: 'agreed',
        }
        await transact((store) => store.saveAttempts([reported]))
        expect(await transact((store) => store.findAttempt(attempt.attemptId))).toEqual(reported)
        const failed: Attempt = {
          ...reported,
          report: some.report({
            outcome: { ok: false, failure: { reason: 'trapped', detail: 'integer divide by zero' } },
            exitCode: undefined,
            outputs: [],
          }),
        }
        await transact((store) => store.saveAttempts([failed]))
        expect(await transact((store) => store.findAttempt(attempt.attemptId))).toEqual(failed)
        expect(await transact((store) => store.findAttempt(some.id('attempt')))).toBeUndefined()
      })

      test('are found many at a time, the unknown left out', async () => {
        const made = some.job({}, [{}, {}, {}])
        await add(made)
        const attempts = made.tasks.map((task) => some.attempt(task))
        for (const [i, task] of made.tasks.entries()) await place(task, attempts[i]!)
        const asked = [attempts[2]!.attemptId, some.id('attempt'), attempts[0]!.attemptId]
        const found = await transact((store) => store.findAttempts(asked))
        expect(sortById(found)).toEqual(sortById([attempts[0]!, attempts[2]!]))
        expect(await transact((store) => store.findAttempts([]))).toEqual([])
      })

      test('of a job are listed by task index and fence', async () => {
        const made = some.job({}, [{}, {}])
        await add(made)
        const [zero, one] = [made.tasks[0]!, made.tasks[1]!]
        const oneFirst = some.attempt(one, { fence: 1 })
        const zeroSecond = some.attempt(zero, { fence: 2 })
        const zeroFirst = some.attempt(zero, { fence: 1, status: 'lost' })
        await place(one, oneFirst)
        await place(zero, zeroSecond, zeroFirst)
        const listed = await transact((store) => store.listAttempts(made.job.jobId))
        expect(listed).toEqual([zeroFirst, zeroSecond, oneFirst])
        expect(await transact((store) => store.listAttempts(some.id('job')))).toEqual([])
      })

      test('wait for a gateway until one has sent them, the oldest lease first', async () => {
        const made = some.job({}, [{}, {}, {}, {}, {}])
        await add(made)
        const [nodeA, nodeB] = [some.id('node'), some.id('node')]
        const statuses = [
          { nodeId: nodeA, leasedAt: START + 30 },
          { nodeId: nodeB, leasedAt: START + 20 },
          { nodeId: nodeA, leasedAt: START + 10 },
          { nodeId: nodeA, leasedAt: START, status: 'running' as const },
          { nodeId: some.id('node'), leasedAt: START },
        ]
        const attempts = made.tasks.map((task, i) => some.attempt(task, statuses[i]))
        for (const [i, task] of made.tasks.entries()) await place(task, attempts[i]!)

        const waiting = await transact((store) => store.listUndispatched([nodeA, nodeB], 10))
        expect(waiting.map(({ attempt }) => attempt)).toEqual([attempts[2], attempts[1], attempts[0]])
        expect(waiting[0]!.job).toEqual(made.job)
        expect(waiting[0]!.task).toEqual({ ...made.tasks[2]!, pending: 0, attempts: 1 })
        expect(await transact((store) => store.listUndispatched([nodeA, nodeB], 1))).toHaveLength(1)
        expect(await transact((store) => store.listUndispatched([], 10))).toEqual([])

        await transact((store) => store.markDispatched([attempts[2]!.attemptId], some.id('gateway')))
        const left = await transact((store) => store.listUndispatched([nodeA, nodeB], 10))
        expect(left.map(({ attempt }) => attempt)).toEqual([attempts[1], attempts[0]])
      })

      test('stay dispatched when they are saved', async () => {
        const made = some.job()
        await add(made)
        const attempt = some.attempt(made.tasks[0]!)
        await place(made.tasks[0]!, attempt)
        await transact((store) => store.markDispatched([attempt.attemptId], some.id('gateway')))
        await transact((store) => store.saveAttempts([{ ...attempt, leaseExpiresAt: START + 60_000 }]))
        expect(await transact((store) => store.listUndispatched([attempt.nodeId], 10))).toEqual([])
      })

      test('are live on their node while they hold a lease', async () => {
        const made = some.job({}, [{}, {}, {}])
        await add(made)
        const nodeId = some.id('node')
        const leased = some.attempt(made.tasks[0]!, { nodeId })
        const running = some.attempt(made.tasks[1]!, { nodeId, status: 'running', leasedAt: START + 1 })
        const lost = some.attempt(made.tasks[2]!, { nodeId, status: 'lost' })
        for (const [i, attempt] of [leased, running, lost].entries()) await place(made.tasks[i]!, attempt)
        await transact((store) => store.markDispatched([leased.attemptId], some.id('gateway')))
        expect(sortById(await transact((store) => store.listLive(nodeId)))).toEqual(sortById([leased, running]))
        await transact((store) => store.saveAttempts([{ ...running, status: 'returned' }]))
        expect(await transact((store) => store.listLive(nodeId))).toEqual([leased])
        expect(await transact((store) => store.listLive(some.id('node')))).toEqual([])
      })
    })

    describe('leases', () => {
      test('are renewed while they live, and never shortened', async () => {
        const [short, long, over] = await addLeases(
          { leaseExpiresAt: START + 10_000, status: 'running' },
          { leaseExpiresAt: START + 90_000 },
          { leaseExpiresAt: START + 10_000, status: 'lost' },
        )
        const ids: AttemptId[] = [short!.attemptId, long!.attemptId, over!.attemptId, some.id('attempt')]
        const heard = ids.map((attemptId) => ({ attemptId, at: START + 10_000 }))
        const renewed = await transact((store) => store.renewLeases(heard, 30_000))
        expect(renewed.toSorted()).toEqual([short!.attemptId, long!.attemptId].sort())
        const ends = await transact((store) => Promise.all(ids.map((id) => store.findAttempt(id))))
        expect(ends.map((attempt) => attempt?.leaseExpiresAt)).toEqual([
          START + 40_000,
          START + 90_000,
          START + 10_000,
          undefined,
        ])
        expect(await transact((store) => store.renewLeases([], 30_000))).toEqual([])
      })

      test('are as long as the attempt asks, from when its node was heard of', async () => {
        const [own, other] = await addLeases(
          { leaseExpiresAt: START + 1_000, leaseMs: 5_000 },
          { leaseExpiresAt: START + 1_000 },
        )
        const heard = [own!, other!].map(({ attemptId }) => ({ attemptId, at: START + 2_000 }))
        await transact((store) => store.renewLeases(heard, 30_000))
        const found = await transact((store) => store.findAttempts(heard.map(({ attemptId }) => attemptId)))
        const ends = new Map(found.map((attempt) => [attempt.attemptId, attempt.leaseExpiresAt]))
        expect([ends.get(own!.attemptId), ends.get(other!.attemptId)]).toEqual([START + 7_000, START + 32_000])
        expect(found.find(({ attemptId }) => attemptId === own!.attemptId)!.leaseMs).toBe(5_000)
      })

      test('that ended are listed, the first to end first', async () => {
        const [third, first, second] = await addLeases(
          { leaseExpiresAt: START + 3_000 },
          { leaseExpiresAt: START + 1_000, status: 'running' },
          { leaseExpiresAt: START + 2_000 },
          { leaseExpiresAt: START + 500, status: 'returned' },
          { leaseExpiresAt: START + 9_000 },
        )
        expect(await transact((store) => store.listExpired(START + 900, 10))).toEqual([])
        expect(await transact((store) => store.listExpired(START + 4_000, 10))).toEqual([first, second, third])
        expect(await transact((store) => store.listExpired(START + 4_000, 2))).toEqual([first, second])
        await transact((store) => store.renewLeases([{ attemptId: first!.attemptId, at: START }], 5_000))
        expect(await transact((store) => store.listExpired(START + 4_000, 10))).toEqual([second, third])
      })
    })

    describe('settling', () => {
      test('takes finished jobs whose hold is open, the first to finish first', async () => {
        const over = (finishedAt: number, part: Partial<Job> = {}) =>
          some.job({ status: 'succeeded', finishedAt, ...part }, [{ status: 'done', pending: 0 }])
        const late = over(START + 300)
        await add(late)
        const failed = over(START + 100, { status: 'failed' })
        await add(failed)
        const cancelled = over(START + 200, { status: 'cancelled' })
        await add(cancelled)
        await add(over(START + 50, { settled: true }))
        await add(some.job({ status: 'running' }))
        const take = (limit: number) =>
          transact(async (store) => (await store.takeUnsettled(limit)).map(({ jobId }) => jobId))
        expect(await take(10)).toEqual([failed.job.jobId, cancelled.job.jobId, late.job.jobId])
        expect(await take(2)).toEqual([failed.job.jobId, cancelled.job.jobId])
        await transact((store) => store.saveJob({ ...failed.job, settled: true, cost: 0n as NonNullable<Job['cost']> }))
        expect(await take(10)).toEqual([cancelled.job.jobId, late.job.jobId])
      })

      test('of one job is never done by two', async () => {
        for (let i = 0; i < 12; i += 1) await add(some.job({ status: 'succeeded', finishedAt: START + i }))
        const settled: JobId[] = []
        for (let round = 0; round < 4; round += 1) {
          settled.push(...(await Promise.all([settleSome(), settleSome(), settleSome()])).flat())
        }
        expect(settled).toHaveLength(12)
        expect(new Set(settled).size).toBe(12)
      })
    })

    describe('agreed results', () => {
      test('are those of done tasks that equal the accepted one, by task index and fence, page by page', async () => {
        const made = some.job({}, [{}, {}, {}, {}])
        await add(made)
        const report = (task: Task, fence: number, digest: string, part: Partial<Attempt> = {}) =>
          some.attempt(task, { fence, status: 'reported', report: some.report({ digest: digest.repeat(64) }), ...part })
        const [both, failed, open, single] = made.tasks.map((task) => [
          report(task, 1, 'a'),
          report(task, 2, 'b'),
          report(task, 3, 'a'),
          report(task, 4, 'a', { status: 'cancelled', report: undefined }),
        ])
        const finish = (task: Task, attempts: Attempt[], part: Partial<Task>) =>
          transact(async (store) => {
            await store.addAttempts(attempts.toReversed())
            await store.saveTasks([{ ...task, pending: 0, attempts: 4, ...part }])
          })
        await finish(made.tasks[0]!, both!, { status: 'done', acceptedAttemptId: both![0]!.attemptId })
        await finish(made.tasks[1]!, failed!, { status: 'failed', acceptedAttemptId: failed![0]!.attemptId })
        await finish(made.tasks[2]!, open!, { status: 'running' })
        await finish(made.tasks[3]!, single!, { status: 'done', acceptedAttemptId: single![1]!.attemptId })

        const { jobId } = made.job
        const agreed = (page: { after?: number; limit: number }) =>
          transact(async (store) =>
            (await store.listAgreed({ jobId, ...page })).map(({ task, attempt }) => [task.index, attempt.fence]),
          )
        expect(await agreed({ limit: 10 })).toEqual([
          [0, 1],
          [0, 3],
          [3, 2],
        ])
        expect(await agreed({ limit: 1 })).toEqual([
          [0, 1],
          [0, 3],
        ])
        expect(await agreed({ limit: 1, after: 0 })).toEqual([[3, 2]])
        expect(await agreed({ limit: 10, after: 3 })).toEqual([])
        const [first] = await transact((store) => store.listAgreed({ jobId, limit: 1 }))
        expect(first?.attempt).toEqual(both![0])
        expect(first?.task.acceptedAttemptId).toBe(both![0]!.attemptId)
      })
    })

    describe('a transaction', () => {
      test('that fails leaves tasks, attempts, counts, leases and dispatches as they were', async () => {
        const made = some.job({}, [{}, {}])
        await add(made)
        const attempt = some.attempt(made.tasks[0]!)
        await place(made.tasks[0]!, attempt)
        const look = () =>
          transact(async (store) => ({
            job: await store.findJob(made.job.jobId),
            tasks: await store.listTasks({ jobId: made.job.jobId, limit: 10 }),
            attempts: await store.listAttempts(made.job.jobId),
            queued: await store.takeQueued(START, 10),
            undispatched: await store.listUndispatched([attempt.nodeId], 10),
            live: await store.listLive(attempt.nodeId),
            expired: await store.listExpired(START + 31_000, 10),
            unsettled: await store.takeUnsettled(10),
            depth: await store.queueDepth(),
          }))
        const before = await look()
        await expect(
          transact(async (store) => {
            const step = { queued: -1, running: 0, done: 1, failed: 0, cancelled: 0 }
            await store.addCounts([{ jobId: made.job.jobId, ...step }])
            await store.saveTasks([{ ...made.tasks[1]!, status: 'done', pending: 0 }])
            await store.renewLeases([{ attemptId: attempt.attemptId, at: START }], 99_000)
            await store.markDispatched([attempt.attemptId], some.id('gateway'))
            await store.saveAttempts([{ ...attempt, status: 'lost' }])
            await store.addAttempts([some.attempt(made.tasks[1]!)])
            await store.saveJob({ ...made.job, status: 'cancelled', finishedAt: START })
            throw new Error('taken back')
          }),
        ).rejects.toThrow('taken back')
        expect(await look()).toEqual(before)
      })

      test('sees its own changes', async () => {
        const made = some.job({}, [{}, {}])
        await add(made)
        await transact(async (store) => {
          const [first] = await store.takeQueued(START, 1)
          const attempt = some.attempt(first!.task)
          await store.addAttempts([attempt])
          await store.saveTasks([{ ...first!.task, pending: 0, attempts: 1 }])
          expect((await store.takeQueued(START, 10)).map(({ task }) => task.index)).toEqual([1])
          expect(await store.listLive(attempt.nodeId)).toEqual([attempt])
        })
      })
    })

    describe('the audit', () => {
      test('is empty when all is well', async () => {
        const made = some.job({}, [{}, {}])
        await add(made)
        const attempt = some.attempt(made.tasks[0]!)
        await place(made.tasks[0]!, attempt)
        expect(await transact((store) => store.auditJobs())).toEqual([])
      })

      test('names a job whose counts are not those of its tasks', async () => {
        const made = some.job({ counts: { queued: 0, running: 0, done: 1, failed: 0, cancelled: 0 } })
        await add(made)
        expect((await transact((store) => store.auditJobs())).join('\n')).toContain(made.job.jobId)
      })

      test('names a task that is done while an attempt still runs, and one that nothing works on', async () => {
        const made = some.job({}, [
          { status: 'done', pending: 0, attempts: 1 },
          { status: 'running', pending: 0 },
        ])
        await add(made)
        await transact((store) => store.addAttempts([some.attempt({ ...made.tasks[0]!, attempts: 0 })]))
        const faults = (await transact((store) => store.auditJobs())).join('\n')
        for (const { taskId } of made.tasks) expect(faults).toContain(taskId)
      })
    })
  })
}

function names(taken: readonly QueuedTask[]): string[] {
  return taken.map(({ task }) => task.item)
}

function indexes(taken: readonly QueuedTask[]): number[] {
  return taken.map(({ task }) => task.index)
}

function sortById(attempts: readonly Attempt[]): Attempt[] {
  return attempts.toSorted((a, b) => (a.attemptId < b.attemptId ? -1 : 1))
}
