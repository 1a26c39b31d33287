import type { JobSubmission, StepSubmission } from '@fog/contract'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { toHex, utf8 } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import type { Job } from '@fog/scheduler'
import { Ledger } from '@fog/tokenomics'
import { hearWorkers } from './accept-result.ts'
import { cancelJob } from './cancel-job.ts'
import { explainJob } from './explain-job.ts'
import { quoteJob } from './quote-job.ts'
import { settleJobs } from './settle-job.ts'
import { submitJob } from './submit-job.ts'
import { PROGRAM, type Sent, SmallFog } from './testing/small-fog.ts'

const program = { kind: 'wasm', digest: PROGRAM } as const
const items = (count: number) => Array.from({ length: count }, (_, i) => ({ item: String(i) }))
const step = (name: string, part: Partial<StepSubmission> = {}): StepSubmission => ({
  name,
  program,
  tasks: [{ item: '' }],
  ...part,
})
/** Split in parts, work on each, check each, join all. */
const PIPELINE = [
  step('split', { args: ['split'] }),
  step('work', {
    tasks: items(3),
    args: ['{item}', '{index}'],
    given: [{ path: '/in/part', from: 'split', output: 'part-{item}' }],
  }),
  step('check', { tasks: items(3), given: [{ path: '/in/out', from: 'work', output: 'out' }] }),
  step('join', { given: [{ path: '/in/all/', from: 'check' }], after: ['work'] }),
]

const submission = (steps: StepSubmission[], more: Partial<JobSubmission> = {}): JobSubmission => ({
  name: 'pipeline',
  steps,
  verify: 'none',
  ...more,
})
const submit = (fog: SmallFog, steps: StepSubmission[] = PIPELINE, more: Partial<JobSubmission> = {}) =>
  submitJob(fog.platform, fog.submitter, submission(steps, more))
const read = (fog: SmallFog) => fog.platform.database.read
const jobOf = async (fog: SmallFog, { jobId }: Job) => (await read(fog).jobs.findJob(jobId))!
const namesOf = (sent: readonly Sent[]) => sent.map(({ lease }) => lease.inputs.map(({ path }) => path))

/** Places and sends what can be, and answers every lease with these outputs. */
async function turn(fog: SmallFog, outputsOf: (sent: Sent) => readonly string[] | 'fails'): Promise<Sent[]> {
  await fog.place()
  const sent = await fog.dispatch()
  const results = sent.map((each) => {
    const outputs = outputsOf(each)
    return outputs === 'fails'
      ? fog.failure(each.device, each.lease)
      : fog.result(each.device, each.lease, 'ok', outputs)
  })
  expect(await hearWorkers(fog.platform, results)).toEqual(results.map(() => 'counted'))
  return sent
}

async function sound(fog: SmallFog): Promise<void> {
  expect(await read(fog).jobs.auditJobs()).toEqual([])
  expect(await read(fog).nodes.auditReservations()).toEqual([])
  expect((await new Ledger({ store: read(fog).ledger, clock: fog.clock }).audit()).broken).toEqual([])
}

test('steps run one after the other, and what one leaves is what the next one gets', async () => {
  const fog = await SmallFog.open({ devices: 3 })
  const job = await submit(fog)
  expect(job).toMatchObject({ tasks: 8, counts: { queued: 8 } })
  const parts = ['part-0', 'part-1', 'part-2']
  expect(await turn(fog, () => parts)).toHaveLength(1)

  const work = await turn(fog, () => ['out'])
  expect(work.map(({ lease }) => lease.args.join()).sort()).toEqual(['0,0', '1,1', '2,2'])
  expect(namesOf(work)).toEqual([['/in/part'], ['/in/part'], ['/in/part']])
  const content = (name: string) => toHex(sha256(utf8(name)))
  expect(new Set(work.map(({ lease }) => lease.inputs[0]!.digest))).toEqual(new Set(parts.map(content)))

  const check = await turn(fog, () => ['sum', 'deep/log'])
  expect(namesOf(check)).toEqual([['/in/out'], ['/in/out'], ['/in/out']])
  const [join] = await turn(fog, () => [])
  expect(join!.lease.inputs.map(({ path }) => path).sort()).toEqual(
    ['0', '1', '2'].flatMap((item) => [`/in/all/${item}/deep/log`, `/in/all/${item}/sum`]),
  )
  expect(await jobOf(fog, job)).toMatchObject({ status: 'succeeded', counts: { done: 8 } })
  await settleJobs(fog.platform)
  expect(await jobOf(fog, job)).toMatchObject({ settled: true })
  await sound(fog)
})

