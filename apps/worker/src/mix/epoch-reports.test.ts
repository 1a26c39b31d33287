import { type DelayHistogram, HistogramRecorder, histogramDigest, openDelays } from '@fog/betanet/delay'
import { isGenuineReport, signedReportForm, startOf } from '@fog/betanet/directory'
import type { MixStatus } from '@fog/betanet/node'
import { rulesOf } from '@fog/betanet/testing'
import { Stats } from '@fog/betanet'
import { ManualClock, toHex } from '@fog/kernel'
import { keyPairFromSeed, sha256 } from '@fog/kernel/node'
import { beforeEach, expect, test } from 'vitest'
import { judgeHistogram } from './audit/histograms.ts'
import { EpochReports } from './epoch-reports.ts'

const identity = keyPairFromSeed(sha256(Buffer.from('a node')))
const MEAN_STEPS = 50
const PACKETS = 4_000
const LIMITS = { slackMs: 5 }

let clock: ManualClock
let stats: Stats
let loops: MixStatus['loops']
let stays: Map<number, DelayHistogram>
let sent: Uint8Array[]
let isUp: boolean
let reports: EpochReports
let enter: (epoch: number, share?: number) => void

beforeEach(() => {
  clock = new ManualClock()
  stats = new Stats()
  loops = { sent: 0, returned: 0, lost: 0 }
  stays = new Map()
  sent = []
  isUp = true
  const rules = rulesOf(['a'], 1, clock)
  const { schedule } = rules
  enter = (epoch, share = 0) => clock.advance(startOf(schedule, epoch) + share * schedule.epochMs - clock.now())
  const status = (): MixStatus => {
    const epoch = Math.floor((clock.now() - schedule.genesisAt) / schedule.epochMs) + 1
    const own = { nodeId: toHex(identity.publicKey), role: 'mix', ports: [1], place: '0', weight: 1 } as const
    const directory = { state: 'current', epoch, endsAt: undefined, why: undefined } as const
    return {
      ...own,
      directory,
      served: [epoch],
      epoch,
      nodes: 9,
      clients: 0,
      waiting: 0,
      loops,
      figures: stats.snapshot(),
    }
  }
  const send = async (bytes: Uint8Array) => {
    if (!isUp) throw new Error('nobody is there')
    sent.push(bytes)
  }
  const node = { status, staysOf: (epoch: number) => stays.get(epoch) }
  reports = new EpochReports({ node, identity, clock, send, tell: () => undefined }, rules)
})

/** How long packets stayed: as drawn, and what a machine adds. */
function histogram(epoch: number, change: (steps: number) => number = (steps) => steps): DelayHistogram {
  const seed = {
    nodeId: identity.publicKey,
    epoch,
    beacon: sha256(Buffer.from('b')),
    sphinxKey: sha256(Buffer.from('c')),
  }
  const { source } = openDelays('tai', sha256(Buffer.from('vrf')), seed)
  const recorder = new HistogramRecorder(epoch, [MEAN_STEPS])
  for (let i = 0; i < PACKETS; i++) {
    recorder.add(0, Math.max(0, Math.round(change(source.stepsFor(sha256(Buffer.from(`tag ${i}`)), MEAN_STEPS)))))
  }
  return recorder.take()
}

async function reported(change?: (steps: number) => number): Promise<Uint8Array> {
  enter(1)
  await reports.tick()
  stays.set(1, histogram(1, change))
  enter(2, 0.3)
  await reports.tick()
  return sent.at(-1)!
}

test('an epoch is reported once it is over and its delays are known, and only then', async () => {
  enter(1)
  await reports.tick()
  stats.add('received', 100)
  stats.drop('replayed', 3)
  loops = { sent: 9, returned: 5, lost: 1 }
  enter(1, 0.9)
  await reports.tick()
  enter(2)
  await reports.tick()
  expect(sent).toEqual([])
  stays.set(1, histogram(1))
  stats.add('received', 50)
  await reports.tick()
  const signed = signedReportForm.parse(sent[0]!)
  expect(isGenuineReport(signed)).toBe(true)
  expect(signed.report).toMatchObject({ epoch: 1, revision: 0, counts: { received: 100 }, drops: { replayed: 3 } })
  // Loops that are still out belong to the epoch in which they come back.
  expect(signed.report.loops).toEqual({ sent: 6, returned: 5, lost: 1 })
  await reports.tick()
  expect(sent).toHaveLength(1)
})

test('a report is sent again until the directory has it', async () => {
  isUp = false
  expect(await reported()).toBeUndefined()
  isUp = true
  await reports.tick()
  expect(sent).toHaveLength(1)
})

test('a node that was started within an epoch says how much of it it knows', async () => {
  enter(1, 0.5)
  await reports.tick()
  enter(2, 0.7)
  await reports.tick()
  const { report } = signedReportForm.parse(sent[0]!)
  expect(report).toMatchObject({ revision: 500_000, delays: undefined })
})

test('histograms fit, or show packets that left too soon or stayed too long', async () => {
  const of = { nodeId: toHex(identity.publicKey), epoch: 1 }
  const judged = async (change?: (steps: number) => number) =>
    judgeHistogram(await reported(change), histogramDigest(histogram(1, change)), of, LIMITS)
  expect(await judged()).toMatchObject({ state: 'fits', packets: PACKETS })
  const bytes = sent.at(-1)!
  expect(judgeHistogram(bytes, new Uint8Array(32), of, LIMITS).state).toBe('disowned')
  expect(judgeHistogram(bytes, histogramDigest(histogram(1)), { ...of, epoch: 2 }, LIMITS).state).toBe('missing')
  expect(judgeHistogram(undefined, new Uint8Array(32), of, LIMITS).state).toBe('missing')
})

test.each([
  ['late', (steps: number) => steps + 20],
  ['slow', (steps: number) => steps + 100],
  ['early', (steps: number) => steps * 0.8],
  ['early', () => 0],
] as const)('a node that changes its delays is seen as %s', async (state, change) => {
  const of = { nodeId: toHex(identity.publicKey), epoch: 1 }
  const bytes = await reported(change)
  expect(judgeHistogram(bytes, histogramDigest(histogram(1, change)), of, LIMITS).state).toBe(state)
})
