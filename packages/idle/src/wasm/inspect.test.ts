import { FogError, isFogError, seededRng, utf8 } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runTask, type TaskOutcome } from '../run-task.ts'
import { fixture } from '../node/testing/fixtures.ts'
import { WasiHost } from '../wasi/host.ts'
import { ByteWriter } from './byte-writer.ts'
import { compileProgram, prepareProgram } from './fuel.ts'
import { inspectModule } from './inspect.ts'
import { ProgramError } from './program-error.ts'
import { randomModule } from './testing/random-module.ts'

function refusal(bytes: Uint8Array, limits = {}): string {
  try {
    inspectModule(bytes, limits)
    return 'accepted'
  } catch (fault) {
    if (fault instanceof ProgramError) return fault.message
    throw fault
  }
}

const NOTHING = new ByteWriter().u8(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0).done()

/** A module of sections given as [id, content]. */
function moduleOf(...sections: (readonly [id: number, content: readonly number[]])[]): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter().raw(NOTHING)
  for (const [id, content] of sections) out.section(id, Uint8Array.from(content))
  return out.done()
}

const START_EXPORT = [7, [1, 6, ...utf8('_start'), 0, 0]] as const
const ONE_TYPE = [1, [1, 0x60, 0, 0]] as const
const ONE_FUNCTION = [3, [1, 0]] as const

function withCode(...instructions: number[]): Uint8Array<ArrayBuffer> {
  const body = [instructions.length + 2, 0, ...instructions, 0x0b]
  return moduleOf(ONE_TYPE, ONE_FUNCTION, [5, [1, 0, 1]], START_EXPORT, [10, [1, ...body]])
}

function text(part: string): readonly number[] {
  return [part.length, ...utf8(part)]
}

function importing(module: string, name: string, type = [0x60, 0, 0]): Uint8Array {
  return moduleOf([1, [1, ...type]], [2, [1, ...text(module), ...text(name), 0, 0]])
}

describe('a program is inspected', () => {
  test('and says what it holds', () => {
    const facts = inspectModule(fixture('hello'))
    expect(facts).toMatchObject({ memory: { minPages: 2, maxPages: undefined }, hasStartFunction: false })
    expect(facts.imports.map(({ name }) => name)).toContain('fd_write')
    expect(facts.exports.map(({ name }) => name)).toEqual(['memory', '_start'])
    expect(facts.functions).toBeGreaterThan(20)
    expect(facts.largestBodyBytes).toBeGreaterThan(1000)
    expect(inspectModule(fixture('start-loop')).hasStartFunction).toBe(true)
  })

  test.each([
    ['an empty file', new Uint8Array(), 'the file is empty'],
    ['a native program', utf8('\x7fELF\x02\x01\x01'), 'a native Linux program'],
    ['text', utf8('(module)'), 'WebAssembly text'],
    ['a script', utf8('#!/bin/sh\n'), 'a script'],
    ['anything else', utf8('hello world'), 'does not begin'],
    ['a component', Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0), 'a component'],
    ['a cut-off module', fixture('hello').subarray(0, 1000), 'ends too early'],
    ['a library', NOTHING, 'no entry'],
    ['a foreign import', importing('env', 'memcpy'), 'imports env.memcpy, which is not offered'],
    ['an unknown call', importing('wasi_snapshot_preview1', 'fd_fly'), 'imports wasi_snapshot_preview1.fd_fly'],
    ['an older WASI', importing('wasi_unstable', 'fd_write'), 'imports wasi_unstable.fd_write'],
    ['a wrong type', importing('wasi_snapshot_preview1', 'sched_yield'), 'as () -> (), but it is () -> (i32)'],
    ['threads', moduleOf([5, [1, 3, 1, 1]]), 'shared memory (threads)'],
    ['64-bit memory', moduleOf([5, [1, 4, 1]]), '64-bit memory'],
    ['two memories', moduleOf([5, [2, 0, 1, 0, 1]]), 'more than one memory'],
    ['garbage collection', moduleOf([1, [1, 0x5f, 0]]), 'garbage-collected types'],
    ['exceptions', moduleOf([13, [0]]), 'exception handling'],
    ['a thrown exception', withCode(0x08, 0), 'exception handling'],
    ['atomics', withCode(0xfe, 3, 0), 'threads and atomics'],
    ['relaxed SIMD', withCode(0xfd, 0x80, 0x02), 'relaxed SIMD'],
    ['no instruction', withCode(0xff), '0xff is no instruction'],
    ['sections out of order', moduleOf([3, [0]], [1, [0]]), 'out of order'],
    ['a code section of its own', moduleOf([10, [1, 2, 0, 0x0b]]), 'do not match'],
    ['a false count', moduleOf([1, [0xff, 0xff, 0x03]]), 'fewer types than it says'],
    ['an absurd count', moduleOf([1, [0xff, 0xff, 0xff, 0xff, 0x0f]]), 'types'],
    ['a stack of the wrong height', withCode(0x41, 1), 'does not pass validation'],
  ])('and %s is refused with what to change', (_what, bytes, reason) => {
    expect(refusal(bytes)).toContain(reason)
  })

  test('and one that is too large is refused', () => {
    const bytes = fixture('hello')
    expect(refusal(bytes, { moduleBytes: 1000 })).toContain(`has ${bytes.length} bytes, and 1000 are allowed`)
    expect(refusal(bytes, { functions: 5 })).toContain('functions')
    expect(refusal(bytes, { bodyBytes: 100 })).toContain('bytes in one function')
    expect(refusal(bytes, { memoryBytes: 65_536 })).toContain('needs 1 MiB of memory to start')
    expect(refusal(bytes)).toBe('accepted')
  })

  test('and may not use the names of the platform', () => {
    const name = 'fog:fuel'
    const exports = [2, 6, ...utf8('_start'), 0, 0, name.length, ...utf8(name), 0, 0]
    const bytes = moduleOf(ONE_TYPE, ONE_FUNCTION, [7, exports], [10, [1, 2, 0, 0x0b]])
    expect(refusal(bytes)).toContain('exports fog:fuel')
  })

  test('and every refusal has its sentence', () => {
    expect(FogError.texts).toEqual({})
    expect(Object.keys(ProgramError.texts)).toHaveLength(10)
  })
})