test('tasks over the same items go on one by one, without waiting for the slowest', async () => {
  const fog = await SmallFog.open({ devices: 1, cores: 1 })
  const job = await submit(fog)
  await turn(fog, () => ['part-0', 'part-1', 'part-2'])
  await turn(fog, () => ['out'])
  const { steps } = read(fog).jobs
  const [, waits] = await explainJob(fog.platform, await jobOf(fog, job))
  expect(waits).toMatchObject({ code: 'steps', tasks: 2, text: 'It waits for work (1 of 3 done).' })
  expect((await steps.list([job.jobId])).map(({ waiting }) => waiting)).toEqual([0, 0, 2, 1])
  await sound(fog)
})

test('a failed task takes those along that need it, names itself to them, and leaves the rest alone', async () => {
  const fog = await SmallFog.open({ devices: 3 })
  const aside = step('aside', { tasks: items(2), after: ['split'] })
  const job = await submit(fog, [...PIPELINE, aside])
  await turn(fog, () => ['part-0', 'part-1', 'part-2'])
  await turn(fog, ({ lease }) => (lease.args[0] === '1' ? 'fails' : ['out']))
  const tasks = async () => read(fog).jobs.listTasks({ jobId: job.jobId, limit: 100 })
  const why = (await tasks()).map(({ failure }) => failure && `${failure.reason}: ${failure.detail}`)
  expect(why[2]).toContain('exit_nonzero')
  expect(why[5]).toBe('dependency_failed: task 1 of step work: exit_nonzero')
  expect(why[7]).toBe('dependency_failed: task 1 of step work: exit_nonzero')
  expect(why.filter(Boolean)).toHaveLength(3)
  while ((await turn(fog, () => ['out'])).length > 0);
  expect(await jobOf(fog, job)).toMatchObject({ status: 'failed', counts: { done: 7, failed: 3 } })
  expect((await jobOf(fog, job)).failure).toContain('ended with an error')
  await settleJobs(fog.platform)
  await sound(fog)
})

test('an output that is not there fails the task that wants it, and those after it', async () => {
  const fog = await SmallFog.open({ devices: 3 })
  const job = await submit(fog)
  await turn(fog, () => ['part-0', 'part-2'])
  const tasks = await read(fog).jobs.listTasks({ jobId: job.jobId, status: 'failed', limit: 10 })
  expect(tasks.map(({ index, failure }) => [index, failure?.reason])).toEqual([
    [2, 'inputs_unusable'],
    [5, 'dependency_failed'],
    [7, 'dependency_failed'],
  ])
  expect(tasks[0]!.failure!.detail).toBe('task 0 (split) left no "part-1" for /in/part')
  expect(await turn(fog, () => ['out'])).toHaveLength(2)
  await sound(fog)
})

test('what a task printed can be an input', async () => {
  const fog = await SmallFog.open()
  await submit(fog, [step('a'), step('b', { given: [{ path: '/in/said', from: 'a', output: 'stdout.txt' }] })])
  await turn(fog, () => [])
  const [b] = await turn(fog, () => [])
  expect(b!.lease.inputs).toMatchObject([{ path: '/in/said', digest: toHex(sha256(utf8('ok'))) }])
})

test('a cancelled job ends its waiting tasks too, and gives back what they would have cost', async () => {
  const fog = await SmallFog.open()
  const before = (await read(fog).ledger.findAccount(fog.submitter.accountId))!.balance
  const job = await submit(fog)
  await turn(fog, () => ['part-0', 'part-1', 'part-2'])
  await fog.place()
  await cancelJob(fog.platform, job.jobId)
  expect(await jobOf(fog, job)).toMatchObject({ status: 'cancelled', counts: { done: 1, cancelled: 7 } })
  await settleJobs(fog.platform)
  const { cost } = await jobOf(fog, job)
  expect((await read(fog).ledger.findAccount(fog.submitter.accountId))!.balance).toBe(before - cost!)
  await sound(fog)
})

test('the price covers all steps, each with limits of its own', async () => {
  const fog = await SmallFog.open({ devices: 3 })
  const steps = [step('small', { resources: { fuel: 1_000_000_000 } }), step('large', { tasks: items(4) })]
  const quote = await quoteJob(fog.platform, fog.submitter.accountId, submission(steps))
  expect(quote).toMatchObject({
    tasks: 5,
    steps: [
      { name: 'small', tasks: 1 },
      { name: 'large', tasks: 4 },
    ],
  })
  const job = await submit(fog, steps)
  const { unitsPerGigafuel } = job
  expect(job.priceCap).toBe(unitsPerGigafuel + 4n * job.taskPriceCap)
  // A device that claims more than its step's limit is paid the limit.
  const sent = await turn(fog, () => [])
  expect(sent).toHaveLength(5)
  await settleJobs(fog.platform)
  expect((await jobOf(fog, job)).cost).toBe(unitsPerGigafuel + 4n * 5n * unitsPerGigafuel)
})

