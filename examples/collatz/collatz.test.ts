import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compileProgram, runTask, type StateSnapshot, type TaskOutcome } from '@fog/idle'
import { fromUtf8, utf8 } from '@fog/kernel'
import { hasCommittedCompiler, rebuild } from '../rebuild.ts'

const HERE = import.meta.dirname
const bytes = readFileSync(join(HERE, 'build/collatz.wasm'))
const module = compileProgram(bytes)

type Files = readonly (readonly [path: string, bytes: Uint8Array])[]

function follow(range: string, state: Files = [], kept: StateSnapshot[] = []): TaskOutcome {
  return runTask({
    module,
    fuelLimit: 10n ** 12n,
    programName: 'collatz',
    args: ['/in/range.txt', '/out/longest.txt'],
    files: [['/in/range.txt', utf8(range)], ...state],
    onState: (snapshot) => kept.push(snapshot),
  })
}

/** The rule worked out a second time. */
function longest(from: number, to: number): string {
  let [best, most, all] = [from, 0, 0]
  for (let start = from; start <= to; start++) {
    let steps = 0
    for (let n = start; n !== 1; steps++) n = n % 2 === 0 ? n / 2 : 3 * n + 1
    all += steps
    if (steps > most) [best, most] = [start, steps]
  }
  return `${from} ${to} ${best} ${most} ${all}\n`
}

describe('the program', () => {
  test.each([
    [1, 1],
    [1, 1000],
    [9_000, 12_345],
  ])('follows %i to %i as the rule says', (from, to) => {
    const { status, outputs } = follow(`${from} ${to}`)
    expect(status).toBe('exited')
    expect(fromUtf8(outputs.get('longest.txt')!)).toBe(longest(from, to))
  })

  test('cut off at any of its checkpoints, it comes to the same answer, and burns only what is left', () => {
    const kept: StateSnapshot[] = []
    const whole = follow('1 1000000', [], kept)
    expect(kept.map(({ files }) => files.map(({ path }) => path))).toEqual(
      Array.from({ length: 4 }, () => ['progress']),
    )
    for (const { files, fuelUsed } of kept) {
      const rest = follow(
        '1 1000000',
        files.map((file) => [`/state/${file.path}`, file.bytes()]),
      )
      expect(rest.outputs).toEqual(whole.outputs)
      expect(fromUtf8(rest.stdout)).toBe(fromUtf8(whole.stdout))
      const sum = Number(fuelUsed + rest.fuelUsed) / Number(whole.fuelUsed)
      expect(sum).toBeCloseTo(1, 2)
    }
  })

  test.each([
    ['no range', 'one two', /is not "FROM TO"/],
    ['a range that ends before it begins', '5 4', /is not "FROM TO"/],
  ])('refuses %s', (_, range, message) => {
    const outcome = follow(range)
    expect(outcome).toMatchObject({ status: 'exited', exitCode: 1 })
    expect(fromUtf8(outcome.stderr)).toMatch(message)
  })

  test('refuses the progress of another range', () => {
    const outcome = follow('1 10', [['/state/progress', utf8('500 1 2 3\n')]])
    expect(fromUtf8(outcome.stderr)).toMatch(/is not mine/)
  })
})

test.runIf(hasCommittedCompiler())('the committed program is its source, compiled', () => {
  expect(Buffer.compare(rebuild(HERE), bytes)).toBe(0)
})
