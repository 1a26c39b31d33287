import { createHash } from 'node:crypto'
import { utf8 } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import { digestResult, resultPreimage } from './result-digest.ts'
import { runTask, type RunTaskOptions } from './run-task.ts'
import { fixture } from './node/testing/fixtures.ts'
import { compileProgram } from './wasm/fuel.ts'
import { ProgramError } from './wasm/program-error.ts'

const FUEL = 1n << 40n
const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest())

function run(name: string, options: Partial<RunTaskOptions> = {}) {
  return runTask({ module: fixture(name), fuelLimit: FUEL, ...options })
}

describe('a task ends', () => {
  test.each([
    ['noop', [], { status: 'exited', exitCode: 0 }],
    ['exit3', [], { status: 'exited', exitCode: 3 }],
    ['exit3', ['255'], { status: 'exited', exitCode: 255 }],
    ['trap', [], { status: 'trapped', reason: 'unreachable' }],
  ] as const)('%s %j as it should', (name, args, ending) => {
    expect(run(name, { args })).toMatchObject(ending)
  })

  test('with what it printed before it trapped', () => {
    expect(String(Buffer.from(run('trap').stdout))).toBe('before the trap\n')
  })

  test('when its fuel does, also in the middle of its work for the host', () => {
    const module = compileProgram(fixture('hello'))
    const { fuelUsed } = run('hello')
    for (let fuelLimit = 0n; fuelLimit < fuelUsed; fuelLimit += 397n) {
      const outcome = runTask({ module, fuelLimit })
      expect(outcome).toMatchObject({ status: 'fuel_exhausted', fuelLimit, fuelUsed: fuelLimit })
    }
    expect(runTask({ module, fuelLimit: fuelUsed }).status).toBe('exited')
  })

  test('alike from bytes and from a module compiled once, again and again', () => {
    const module = compileProgram(fixture('mandel'))
    const first = run('mandel', { args: ['40'] })
    for (let i = 0; i < 3; i++) expect(runTask({ module, fuelLimit: FUEL, args: ['40'] })).toEqual(first)
  })

  test('before it starts, when the program is refused', () => {
    expect(() => runTask({ module: utf8('nonsense'), fuelLimit: 1n })).toThrow(ProgramError)
  })
})

async function digest(options: Partial<RunTaskOptions>, name = 'hello'): Promise<string> {
  return (await digestResult(run(name, options), sha256)).resultDigest
}

describe('the digest of a result', () => {
  test('is the hash of one line that says everything two honest runs have in common', async () => {
    const facts = {
      exit: 'exited:0',
      fuelUsed: 12_345_678_901_234_567_890n,
      stdoutDigest: 'aa',
      outputs: [
        { path: 'b', digest: 'bb', size: 2 },
        { path: 'a', digest: 'cc', size: 1 },
      ],
    }
    expect(String(Buffer.from(resultPreimage(facts)))).toBe(
      '{"exit":"exited:0","fuel":"12345678901234567890","outputs":[["a","cc",1],["b","bb",2]],"stdout":"aa","version":1}',
    )
  })

  test('is the same for two runs, and another for another input, seed, output or ending', async () => {
    const files = [['/in/in.txt', utf8('abc')]] as const
    const first = await digest({ files })
    expect(await digest({ files })).toBe(first)
    const others = await Promise.all([
      digest({ files: [['/in/in.txt', utf8('abd')]] }),
      digest({ files, args: ['x'] }),
      digest({ files, fuelLimit: 1000n }),
      digest({}, 'noop'),
      digest({}, 'exit3'),
      digest({}, 'trap'),
    ])
    expect(new Set([first, ...others]).size).toBe(7)
  })

  test('waits for a hash that is made elsewhere', async () => {
    const outcome = run('hello')
    const later = await digestResult(outcome, async (bytes) => Promise.resolve(sha256(bytes)))
    expect(later).toEqual(await digestResult(outcome, sha256))
  })
})
