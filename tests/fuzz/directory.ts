import { DROP_REASONS, type DropReason } from '@fog/betanet'
import { delayHistogramForm, HistogramRecorder, testHistogram } from '@fog/betanet/delay'
import {
  DEFAULT_CLIENT_TIMES,
  DEFAULT_PARAMETERS,
  DirectoryClient,
  encodeAuthorityMessage,
  isGenuineDescriptor,
  isGenuineReport,
  parseAuthorityMessage,
  readRules,
  rulesForm,
  signedDescriptorForm,
  signedReportForm,
  type SignedTrafficReport,
  signersOf,
  type SignedConsensus,
} from '@fog/betanet/directory'
import { rulesOf, TestNode } from '@fog/betanet/testing'
import { prove, verify, vrfPublicKey, VRF_OUTPUT_BYTES, VRF_PROOF_BYTES, type VrfSuite } from '@fog/betanet/vrf'
import { assert, concat, equalBytes, isFogError, type Json, ManualClock } from '@fog/kernel'
import type { FuzzTarget } from './target.ts'

const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte)
const corpus = (name: string) => `packages/betanet/corpus/${name}`

/** What nodes send to authorities: a descriptor has one encoding, or is none. */
export const descriptor: FuzzTarget = {
  corpus: corpus('descriptor'),
  seeds: () => [new TestNode('one').bytes(7), new TestNode('two', 'gateway').bytes(7, undefined, { revision: 3 })],
  run: (input) => {
    const signed = orRefusal(() => signedDescriptorForm.parse(input))
    if (!signed) return
    assert(equalBytes(signedDescriptorForm.encode(signed), input), 'a descriptor has one encoding')
    isGenuineDescriptor(signed)
  },
}

/** What authorities send each other. */
export const authorityMessage: FuzzTarget = {
  corpus: corpus('authority-message'),
  seeds: () => {
    const signature = { authority: filled(32, 1), signature: filled(64, 2) }
    const place = { network: filled(32, 3), epoch: 9 }
    const parameters = DEFAULT_PARAMETERS
    const measured = { reputation: 1, performance: 2, stake: 3 }
    const nodes = [{ signed: new TestNode('one').descriptor(9), measured }]
    const vote = { ...place, authority: filled(32, 1), previousDigest: undefined, beaconProof: filled(80, 4) }
    return [
      encodeAuthorityMessage({
        tag: 'vote',
        body: {
          kind: 'betanet.vote-message.v1',
          signed: { vote: { kind: 'betanet.vote.v1', ...vote, parameters, nodes }, signature: filled(64, 5) },
          endorsements: [signature],
        },
      }),
      encodeAuthorityMessage({
        tag: 'signature',
        body: { kind: 'betanet.signature-message.v1', ...place, digest: filled(32, 6), ...signature },
      }),
      encodeAuthorityMessage({ tag: 'consensus', body: consensusOf(nodes[0]!, signature) }),
    ]
  },
  run: (input) => {
    const message = orRefusal(() => parseAuthorityMessage(input))
    if (!message) return
    assert(equalBytes(encodeAuthorityMessage(message), input), 'a message has one encoding')
    if (message.tag === 'consensus') signersOf(message.body, [filled(32, 1)])
  },
}

function consensusOf(
  node: Pick<SignedConsensus['consensus']['nodes'][number], 'signed' | 'measured'>,
  signature: SignedConsensus['signatures'][number],
): SignedConsensus {
  return {
    consensus: {
      kind: 'betanet.consensus.v1',
      network: filled(32, 3),
      epoch: 9,
      validAfter: 1,
      freshUntil: 2,
      validUntil: 3,
      previousDigest: filled(32, 7),
      previousBeacon: filled(32, 8),
      beacon: filled(32, 9),
      contributions: [{ authority: filled(32, 1), proof: filled(80, 4) }],
      parameters: DEFAULT_PARAMETERS,
      nodes: [{ ...node, reveal: 'valid', faults: 0, weight: 1, place: 0 }],
    },
    signatures: [signature],
  }
}

