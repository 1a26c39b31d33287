import { seededRng, utf8 } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runTask, type RunTaskOptions } from '../run-task.ts'
import { fixture } from '../node/testing/fixtures.ts'
import { Exit } from './context.ts'
import { TaskFileError, WasiHost, type WasiOptions } from './host.ts'
import { WASI_SIGNATURES, WASI_MODULE, type WasiName } from './signatures.ts'

const FUEL = 1n << 40n

function run(name: string, options: Partial<RunTaskOptions> = {}) {
  const outcome = runTask({ module: fixture(name), fuelLimit: FUEL, ...options })
  return { ...outcome, printed: String(Buffer.from(outcome.stdout)), complained: String(Buffer.from(outcome.stderr)) }
}

describe('a C program', () => {
  test('finds its arguments, its stdin and its inputs, and leaves its outputs', () => {
    const { status, printed, outputs } = run('hello', {
      args: ['big', 'world'],
      stdin: utf8('line one\nline two'),
      files: [['/in/in.txt', utf8('shout')]],
    })
    expect(status).toBe('exited')
    expect(printed).toBe('hello big world\nline one\nline two')
    expect([...outputs]).toEqual([['out.txt', utf8('SHOUT')]])
  })

  test('finds files to behave as POSIX says, and listings sorted', () => {
    const saved: string[] = []
    const { printed, outputs, state } = run('files', {
      files: [['/in/given.txt', utf8('given')]],
      onState: ({ files }) => saved.push(...files.map(({ path }) => path)),
    })
    const lines = printed.trim().split('\n')
    expect(lines.filter((line) => !line.endsWith(': ok') && !line.includes(': . ..'))).toEqual([])
    expect(lines).toContain('.: . .. a alias holes.bin loop-a loop-b m notes.txt z é')
    expect(lines).toContain('/in: . .. given.txt')
    expect(lines).toHaveLength(43)
    expect([...outputs.keys()]).toEqual(['holes.bin', 'm', 'moved.txt', 'notes.txt', 'z', 'é'])
    expect([...state.keys()]).toEqual(['next'])
    expect(saved).toEqual(['next'])
  })

  test('writes upwards and stays inside', () => {
    const { outputs, exitCode } = run('path-escape') as ReturnType<typeof run> & { exitCode: number }
    expect([...outputs.keys()]).toEqual(['by-link.txt', 'by-top.txt', 'up.txt'])
    expect(exitCode & 2).toBe(0)
  })

  test('sees the same date and chance in every run, others with another seed', () => {
    const first = run('chance', { env: { NAME: 'value', EMPTY: '' } })
    expect(first.printed).toMatch(/^[0-9a-f]{16}\n2026-01-01 00:00:00\nNAME=value\nEMPTY=\n$/)
    expect(run('chance', { env: { NAME: 'value', EMPTY: '' } })).toEqual(first)
    expect(run('chance', { seed: 1 }).printed.slice(0, 16)).not.toBe(first.printed.slice(0, 16))
    expect(run('chance', { clockStartNs: 0n }).printed).toContain('1970-01-01')
  })

  test('sleeps without computing, and sees the time pass', () => {
    const waits: number[] = []
    const { printed, fuelUsed } = run('sleep', { args: ['86400000'], wait: (ms) => waits.push(ms) })
    expect(printed).toBe('86400000\n')
    expect(waits).toEqual([86_400_000])
    expect(fuelUsed).toBeLessThan(100_000n)
  })

  test('really waits when it sleeps', () => {
    const start = performance.now()
    run('sleep', { args: ['30'] })
    expect(performance.now() - start).toBeGreaterThanOrEqual(29)
  })

  test('finds no network', () => {
    expect(run('socket').printed).toBe('Not supported\n')
  })

  test('that floods stdout is cut with a notice and goes on', () => {
    let streamed = 0
    const { status, printed, stdoutCut } = run('stdout-flood', {
      args: ['3'],
      limits: { stdoutBytes: 100_000 },
      onStdout: (bytes) => (streamed += bytes.length),
    })
    expect(status).toBe('exited')
    expect(stdoutCut).toBe(true)
    expect(printed.slice(100_000)).toBe('\n[fog] stdout was cut here: more than 100000 bytes\n')
    expect(streamed).toBe(printed.length)
  })

  test('that writes too much has failed, even if it does not notice', () => {
    const limits = { diskBytes: 1024 * 1024 }
    const noticed = run('output-flood', { limits })
    expect(noticed).toMatchObject({ status: 'output_exceeded', limit: 'disk', exitCode: 1 })
    expect(noticed.complained).toBe('write: No space left on device\n')
    expect(noticed.peakDiskBytes).toBe(1024 * 1024)
    expect(run('output-flood', { limits, args: ['blind'] })).toMatchObject({ status: 'output_exceeded', exitCode: 0 })
    expect(run('files', { limits: { files: 3 } })).toMatchObject({ status: 'output_exceeded', limit: 'files' })
  })

  test('cannot be given two inputs of one name', () => {
    const files = [['a', utf8('1')] as const, ['/a', utf8('2')] as const]
    expect(() => run('noop', { files })).toThrow(TaskFileError)
  })
})

