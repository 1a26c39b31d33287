import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DirectoryRules, rulesForm } from '@fog/betanet/directory'
import { rulesOf } from '@fog/betanet/testing'
import type { MixnetRules, MixnetView } from '@fog/contract'
import { fromUtf8, ManualClock } from '@fog/kernel'
import { systemRng } from '@fog/kernel/node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fingerprintOf, type PinEvent, pinnedRules } from './network-pin.ts'

const clock = new ManualClock()
const ours = rulesOf(['a'], 1, clock)
const theirs = rulesOf(['b'], 1, clock)
let folder: string
let events: PinEvent[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fog-pin-'))
  events = []
})
afterEach(() => rmSync(folder, { recursive: true }))

function pin(answers: DirectoryRules | Error, wanted?: string): Promise<DirectoryRules> {
  const rules = async (): Promise<MixnetView> => {
    if (answers instanceof Error) throw answers
    const written = JSON.parse(fromUtf8(rulesForm.encode(answers))) as MixnetRules
    return { rules: written, admission: 'registered', now: clock.now(), epoch: 0 }
  }
  const directory = { address: 'http://fog.example', rules }
  const { signal } = new AbortController()
  return pinnedRules(folder, wanted, { directory, clock, rng: systemRng, signal, tell: (event) => events.push(event) })
}

test('the first network is pinned, and said with its fingerprint', async () => {
  expect(await pin(ours)).toEqual(ours)
  expect(events).toMatchObject([{ type: 'pinned', fingerprint: fingerprintOf(ours) }])
  expect(await pin(ours)).toEqual(ours)
  expect(events).toHaveLength(1)
})

test('another one later is refused, and the pin stays', async () => {
  await pin(ours)
  await expect(pin(theirs)).rejects.toMatchObject({ code: 'mix.network_changed' })
  expect(await pin(ours)).toEqual(ours)
})

test('parameters may change: they are voted on', async () => {
  await pin(ours)
  const slower = { ...ours, parameters: { ...ours.parameters, clientSendMeanMs: 999 } }
  expect((await pin(slower)).parameters.clientSendMeanMs).toBe(999)
  expect(fingerprintOf(slower)).toBe(fingerprintOf(ours))
})

test('a network that is named beforehand is the only one', async () => {
  await expect(pin(theirs, fingerprintOf(ours))).rejects.toMatchObject({ code: 'mix.network_not_wanted' })
  expect(await pin(ours, fingerprintOf(ours))).toEqual(ours)
  await expect(pin(theirs, fingerprintOf(theirs))).rejects.toMatchObject({ code: 'mix.network_changed' })
})

test('while nobody answers a pinned network goes on as it was', async () => {
  await pin(ours)
  expect(await pin(new Error('nobody is there'))).toEqual(ours)
  expect(events.at(-1)).toEqual({ type: 'unreachable', why: 'nobody is there', isKnown: true })
})

test('rules that nobody may follow, and a pin that is not whole, are refused', async () => {
  await expect(pin({ ...ours, threshold: 0 })).rejects.toMatchObject({ code: 'mix.network_unsound' })
  writeFileSync(join(folder, 'network.json'), '{"network":')
  await expect(pin(ours)).rejects.toMatchObject({ code: 'mix.pin_unreadable' })
})
