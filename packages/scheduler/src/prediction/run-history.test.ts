import { describe, expect, test } from 'vitest'
import { Fixtures, START } from '../testing/fixtures.ts'
import {
  foreseeRun,
  keysOf,
  learn,
  quickestRun,
  type ReportedRun,
  type RunHistory,
  runKeys,
  speedKey,
} from './run-history.ts'

const some = new Fixtures()
const [accountId, other] = [some.id('account'), some.id('account')]
const [slow, fast] = [some.id('node'), some.id('node')]
const DIGEST = 'ab'.repeat(32)

function run(part: Partial<ReportedRun> = {}): ReportedRun {
  return { digest: DIGEST, accountId, nodeId: slow, wallMs: 1_100, cpuMs: 1_000, fuel: 1_000_000_000n, ...part }
}

function learnAll(runs: readonly ReportedRun[], known: readonly RunHistory[] = []): Map<string, RunHistory> {
  const histories = new Map(known.map((history) => [history.key, history]))
  for (const each of runs) {
    const before = keysOf([each]).flatMap((key) => histories.get(key) ?? [])
    for (const history of learn(before, [each], START)) histories.set(history.key, history)
  }
  return histories
}

function foreseen(histories: Map<string, RunHistory>, account = accountId, speed = 1): number | undefined {
  return foreseeRun(
    runKeys(DIGEST, account).map((key) => histories.get(key)),
    60_000,
    speed,
  )
}

describe('what is foreseen', () => {
  test('is nothing until two runs are known, then what the latest took, on the long side', () => {
    expect(foreseen(learnAll([run()]))).toBeUndefined()
    expect(foreseen(learnAll([run(), run({ wallMs: 3_000 })]))).toBe(3_000)
    const changed = [
      ...Array.from({ length: 9 }, () => run()),
      ...Array.from({ length: 8 }, () => run({ wallMs: 9_000 })),
    ]
    expect(foreseen(learnAll(changed))).toBe(9_000)
  })

  test('is by the account first and by what anyone saw of the program else', () => {
    const histories = learnAll([
      run(),
      run(),
      run({ accountId: other, wallMs: 5_000 }),
      run({ accountId: other, wallMs: 5_000 }),
    ])
    expect(foreseen(histories)).toBe(1_100)
    expect(foreseen(histories, other)).toBe(5_000)
    expect(foreseen(histories, some.id('account'))).toBe(5_000)
  })

  test('is never more than the limit', () => {
    expect(foreseen(learnAll([run({ wallMs: 99_000 }), run({ wallMs: 99_000 })]))).toBe(60_000)
  })

  test('follows the device: a faster one shows by the same program, and other programs gain by it', () => {
    const turns = Array.from({ length: 40 }, () => [run(), run({ nodeId: fast, cpuMs: 250, wallMs: 350 })]).flat()
    const histories = learnAll(turns)
    const speedOf = (node: typeof slow) => histories.get(speedKey(node))!.speed
    expect(speedOf(fast) / speedOf(slow)).toBeGreaterThan(3)
    expect(foreseen(histories, accountId, speedOf(slow))).toBeGreaterThan(900)
    expect(foreseen(histories, accountId, speedOf(fast))).toBeLessThan(500)
  })

  test('does not take a program that sleeps, or one that only starts, for a slow device', () => {
    const sleeps = Array.from({ length: 20 }, () => run({ cpuMs: 5, wallMs: 5_000, fuel: 5_000n }))
    expect(learnAll(sleeps).get(speedKey(slow))!.speed).toBe(1)
  })

  test('stays within bounds whatever a device says', () => {
    const lies = Array.from({ length: 60 }, () => run({ nodeId: fast, fuel: 10n ** 17n }))
    const histories = learnAll([run(), run(), run(), ...lies])
    expect(histories.get(speedKey(fast))!.speed).toBeLessThanOrEqual(16)
    expect(foreseen(histories)).toBeLessThanOrEqual(60_000)
  })
})

test('the quickest run of all histories is what nothing can be refused for', () => {
  const histories = learnAll([run(), run({ wallMs: 40, cpuMs: 30 }), run({ wallMs: 9_000 })])
  const known = runKeys(DIGEST, accountId).map((key) => histories.get(key))
  expect(quickestRun(known, 60_000)).toBe(40)
  expect(quickestRun(known, 20)).toBe(20)
  expect(quickestRun([undefined], 60_000)).toBeUndefined()
})
