import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { fromUtf8, utf8 } from '@fog/kernel'
import { compileProgram, runTask, type TaskOutcome } from '@fog/idle'
import { hasCommittedCompiler, rebuild } from '../rebuild.ts'

const HERE = import.meta.dirname
const module = compileProgram(readFileSync(join(HERE, 'build/waits.wasm')))
const logs = readdirSync(join(HERE, 'data')).filter((name) => name.endsWith('.swf'))

const scratch = mkdtempSync(join(tmpdir(), 'fog-queue-waits-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

function count(log: Uint8Array): TaskOutcome {
  const args = ['/in/log.swf', '/out/waits.csv']
  return runTask({ module, fuelLimit: 10n ** 11n, programName: 'waits', args, files: [['/in/log.swf', log]] })
}

test('map and reduce agree with the answer worked out directly, and with the README', () => {
  logs.forEach((name, index) => {
    const outcome = count(readFileSync(join(HERE, 'data', name)))
    expect(outcome).toMatchObject({ status: 'exited', exitCode: 0 })
    mkdirSync(join(scratch, `${index}-${name}`))
    writeFileSync(join(scratch, `${index}-${name}`, 'waits.csv'), outcome.outputs.get('waits.csv')!)
  })
  const reduce = (...flags: string[]) =>
    execFileSync(process.execPath, [join(HERE, 'reduce.mjs'), scratch, ...flags], { encoding: 'utf8' })

  expect(JSON.parse(reduce('--json'))).toEqual({ logs: 12, rows: directAnswer() })
  expect(readFileSync(join(HERE, 'README.md'), 'utf8')).toContain(reduce().trim())
})

test('the log is whole: every job once, each in the month it was submitted', () => {
  const jobs = logs.flatMap((name) => linesOf(name).map((fields) => ({ name, id: fields[0]!, submit: fields[1]! })))
  expect(jobs.length).toBe(28_476)
  expect(new Set(jobs.map((job) => job.id)).size).toBe(28_476)
  const logStart = Date.UTC(1996, 8, 23, 12, 0, 31)
  for (const { name, submit } of jobs) {
    const submitted = new Date(logStart + (submit + 3600) * 1000)
    expect(submitted.toISOString().slice(0, 7)).toBe(name.slice(0, 7))
  }
})

function job(id: number, wait: number, processors: number): string {
  return `${id} 0 ${wait} 5 1 -1 -1 ${processors} 60 -1 1 1 1 -1 -1 -1 -1 -1\n`
}

describe('the program', () => {
  test('counts equal waits together and leaves out what is unknown', () => {
    const outcome = count(utf8(`; a remark\n\n${job(1, 60, 1)}${job(2, 60, 1)}${job(3, 7, 33)}${job(4, -1, 2)}`))
    expect(fromUtf8(outcome.outputs.get('waits.csv')!)).toBe('size,wait_s,jobs\n1,60,2\n33+,7,1\n')
    expect(fromUtf8(outcome.stdout)).toBe('3 jobs, longest wait 60 s, 1 left out\n')
  })

  test.each([
    ['has a field too few', '1 2 3\n', 'line 1: does not have 18 numbers'],
    ['has a field too many', `${job(1, 0, 1)}${job(2, 0, 1).trim()} 9\n`, 'line 2: has more than 18 numbers'],
    ['has an endless line', ' '.repeat(600), 'line 1: is longer than 511 characters'],
  ])('refuses a log that %s', (_, log, says) => {
    const outcome = count(utf8(log))
    expect(outcome).toMatchObject({ status: 'exited', exitCode: 1 })
    expect(fromUtf8(outcome.stderr)).toContain(says)
  })
})

test.skipIf(!hasCommittedCompiler())('the committed program is the source, compiled', () => {
  expect(rebuild(HERE)).toEqual(new Uint8Array(readFileSync(join(HERE, 'build/waits.wasm'))))
})

function linesOf(name: string): number[][] {
  const lines = readFileSync(join(HERE, 'data', name), 'utf8')
    .trimEnd()
    .split('\n')
  return lines.map((line) => line.split(' ').map(Number))
}

/** From the whole log at once, with all waits in one sorted list instead of counts. */
function directAnswer() {
  const jobs = logs.flatMap(linesOf).map((fields) => ({ wait: fields[2]!, processors: fields[7]! }))
  const known = jobs.filter((job) => job.wait >= 0 && job.processors >= 1)
  const between = (least: number, most: number) =>
    known.filter((job) => job.processors >= least && job.processors <= most)
  return [
    { size: '1', ...figures(between(1, 1)) },
    { size: '2-8', ...figures(between(2, 8)) },
    { size: '9-32', ...figures(between(9, 32)) },
    { size: '33+', ...figures(between(33, Infinity)) },
    { size: 'all', ...figures(known) },
  ]
}

function figures(jobs: readonly { readonly wait: number }[]) {
  const waits = Float64Array.from(jobs, (job) => job.wait).sort()
  const atRank = (share: number) => waits[Math.ceil(share * waits.length) - 1]
  const mean = Math.round(waits.reduce((sum, wait) => sum + wait, 0) / waits.length)
  return { jobs: waits.length, mean, p50: atRank(0.5), p90: atRank(0.9), p99: atRank(0.99), longest: waits.at(-1) }
}