const NAMES = [...WASI_SIGNATURES.keys()] as WasiName[]

/** What a call answers; leaving is an answer too. */
function answer(call: () => number): number {
  try {
    return call()
  } catch (thrown) {
    if (thrown instanceof Exit) return 0
    throw thrown
  }
}

/** A host whose program is a memory of one page, with a few files and folders open. */
function bareHost(options: WasiOptions = {}) {
  const host = new WasiHost({
    files: [
      ['a.txt', utf8('content')],
      ['/in/b.txt', utf8('given')],
    ],
    args: ['one', 'two'],
    stdin: utf8('input'),
    wait: () => undefined,
    limits: { diskBytes: 100_000, files: 20, openFiles: 16, stdoutBytes: 1000, stderrBytes: 1000 },
    ...options,
  })
  const memory = new WebAssembly.Memory({ initial: 1 })
  host.bind({ exports: { memory } })
  const call = (name: WasiName, ...args: unknown[]): number =>
    (host.imports[WASI_MODULE][name] as (...args: unknown[]) => number)(...args)
  return { host, memory, bytes: new Uint8Array(memory.buffer), view: new DataView(memory.buffer), call }
}

describe('the host', () => {
  test('offers all 46 calls of WASI preview 1', () => {
    const { host } = bareHost()
    expect(NAMES).toHaveLength(46)
    expect(Object.keys(host.imports[WASI_MODULE]).sort()).toEqual(NAMES.toSorted())
  })

  test('answers every call with every kind of argument by a number, and keeps its memory to itself', () => {
    const i32 = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16) },
      { weight: 3, arbitrary: fc.integer({ min: 0, max: 65_536 }) },
      { weight: 1, arbitrary: fc.constantFrom(65_535, 65_528, -1, -8, 0x7fff_ffff, -0x8000_0000) },
    )
    const i64 = fc.oneof(
      fc.constantFrom(0n, 1n, 2n, 64n, 0x0fff_ffffn, -1n, 1n << 62n, -(1n << 63n), (1n << 53n) + 1n),
      fc.bigInt({ min: 0n, max: 100_000n }),
    )
    const args = (name: WasiName) =>
      fc.tuple(...Array.from(WASI_SIGNATURES.get(name)!.params, (letter) => (letter === 'i' ? i32 : i64)))
    const step = fc.constantFrom(...NAMES).chain((name) => fc.tuple(fc.constant(name), args(name)))
    const texts = ['a.txt', '../..', 'new', '/out/x', 'dir', 'dir/y', '/in/b.txt', '/state/s', 'link']
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), fc.nat(), (steps, seed) => {
        const { host, bytes, call } = bareHost({ seed })
        // Random words, and at the places tried most the lengths and paths that calls look for.
        bytes.set(seededRng(seed).bytes(4096))
        texts.forEach((text, i) => bytes.set(utf8(text), i))
        for (const [name, values] of steps) {
          const errno = answer(() => call(name, ...values))
          expect(Number.isInteger(errno) && errno >= 0 && errno <= 76).toBe(true)
        }
        for (const output of host.outputs().keys()) expect(output).not.toMatch(/^\/|(^|\/)\.\.(\/|$)/)
        expect(host.stdout().length).toBeLessThan(1200)
        expect(host.peakDiskBytes).toBeLessThanOrEqual(100_000)
      }),
      { numRuns: 250 },
    )
  })

  test('refuses every pointer past the end of memory', () => {
    const { call } = bareHost()
    const EFAULT = 21
    expect(call('fd_write', 1, 65_530, 1, 0)).toBe(EFAULT)
    expect(call('fd_write', 1, 0, 0, 65_533)).toBe(EFAULT)
    expect(call('args_get', 65_533, 0)).toBe(EFAULT)
    expect(call('random_get', 1, 65_536)).toBe(EFAULT)
    expect(call('path_open', 3, 0, -1, 10, 0, 0n, 0n, 0, 0)).toBe(EFAULT)
    expect(call('clock_time_get', 0, 0n, 65_529)).toBe(EFAULT)
    expect(call('poll_oneoff', 65_500, 0, 1, 0)).toBe(EFAULT)
  })

  test('changes nothing when one of several buffers is bad', () => {
    const { host, view, call } = bareHost()
    for (const [i, value] of [100, 5, 70_000, 5].entries()) view.setUint32(i * 4, value, true)
    expect(call('fd_write', 1, 0, 2, 64)).toBe(21)
    expect(host.stdout()).toHaveLength(0)
  })

  test('answers before it has a memory, as from a start function', () => {
    const host = new WasiHost()
    const random = host.imports[WASI_MODULE].random_get as unknown as (pointer: number, length: number) => number
    expect(random(0, 8)).toBe(21)
  })

  test.each([40, 47, 100, 4096])('lists a folder in pieces of %i bytes without losing or repeating a name', (size) => {
    const files = Array.from({ length: 50 }, (_, i) => [`/in/file-${String(i).padStart(2, '0')}`, utf8('x')] as const)
    const { bytes, view, call } = bareHost({ files })
    const found: string[] = []
    let cookie = 0n
    let used = size
    while (used === size) {
      expect(call('fd_readdir', 5, 1024, size, cookie, 0)).toBe(0)
      used = view.getUint32(0, true)
      for (let at = 1024; at + 24 <= 1024 + used;) {
        const end = at + 24 + view.getUint32(at + 16, true)
        if (end > 1024 + used) break
        cookie = view.getBigUint64(at, true)
        found.push(String(Buffer.from(bytes.subarray(at + 24, end))))
        at = end
      }
    }
    expect(found).toEqual(['.', '..', ...files.map(([path]) => path.slice(4))])
  })

  test('wakes a poll at the earliest clock, and at once when a stream is ready', () => {
    const waits: number[] = []
    const { view, call } = bareHost({ wait: (ms) => waits.push(ms) })
    const subscribe = (i: number, userdata: bigint, tag: number, timeoutNs = 0n) => {
      view.setBigUint64(i * 48, userdata, true)
      view.setUint8(i * 48 + 8, tag)
      view.setUint32(i * 48 + 16, tag === 0 ? 1 : 0, true)
      view.setBigUint64(i * 48 + 24, timeoutNs, true)
    }
    subscribe(0, 7n, 0, 5_000_000n)
    subscribe(1, 8n, 0, 2_000_000n)
    expect(call('poll_oneoff', 0, 1024, 2, 2048)).toBe(0)
    expect(view.getUint32(2048, true)).toBe(1)
    expect(view.getBigUint64(1024, true)).toBe(8n)
    expect(waits).toEqual([2])
    subscribe(2, 9n, 1)
    expect(call('poll_oneoff', 0, 1024, 3, 2048)).toBe(0)
    expect([view.getUint32(2048, true), view.getBigUint64(1024, true), view.getBigUint64(1040, true)]).toEqual([
      1,
      9n,
      5n,
    ])
    expect(waits).toEqual([2])
  })

  test('opens only as many files as allowed, and the lowest free number first', () => {
    const { bytes, view, call } = bareHost()
    bytes.set(utf8('a.txt'))
    const open = () =>
      call('path_open', 3, 0, 0, 5, 0, 0x3fff_ffffn, 0n, 0, 100) === 0 ? view.getUint32(100, true) : -1
    const opened = Array.from({ length: 17 }, open)
    expect(opened).toEqual([...Array.from({ length: 16 }, (_, i) => 10 + i), -1])
    call('fd_close', 12)
    expect(open()).toBe(12)
    expect(call('fd_renumber', 12, 1)).toBe(0)
    expect(call('fd_close', 12)).toBe(8)
  })

  test('lets rights only shrink', () => {
    const { call, view } = bareHost()
    expect(call('fd_fdstat_set_rights', 3, 2n, 2n)).toBe(0)
    expect(call('fd_fdstat_set_rights', 3, 4n, 2n)).toBe(76)
    expect(call('fd_fdstat_get', 3, 64)).toBe(0)
    expect(view.getBigUint64(72, true)).toBe(2n)
  })
})
