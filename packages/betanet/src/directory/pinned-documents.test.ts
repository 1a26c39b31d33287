import { fromUtf8, type Json, ManualClock, utf8 } from '@fog/kernel'
import { keyPairFromSeed } from '@fog/kernel/node'
import { describe, expect, test } from 'vitest'
import { HistogramRecorder } from '../delay/index.ts'
import { DROP_REASONS, type DropReason } from '../mix/drops.ts'
import { rulesOf, seedOf } from '../testing/directory-network.ts'
import { isFromAuthority, isGenuineAdmission, signAdmission, signAuthorityMessage } from './admission.ts'
import { readRules, rulesForm } from './rules-document.ts'
import { isGenuineReport, signedReportForm, signReport, type TrafficReport } from './traffic-report.ts'

const keys = keyPairFromSeed(seedOf('node'))
const network = seedOf('network')

describe('rules', () => {
  const rules = rulesOf(['a', 'b', 'c'], 2, new ManualClock())
  const json = () => JSON.parse(fromUtf8(rulesForm.encode(rules))) as { [field: string]: Json }

  test('are read as they were written', () => {
    expect(rulesForm.parse(rulesForm.encode(rules))).toEqual(rules)
    expect(readRules(json())).toEqual(rules)
  })

  test('that nobody may follow, or that are none, are refused as documents are', () => {
    const schedule = { genesisAt: 0, epochMs: 1_000, closeMs: 2_000, roundMs: 1 }
    const bad: Json[] = [null, [], {}, { ...json(), threshold: 1 }, { ...json(), schedule }, { ...json(), more: 1 }]
    for (const given of bad) expect(() => readRules(given)).toThrow('The rules is malformed')
  })
})

describe('admission', () => {
  test('is proved by the key, for one network', () => {
    const proof = signAdmission(network, keys.secretKey)
    expect(isGenuineAdmission(network, keys.publicKey, proof)).toBe(true)
    expect(isGenuineAdmission(seedOf('elsewhere'), keys.publicKey, proof)).toBe(false)
    expect(isGenuineAdmission(network, seedOf('somebody'), proof)).toBe(false)
  })

  test('and a message between authorities is another thing to sign', () => {
    const signature = signAuthorityMessage(network, utf8('vote'), keys.secretKey)
    expect(isFromAuthority(network, utf8('vote'), signature, keys.publicKey)).toBe(true)
    expect(isFromAuthority(network, utf8('note'), signature, keys.publicKey)).toBe(false)
    expect(isFromAuthority(seedOf('elsewhere'), utf8('vote'), signature, keys.publicKey)).toBe(false)
    expect(isGenuineAdmission(network, keys.publicKey, signature)).toBe(false)
  })
})

describe('a traffic report', () => {
  const drops = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>
  const report: TrafficReport = {
    kind: 'betanet.traffic-report.v1',
    network,
    epoch: 3,
    revision: 1,
    identityKey: keys.publicKey,
    coveredMs: 20_000,
    counts: { received: 10, forwarded: 9, delivered: 1, cover: 1, bytesIn: 100, bytesOut: 90 },
    drops,
    loops: { sent: 3, returned: 2, lost: 1 },
    delays: new HistogramRecorder(3, [5, 50, 500]).take(),
  }

  test('comes back as it was signed, and counts only as it was signed', () => {
    const signed = signReport(report, keys.secretKey)
    const read = signedReportForm.parse(signedReportForm.encode(signed))
    expect(read).toEqual(signed)
    expect(isGenuineReport(read)).toBe(true)
    const changed = { ...read, report: { ...read.report, revision: 2 } }
    expect(isGenuineReport(changed)).toBe(false)
  })

  test('whose parts do not agree is not genuine, whoever signed it', () => {
    const loops = { sent: 2, returned: 2, lost: 1 }
    expect(isGenuineReport(signReport({ ...report, loops }, keys.secretKey))).toBe(false)
    expect(isGenuineReport(signReport({ ...report, epoch: 4 }, keys.secretKey))).toBe(false)
  })

  test('cut off anywhere is none', () => {
    const bytes = signedReportForm.encode(signReport(report, keys.secretKey))
    for (let length = 0; length < bytes.length; length += 7)
      expect(() => signedReportForm.parse(bytes.subarray(0, length))).toThrow('malformed')
  })
})