test.each([
  [[step('a', { after: ['b'] }), step('b', { after: ['a'] })], 'wait for each other in a circle: a needs b needs a'],
  [[step('a', { after: ['c'] })], 'steps.0.after names the step c'],
  [
    [step('a', { tasks: [{ item: 'x' }, { item: 'x' }] }), step('b', { given: [{ path: '/in/x/', from: 'a' }] })],
    'two folders x',
  ],
])('steps that cannot be meant are refused with their place', async (steps, says) => {
  const fog = await SmallFog.open()
  await expect(submit(fog, steps)).rejects.toThrow(says)
})

test('a step that no node can run is refused by name', async () => {
  const fog = await SmallFog.open()
  const steps = [step('a'), step('b', { resources: { cores: 64 } })]
  await expect(submit(fog, steps)).rejects.toThrow('Step b: A task asks for 64 cores')
})

test('program and steps together, or neither, are refused', async () => {
  const fog = await SmallFog.open()
  await expect(submit(fog, [step('a')], { program })).rejects.toThrow('program stands beside steps')
  await expect(submitJob(fog.platform, fog.submitter, { name: 'x' })).rejects.toThrow('lacks the field program')
})

/** Any graph of up to six steps; each waits for some of those before it. */
const graphs = fc
  .array(fc.record({ tasks: fc.integer({ min: 1, max: 3 }), needs: fc.nat(63), how: fc.nat(2) }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((shapes) =>
    shapes.map(({ tasks, needs, how }, i) => {
      const before = shapes
        .slice(0, i)
        .flatMap((other, j) => ((needs >> j) & 1 ? [{ name: `s${j}`, tasks: other.tasks }] : []))
      const oneForOne = before.filter((other) => how > 0 && other.tasks === tasks)
      return step(`s${i}`, {
        tasks: items(tasks),
        after: before.filter((other) => !oneForOne.includes(other) || how === 2).map(({ name }) => name),
        given: oneForOne.map(({ name }) => ({ path: `/in/${name}`, from: name, output: 'out' })),
      })
    }),
  )

test('whatever the graph and whoever is first, a task starts after those it needs, each runs once, and the books are sound', async () => {
  await fc.assert(
    fc.asyncProperty(graphs, fc.infiniteStream(fc.nat(9)), async (steps, chance) => {
      const fog = await SmallFog.open({ devices: 2, cores: 2 })
      const job = await submit(fog, steps)
      const seen = new Set<string>()
      const open: Sent[] = []
      for (let round = 0; round < 60; round += 1) {
        await fog.place()
        for (const sent of await fog.dispatch()) {
          expect(seen.has(sent.lease.taskId)).toBe(false)
          seen.add(sent.lease.taskId)
          await startsRightly(fog, job, sent)
          open.push(sent)
        }
        if (open.length === 0) break
        // Some of those that run come to their end together, in any order; one in ten fails.
        const some = open.splice(0).filter((each) => chance.next().value % 3 < 2 || void open.push(each))
        await hearWorkers(
          fog.platform,
          some.map(({ device, lease }) =>
            chance.next().value === 0 ? fog.failure(device, lease) : fog.result(device, lease, 'ok', ['out']),
          ),
        )
        expect(await read(fog).jobs.auditJobs()).toEqual([])
      }
      const over = await jobOf(fog, job)
      expect(['succeeded', 'failed']).toContain(over.status)
      expect(over.counts.done + over.counts.failed).toBe(over.tasks)
      await settleJobs(fog.platform)
      await sound(fog)
    }),
    { numRuns: 60 },
  )
}, 120_000)

/** Everything a task waited for is done by the time it is sent, and it has one input for each that it takes. */
async function startsRightly(fog: SmallFog, job: Job, { lease }: Sent): Promise<void> {
  const tasks = await read(fog).jobs.listTasks({ jobId: job.jobId, limit: 100 })
  const task = tasks.find(({ taskId }) => taskId === lease.taskId)!
  const own = job.spec.steps!.find(({ first, tasks: count }) => task.index >= first && task.index < first + count)!
  for (const need of own.needs) {
    const source = job.spec.steps![need.step]!
    const needed =
      need.how === 'all'
        ? tasks.slice(source.first, source.first + source.tasks)
        : [tasks[task.index - own.first + source.first]!]
    expect(needed.map(({ status }) => status)).toEqual(needed.map(() => 'done'))
  }
  expect(lease.inputs).toHaveLength(own.given.length)
}