function attempt(work: () => unknown): unknown {
  try {
    return work()
  } catch (fault) {
    if (fault instanceof ProgramError) return fault.message
    throw fault
  }
}

describe('whatever bytes come', () => {
  test('random ones are refused, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, isModule) => {
        const whole = isModule ? new ByteWriter().raw(NOTHING).raw(bytes).done() : bytes
        expect(refusal(whole)).not.toBe('')
      }),
      { numRuns: 1000 },
    )
  })

  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('set', 'drop', 'insert')), { maxLength: 6 })

  test('a changed module is refused, or still validates and does the same with fuel', () => {
    const sources = ['exit3', 'noop', 'trap', 'start-loop', 'path-escape', 'socket'].map(fixture)
    const seeds = Array.from({ length: 6 }, (_, seed) => randomModule(seededRng(seed)))
    fc.assert(
      fc.property(fc.constantFrom(...sources, ...seeds), changes, (source, edits) => {
        const bytes = change(source, edits)
        const prepared = attempt(() => prepareProgram(bytes).bytes)
        fc.pre(prepared instanceof Uint8Array)
        expect(WebAssembly.validate(prepared as Uint8Array<ArrayBuffer>)).toBe(true)
        const outcome = runTask({ module: compileProgram(bytes), fuelLimit: 3_000_000n, wait: () => undefined })
        fc.pre(outcome.status === 'exited')
        expect(runAsIs(bytes)).toEqual(kept(outcome))
      }),
      { numRuns: 80, maxSkipsPerRun: 1000 },
    )
  })
})

function kept({ status, stdout, stderr, outputs, ...rest }: TaskOutcome) {
  const exitCode = status === 'exited' && 'exitCode' in rest ? rest.exitCode : undefined
  return { exitCode, stdout, stderr, outputs }
}

/** The module without fuel. It ends, for it ended with fuel. */
function runAsIs(bytes: Uint8Array<ArrayBuffer>) {
  const host = new WasiHost({ wait: () => undefined })
  const exitCode = host.run(new WebAssembly.Instance(new WebAssembly.Module(bytes), host.imports))
  return { exitCode, stdout: host.stdout(), stderr: host.stderr(), outputs: host.outputs() }
}

function change(source: Uint8Array, edits: readonly (readonly [at: number, byte: number, how: string])[]) {
  const bytes = [...source]
  for (const [at, byte, how] of edits) {
    const place = at % bytes.length
    if (how === 'set') bytes[place] = byte
    else bytes.splice(place, how === 'drop' ? 1 : 0, ...(how === 'drop' ? [] : [byte]))
  }
  return Uint8Array.from(bytes)
}

test('a refusal can be told from a fault of ours', () => {
  expect(isFogError(new ProgramError({ code: 'program.no_start' }))).toBe(true)
})
