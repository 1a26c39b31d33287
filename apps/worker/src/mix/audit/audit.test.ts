import { DEFAULT_CLIENT_TIMES, DirectoryClient, REVEAL_LAG, signedConsensusForm } from '@fog/betanet/directory'
import { type ClientNetwork, startTestNetwork } from '@fog/betanet/testing'
import { type Clock, toHex } from '@fog/kernel'
import { monotonicMs, noiseSuite, systemClock, systemRng } from '@fog/kernel/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProbeRecord } from '../peer/probe-record.ts'
import { Prober } from '../peer/prober.ts'
import { auditChain, type Chain } from './chain.ts'
import { auditProbes } from './probes.ts'

const PROBES = 300
/** Long enough that a busy machine does not hide what was drawn. */
const MEAN_STEPS = 50
/** A machine that does many things at once lets a packet wait this much too long. */
const LIMITS = { uncertaintyMs: 2, slackMs: 1_000 }
/** One test in a million of good nodes fails. */
const LEAST_P = 1e-6

let fog: ClientNetwork
let documents: Map<number, Uint8Array>
let chain: Chain
let probes: readonly ProbeRecord[]
let epoch: number

// Real nodes: threads, links and timers. Only epochs are moved by hand.
beforeAll(async () => {
  fog = await startTestNetwork({ mixesPerLayer: 2, parameters: { delayMeansSteps: [MEAN_STEPS] } })
  const { network } = fog
  const clock: Clock = { now: () => network.clock.now(), sleep: (ms, signal) => systemClock.sleep(ms, signal) }
  const directory = new DirectoryClient({ clock }, { ...network.rules, ...DEFAULT_CLIENT_TIMES })
  directory.take((await network.authority.newestConsensus())!)
  epoch = directory.current()!.epoch
  const { signal } = new AbortController()
  const prober = new Prober({ directory, noise: noiseSuite(), clock, rng: systemRng, now: monotonicMs, signal })
  probes = await prober.run(PROBES, undefined)
  prober.close()
  documents = new Map()
  const { epochMs } = network.rules.schedule
  await network.pass(((REVEAL_LAG + 1) * epochMs) / 1000)
  for (let each = 1; each <= epoch + REVEAL_LAG; each++) {
    const bytes = await network.store.findConsensus(each)
    if (bytes) documents.set(each, bytes)
  }
  chain = auditChain(network.rules, documents)
}, 120_000)
afterAll(() => fog.stop())

describe('the chain of consensuses', () => {
  test('of honest authorities and nodes is sound, and every reveal valid', () => {
    expect(chain.epochs.map(({ status, flaws }) => [status, flaws])).toEqual(chain.epochs.map(() => ['sound', []]))
    expect(chain.epochs.filter(({ follows }) => follows).length).toBe(chain.epochs.length - 1)
    const own = chain.reveals.filter((reveal) => reveal.epoch === epoch)
    expect(own).toHaveLength(8)
    expect(own.every(({ state }) => state === 'valid')).toBe(true)
  })

  test('shows what is not signed, not whole, not its epoch’s or not there', () => {
    const [first, second] = [...documents.keys()].slice(-2) as [number, number]
    const signed = signedConsensusForm.parse(documents.get(first)!)
    const forged = {
      ...signed,
      signatures: signed.signatures.map((each) => ({ ...each, signature: new Uint8Array(64) })),
    }
    const reweighed = {
      ...signed,
      consensus: { ...signed.consensus, nodes: signed.consensus.nodes.map((node) => ({ ...node, weight: 1 })) },
    }
    const flawsOf = (bytes: Uint8Array | undefined) =>
      auditChain(fog.network.rules, new Map([[first, bytes]])).epochs[0]!
    expect(flawsOf(signedConsensusForm.encode(forged)).flaws).toContain('too_few_signatures')
    expect(flawsOf(signedConsensusForm.encode(reweighed)).flaws).toEqual(
      expect.arrayContaining(['too_few_signatures', 'weight_does_not_follow']),
    )
    expect(flawsOf(documents.get(second)).flaws).toContain('of_another_epoch')
    expect(flawsOf(documents.get(first)!.subarray(1)).status).toBe('flawed')
    expect(flawsOf(undefined).status).toBe('missing')
  })
})

describe('probes through real nodes', () => {
  test('were kept as long as the reveals say, by delays that are exponential', () => {
    const { findings, explained, waiting } = auditProbes(chain, probes, LIMITS)
    expect([explained, waiting.length]).toEqual([PROBES, 0])
    expect(findings).toHaveLength(8)
    for (const { early, lost, drawn, errorMs } of findings) {
      expect([early, lost]).toEqual([0, 0])
      expect(errorMs!.least).toBeGreaterThan(-LIMITS.uncertaintyMs)
      expect(drawn!.pValue).toBeGreaterThan(LEAST_P)
    }
  })

  test('that one node lets go too soon, keeps too long or drops point to it', () => {
    const [blamed] = probes[0]!.hops.slice(1)
    const through = ({ hops }: ProbeRecord) => hops.some(({ nodeId }) => nodeId === blamed!.nodeId)
    const changed = (change: (tookMs: number, i: number) => number | undefined) =>
      probes.map(({ tookMs, ...probe }, i) => {
        const now = tookMs === undefined || !through({ ...probe, tookMs }) ? tookMs : change(tookMs, i)
        return now === undefined ? probe : { ...probe, tookMs: now }
      })
    const verdicts = (some: readonly ProbeRecord[]) => {
      const { findings } = auditProbes(chain, some, LIMITS)
      const others = findings.filter(({ nodeId }) => nodeId !== blamed!.nodeId).map(({ verdict }) => verdict)
      return { verdict: findings.find(({ nodeId }) => nodeId === blamed!.nodeId)!.verdict, others: new Set(others) }
    }
    const isGood = new Set(['honest', 'unclear'])
    const soon = verdicts(changed((tookMs) => tookMs - 3_000))
    const late = verdicts(changed((tookMs) => tookMs + 3_000))
    const gone = verdicts(changed((tookMs, i) => (i % 2 === 0 ? tookMs : undefined)))
    expect([soon.verdict, late.verdict, gone.verdict]).toEqual(['early', 'late', 'lossy'])
    for (const { others } of [soon, late, gone]) expect([...others].every((verdict) => isGood.has(verdict))).toBe(true)
  })

  test('whose reveals are not out yet wait', () => {
    const early = auditChain(fog.network.rules, new Map([...documents].filter(([each]) => each <= epoch)))
    expect(auditProbes(early, probes, LIMITS)).toMatchObject({ explained: 0, findings: [] })
  })
})

test('how long packets stayed is published as the histogram that was promised', async () => {
  const { nodes } = fog.network
  const later = chain.consensuses.get(epoch + REVEAL_LAG)!
  let promised = 0
  for (const node of nodes) {
    const stays = node.staysOf(epoch)
    const listed = later.nodes.find(({ signed }) => toHex(signed.descriptor.identityKey) === toHex(node.nodeId))
    const isPromised = listed?.signed.descriptor.histogramDigest !== undefined
    promised += isPromised ? 1 : 0
    // On a busy machine threads may tell after the descriptor was made: then nothing is promised.
    expect(stays !== undefined || !isPromised).toBe(true)
  }
  expect(promised).toBeGreaterThan(0)
})
