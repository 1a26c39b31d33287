import { seededRng } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runTask, type TaskOutcome } from '../run-task.ts'
import { fixture } from '../node/testing/fixtures.ts'
import { WasiHost } from '../wasi/host.ts'
import { ByteWriter } from './byte-writer.ts'
import { compileProgram, injectFuel } from './fuel.ts'
import { I32, I64, OP } from './opcodes.ts'
import { COUNTER, meterNaively } from './testing/naive-meter.ts'
import { BULK_LENGTH, randomModule } from './testing/random-module.ts'

const PLENTY = 1n << 40n

interface Run {
  readonly ending: string
  readonly stdout: string
  readonly counted: bigint
}

/** Runs a module as it is and reads a global of it at the end. */
function runAsIs(bytes: Uint8Array<ArrayBuffer>, counter: string): Run {
  const host = new WasiHost()
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), host.imports)
  let ending: string
  try {
    ending = `exit ${host.run(instance)}`
  } catch (fault) {
    ending = (fault as Error).message
  }
  const global = instance.exports[counter] as WebAssembly.Global<'i64'> | undefined
  return { ending, stdout: String(host.stdout()), counted: global?.value ?? 0n }
}

/** A trap after memory was refused has lost its wording. */
function endingOf(metered: TaskOutcome, plain: Run): string {
  if (metered.status === 'trapped') return metered.message
  if (metered.status !== 'exited' && metered.status !== 'memory_exceeded') return metered.status
  return metered.exitCode === undefined ? plain.ending : `exit ${metered.exitCode}`
}

function runMetered(bytes: Uint8Array<ArrayBuffer>, fuelLimit = PLENTY) {
  return runTask({ module: bytes, fuelLimit, wait: () => undefined })
}

describe('a metered program', () => {
  test('does what it did before, and burns exactly what it executes', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const bytes = randomModule(seededRng(seed))
        const plain = runAsIs(bytes, '')
        const naive = runAsIs(meterNaively(bytes, BULK_LENGTH), COUNTER)
        const metered = runMetered(bytes)
        expect(String(metered.stdout)).toBe(plain.stdout)
        expect(endingOf(metered, plain)).toBe(plain.ending)
        // Printing 64 bytes costs 4 more, which only the host of the metered run counts.
        expect(plain.ending === 'exit 0' ? metered.fuelUsed : naive.counted + 4n).toBe(naive.counted + 4n)
      }),
      { numRuns: 200 },
    )
  })

  test('needs exactly the fuel it burns', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const bytes = randomModule(seededRng(seed))
        const { status, fuelUsed } = runMetered(bytes)
        if (status !== 'exited') return
        expect(runMetered(bytes, fuelUsed)).toMatchObject({ status: 'exited', fuelUsed })
        expect(runMetered(bytes, fuelUsed - 1n)).toMatchObject({ status: 'fuel_exhausted', fuelUsed: fuelUsed - 1n })
      }),
      { numRuns: 80 },
    )
  })

  test('is the same bytes each time', () => {
    expect(injectFuel(fixture('files'))).toEqual(injectFuel(fixture('files')))
  })

  test('stops in an endless loop, in its start function too, wherever the limit lies', () => {
    for (const name of ['spin', 'start-loop']) {
      const module = compileProgram(fixture(name))
      for (const fuelLimit of [0n, 1n, 1000n, 100_003n]) {
        expect(runTask({ module, fuelLimit })).toMatchObject({ status: 'fuel_exhausted', fuelUsed: fuelLimit })
      }
    }
  })

  test('stops when it only calls itself', () => {
    const endless = moduleOf([OP.call, 0, OP.end])
    expect(runMetered(endless, 1000n).status).toBe('fuel_exhausted')
  })

  test('stops when it calls itself at the end for ever', () => {
    expect(runMetered(moduleOf([OP.returnCall, 0, OP.end]), 10_000_000n).status).toBe('fuel_exhausted')
  })

  test('pays for bulk work by its length', () => {
    const [none, mebibyte] = [filling([0]), filling([0x80, 0x80, 0xc0, 0x00])].map((bytes) => runMetered(bytes))
    expect(none).toMatchObject({ status: 'exited', fuelUsed: 20n })
    expect(mebibyte).toMatchObject({ status: 'exited', fuelUsed: 20n + 65_536n })
    expect(runMetered(filling([0x80, 0x80, 0xc0, 0x00]), 1000n).status).toBe('fuel_exhausted')
  })

  test('cannot reach its counter: what names a global or local past its own is refused', () => {
    const touchesFuel = moduleOf([OP.i64Const, 100, OP.globalSet, 0, OP.end])
    expect(() => injectFuel(touchesFuel)).toThrow(expect.objectContaining({ code: 'program.invalid' }))
    const touchesLocal = moduleOf([OP.i64Const, 100, OP.localSet, 0, OP.end])
    expect(() => injectFuel(touchesLocal)).toThrow(expect.objectContaining({ code: 'program.invalid' }))
  })

  test('runs its start function before its entry, and once', () => {
    // Start adds 1 to global 0; the entry traps unless it finds 1.
    const bytes = moduleOf([OP.globalGet, 0, OP.i32Const, 1, 0x47, OP.if, 0x40, OP.unreachable, OP.end, OP.end], {
      globals: new ByteWriter().u8(1, I32, 1, OP.i32Const, 0, OP.end).done(),
      start: [OP.globalGet, 0, OP.i32Const, 1, 0x6a, OP.globalSet, 0, OP.end],
    })
    expect(runMetered(bytes)).toMatchObject({ status: 'exited', exitCode: 0 })
  })

  test('gets no more memory than its limit, and it is known that it asked', () => {
    const module = compileProgram(fixture('memory-hog'), { memoryBytes: 8 * 1024 * 1024 })
    const outcome = runTask({ module, fuelLimit: PLENTY })
    expect(outcome).toMatchObject({ status: 'memory_exceeded', exitCode: 1 })
    expect(outcome.peakMemoryBytes).toBeLessThanOrEqual(8 * 1024 * 1024)
  })

  test('counts in a loop that calls and in one that does not alike', () => {
    const [without, withCall] = [turning([]), turning([OP.call, 1])].map((bytes) => runMetered(bytes).fuelUsed)
    expect(without).toBe(10n * 8n)
    expect(withCall).toBe(10n * 12n)
  })
})

