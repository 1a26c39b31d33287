import { type Sent, SmallFog } from '../../apps/control-plane/src/flows/testing/small-fog.ts'
import { submitJob } from '../../apps/control-plane/src/flows/submit-job.ts'
import type { Figure } from '../figure.ts'
import { quantile } from '../yardstick.ts'
import { withDatabase } from './database.ts'
import { type Devices, runLoops, type Say } from './loops.ts'

const NODES = 1_000
const CORES = 16
const JOBS = 10
const TASKS_A_JOB = 1_000
const TASKS = JOBS * TASKS_A_JOB

/**
 * What the control plane can carry, on its real store: tasks placed alone, and whole lives of tasks: submitted, placed, leased,
 * sent, reported, checked, weighed, their output kept, settled and paid.
 */
export function wholeLives(): Promise<Figure[]> {
  return withDatabase(async (database) => {
    const fog = await SmallFog.open({ devices: NODES, cores: CORES, database })
    await submitAll(fog)
    const rounds: number[] = []
    for (let next: string = 'more'; next === 'more';) {
      const roundAt = performance.now()
      ;({ next } = await fog.place())
      rounds.push(performance.now() - roundAt)
    }
    await finish(fog, async () => undefined)
    const [startedAt, cpuBefore] = [performance.now(), process.cpuUsage()]
    await finish(fog, () => submitAll(fog))
    const wallMs = performance.now() - startedAt
    const cpu = process.cpuUsage(cpuBefore)
    const audits = [...(await database.read.jobs.auditJobs()), ...(await database.read.nodes.auditReservations())]
    if (audits.length > 0) throw new Error(JSON.stringify(audits))
    const size = `${JOBS} jobs of ${TASKS_A_JOB} tasks, ${NODES} nodes of ${CORES} cores, durable PostgreSQL beside it`
    return [
      {
        name: 'placements/s',
        value: (TASKS * 1000) / rounds.reduce((sum, ms) => sum + ms, 0),
        unit: '1/s',
        bar: { atLeast: 2000 },
        method: `${size}: queue read, planned, reserved, leased, one round after the other`,
      },
      {
        name: 'tasks/s through their whole life',
        value: (TASKS * 1000) / wallMs,
        unit: '1/s',
        bar: { atLeast: 2000 },
        method: `${size}: from the first submission to the last settlement, the loops side by side as in a control plane; devices answer at once, each with an output of its own, and sign in the same process`,
      },
      {
        name: '  of it CPU of the process',
        value: (cpu.user + cpu.system) / 1000 / TASKS,
        unit: 'ms/task',
        method: 'the same, devices included, PostgreSQL not',
      },
      ...spread('a round of placing', rounds, `one transaction for as many as are placed together`),
    ]
  })
}

async function submitAll(fog: SmallFog): Promise<void> {
  const tasks = Array.from({ length: TASKS_A_JOB }, (_, i) => ({ item: String(i) }))
  for (let i = 0; i < JOBS; i++) {
    await submitJob(fog.platform, fog.submitter, fog.submission({ tasks, resources: { wallSeconds: 5 } }))
  }
}

/** Runs the loops until as many tasks as are submitted are done and their jobs settled. */
async function finish(fog: SmallFog, submit: () => Promise<void>): Promise<void> {
  const over = new AbortController()
  let [done, settled] = [0, 0]
  const answer = async ({ device, lease }: Sent, say: Say) => {
    // Of each task another output, as of real ones.
    if ((await say(fog.result(device, lease, `of ${lease.taskId}`))) === 'counted') done += 1
  }
  const devices: Devices = {
    leased(sent, say) {
      for (const each of sent) void answer(each, say)
    },
    settled(jobs) {
      settled += jobs
      if (settled === JOBS) over.abort()
    },
    submit,
  }
  await runLoops(fog, devices, over.signal)
  if (done !== TASKS) throw new Error(`only ${done} of ${TASKS} tasks were done`)
}

function spread(name: string, figures: readonly number[], method: string): Figure[] {
  return [
    { name: `${name}, p50`, value: quantile(figures, 0.5), unit: 'ms', method: `${figures.length} of them, ${method}` },
    { name: '  p99', value: quantile(figures, 0.99), unit: 'ms', method: 'the same' },
    { name: '  max', value: Math.max(...figures), unit: 'ms', method: 'the same' },
  ]
}
