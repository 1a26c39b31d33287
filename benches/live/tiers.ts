import { isFogError, seededRng } from '@fog/kernel'
import { TIERS, type Tier } from '@fog/scheduler'
import { type Sent, SmallFog } from '../../apps/control-plane/src/flows/testing/small-fog.ts'
import { submitJob } from '../../apps/control-plane/src/flows/submit-job.ts'
import type { Figure } from '../figure.ts'
import { writePlot } from '../plot.ts'
import { quantile } from '../yardstick.ts'
import { withDatabase } from './database.ts'
import { type Devices, runLoops, type Say } from './loops.ts'

const NODES = 64
const CORES = 2
/** Long enough not to be leased ahead of its turn: a task begins as soon as it is on its device. */
const RUN_MS = 300
const JOBS = 120
const TASKS_A_JOB = 40
/** Arrivals ask for so much of what the cores can do on average, in bursts as chance has it, so that someone has to wait. */
const LOAD = 0.9
const EVERY_MS = (TASKS_A_JOB * RUN_MS) / (NODES * CORES * LOAD)
const SHARES: Readonly<Record<Tier, number>> = { platinum: 0.1, gold: 0.2, silver: 0.3, bronze: 0.4 }
const SEED = 7

/** What one task waited, in milliseconds from when its job was submitted. */
interface Waited {
  readonly tier: Tier
  readonly placed: number
  readonly done: number
}

/** How long tasks of each tier take on a fog that is nearly full, from submission to their device and to their end. */
export async function tierLatency(): Promise<Figure[]> {
  const { waited, refused } = await withDatabase(async (database) => {
    const fog = await SmallFog.open({ devices: NODES, cores: CORES, database })
    const seen = fog.devices.map(({ nodeId }) => ({ nodeId, at: fog.clock.now(), latencyMs: 3 }))
    await database.transact((tx) => tx.nodes.touch(seen))
    return watch(fog)
  })
  await draw(waited)
  const size = `${JOBS} jobs of ${TASKS_A_JOB} tasks of ${RUN_MS} ms, ${NODES} nodes of ${CORES} cores, ${LOAD} of the load they can run on average, ${refused} jobs refused at the door, seed ${SEED}`
  return TIERS.flatMap((tier) => {
    const own = waited.filter((each) => each.tier === tier)
    const figure = (what: 'placed' | 'done', share: number): Figure => ({
      name: `${tier}: submitted to ${what}, p${share * 100}`,
      value: quantile(
        own.map((each) => each[what]),
        share,
      ),
      unit: 'ms',
      method: `${own.length} tasks; ${size}`,
    })
    return [figure('placed', 0.5), figure('placed', 0.99), figure('done', 0.5), figure('done', 0.99)]
  })
}

/** Submits jobs of all tiers, as chance has it, and runs every task on a device that has as many cores as it says. */
async function watch(fog: SmallFog): Promise<{ waited: Waited[]; refused: number }> {
  const submitted = new Map<string, { readonly tier: Tier; readonly at: number }>()
  const waited: Waited[] = []
  let refused = 0
  const over = new AbortController()
  const cores = new Map(fog.devices.map(({ nodeId }) => [nodeId, new Cores(CORES)]))
  const run = async ({ device, lease }: Sent, leasedAt: number, say: Say) => {
    await cores.get(device.nodeId)!.use(RUN_MS)
    if ((await say(fog.result(device, lease, `of ${lease.taskId}`))) !== 'counted') return
    const { tier, at } = submitted.get(lease.jobId)!
    waited.push({ tier, placed: leasedAt - at, done: performance.now() - at })
    if (waited.length === (JOBS - refused) * TASKS_A_JOB) over.abort()
  }
  const devices: Devices = {
    leased(sent, say) {
      for (const each of sent) void run(each, performance.now(), say)
    },
    settled: () => undefined,
    async submit() {
      const rng = seededRng(SEED)
      const startedAt = performance.now()
      for (let [i, nextAt] = [0, startedAt]; i < JOBS; i++, nextAt += -Math.log(1 - rng.next()) * EVERY_MS) {
        await untilTime(nextAt)
        const [tier, at] = [drawTier(rng.next()), performance.now()]
        const jobId = await submitUnlessRefused(fog, tier)
        if (jobId) submitted.set(jobId, { tier, at })
        else refused += 1
      }
    },
  }
  await runLoops(fog, devices, over.signal)
  return { waited, refused }
}

/** A tier that could not be kept is refused when it is asked for: then nobody waits. */
async function submitUnlessRefused(fog: SmallFog, tier: Tier): Promise<string | undefined> {
  try {
    return (await submitJob(fog.platform, fog.submitter, submissionOf(fog, tier))).jobId
  } catch (fault) {
    if (isFogError(fault) && fault.code === 'job.refused') return undefined
    throw fault
  }
}

function submissionOf(fog: SmallFog, tier: Tier) {
  const tasks = Array.from({ length: TASKS_A_JOB }, (_, i) => ({ item: String(i) }))
  return fog.submission({ tier, tasks, resources: { wallSeconds: 5 } })
}

async function untilTime(at: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - performance.now())))
}

function drawTier(chance: number): Tier {
  let sum = 0
  return TIERS.find((tier) => chance < (sum += SHARES[tier])) ?? 'bronze'
}

/** The cores of one device: a task runs as soon as one is free, the first to come first. */
class Cores {
  readonly #freeAt: number[]

  constructor(cores: number) {
    this.#freeAt = Array.from({ length: cores }, () => 0)
  }

  async use(ms: number): Promise<void> {
    const now = performance.now()
    const first = this.#freeAt.indexOf(Math.min(...this.#freeAt))
    const endsAt = Math.max(now, this.#freeAt[first]!) + ms
    this.#freeAt[first] = endsAt
    await untilTime(endsAt)
  }
}

async function draw(waited: readonly Waited[]): Promise<void> {
  for (const what of ['placed', 'done'] as const) {
    await writePlot(`live-tiers-${what}`, {
      title: `From submission until ${what === 'placed' ? 'on a device' : 'done'}, by tier`,
      subtitle: `${waited.length} tasks of ${RUN_MS} ms, ${LOAD} of the load the devices can run, seed ${SEED}`,
      x: { label: 'milliseconds', scale: 'log' },
      y: { label: 'share of the tasks', least: 0, most: 1 },
      series: TIERS.map((tier) => ({ name: tier, as: 'steps', points: distribution(waited, tier, what) })),
    })
  }
}

function distribution(waited: readonly Waited[], tier: Tier, what: 'placed' | 'done'): [number, number][] {
  const figures = waited.filter((each) => each.tier === tier).map((each) => Math.max(1, each[what]))
  return figures.sort((a, b) => a - b).map((ms, i) => [ms, (i + 1) / figures.length])
}