/** Fills as many bytes of memory as a constant says. */
function filling(length: readonly number[]): Uint8Array<ArrayBuffer> {
  return moduleOf([OP.i32Const, 0, OP.i32Const, 1, OP.i32Const, ...length, OP.bulk, 11, 0, OP.end])
}

/** Ten turns of a loop, each with what is given first. */
function turning(first: readonly number[]): Uint8Array<ArrayBuffer> {
  const countDown = [OP.globalGet, 0, OP.i64Const, 1, OP.i64Sub, OP.globalSet, 0]
  const goOn = [OP.globalGet, 0, OP.i64Const, 0, OP.i64LtS, 0x45, OP.brIf, 0, OP.end, OP.end]
  return moduleOf([OP.loop, 0x40, ...first, ...countDown, ...goOn], {
    globals: new ByteWriter().u8(1, I64, 1, OP.i64Const, 9, OP.end).done(),
    start: [OP.end],
  })
}

function body(instructions: readonly number[]): readonly number[] {
  return [instructions.length + 1, 0, ...instructions]
}

/** A module with one memory page and function 0 as its entry; a start function would be function 1. */
function moduleOf(
  code: readonly number[],
  { globals, start }: { globals?: Uint8Array; start?: readonly number[] } = {},
): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter().u8(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)
  out.section(1, new ByteWriter().u8(1, 0x60, 0, 0).done())
  out.section(3, start ? Uint8Array.of(2, 0, 0) : Uint8Array.of(1, 0))
  out.section(5, Uint8Array.of(1, 0, 32))
  if (globals) out.section(6, globals)
  out.section(7, new ByteWriter().u8(1).name('_start').u8(0, 0).done())
  if (start) out.section(8, Uint8Array.of(1))
  const bodies = start ? [body(code), body(start)] : [body(code)]
  out.section(10, Uint8Array.from([bodies.length, ...bodies.flat()]))
  return out.done()
}