/** What a node publishes of its delays. */
export const delayHistogram: FuzzTarget = {
  corpus: corpus('delay-histogram'),
  seeds: () => [[5, 50], [0], [500]].map((means) => delayHistogramForm.encode(new HistogramRecorder(3, means).take())),
  run: (input) => {
    const histogram = orRefusal(() => delayHistogramForm.parse(input))
    if (!histogram) return
    assert(equalBytes(delayHistogramForm.encode(histogram), input), 'a histogram has one encoding')
    for (const tested of testHistogram(histogram)) {
      assert(!tested || (tested.statistic >= 0 && tested.statistic <= 1), 'a distance lies between 0 and 1')
    }
  },
}

/** What a node says of its traffic. */
export const trafficReport: FuzzTarget = {
  corpus: corpus('traffic-report'),
  seeds: () =>
    [undefined, new HistogramRecorder(7, [5]).take()].map((delays) => signedReportForm.encode(report(delays))),
  run: (input) => {
    const signed = orRefusal(() => signedReportForm.parse(input))
    if (!signed) return
    assert(equalBytes(signedReportForm.encode(signed), input), 'a report has one encoding')
    assert(!isGenuineReport(signed), 'nobody signed it')
  },
}

function report(delays: SignedTrafficReport['report']['delays']): SignedTrafficReport {
  const counts = { received: 9, forwarded: 8, delivered: 1, cover: 0, bytesIn: 90, bytesOut: 80 }
  const drops = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 1])) as Record<DropReason, number>
  const loops = { sent: 3, returned: 2, lost: 1 }
  const of = { network: filled(32, 1), epoch: 7, revision: 2, identityKey: filled(32, 5), coveredMs: 1_000 }
  return {
    report: { kind: 'betanet.traffic-report.v1', ...of, counts, drops, loops, delays },
    signature: filled(64, 3),
  }
}

/** The rules of a network as a directory states them. */
export const rules: FuzzTarget = {
  corpus: corpus('network-rules'),
  seeds: () =>
    [1, 2].map((threshold) =>
      rulesForm.encode(rulesOf(['one', 'two'].slice(0, threshold), threshold, new ManualClock(2))),
    ),
  run: (input) => {
    const text = new TextDecoder().decode(input)
    const read = orRefusal(() => readRules(orNull(text)))
    if (read) assert(2 * read.threshold > read.authorities.length, 'no two halves can each agree')
  },
}

function orNull(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return null
  }
}

/** What a client is handed by whoever stands between it and the authorities. */
export const directoryClient: FuzzTarget = {
  corpus: corpus('directory-client'),
  seeds: () => authorityMessage.seeds().map((message) => message.subarray(1)),
  run: (input) => {
    const clock = new ManualClock(2)
    const rules = rulesOf(['one', 'two'], 2, clock)
    const client = new DirectoryClient({ clock }, { ...rules, ...DEFAULT_CLIENT_TIMES, network: filled(32, 3) })
    assert(!client.take(input).ok && !client.current(), 'nothing is believed that nobody signed')
  },
}

const SUITES: readonly VrfSuite[] = ['tai', 'ell2']

/** Suite, key, proof and the rest as what was proved. */
export const vrfProof: FuzzTarget = {
  corpus: corpus('vrf-proof'),
  seeds: () =>
    SUITES.map((suite, i) => {
      const [secret, alpha] = [filled(32, 7), filled(5, i)]
      return concat(Uint8Array.of(i), vrfPublicKey(secret), prove(suite, secret, alpha), alpha)
    }),
  run: (input) => {
    const suite = SUITES[(input[0] ?? 0) % SUITES.length]!
    const proofAt = 1 + 32
    const alphaAt = proofAt + VRF_PROOF_BYTES
    const output = verify(suite, input.slice(1, proofAt), input.slice(alphaAt), input.slice(proofAt, alphaAt))
    assert(output === undefined || output.length === VRF_OUTPUT_BYTES, 'a proof shows 64 bytes or nothing')
  },
}

function orRefusal<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    if (isFogError(error) && error.code.startsWith('betanet.document_')) return undefined
    throw error
  }
}
