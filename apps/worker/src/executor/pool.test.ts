import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { utf8 } from '@fog/kernel'
import { program } from '../testing/programs.ts'
import { cpuTicks, descendants, isAlive, until } from '../testing/processes.ts'
import { MemorySink } from './contents.ts'
import { DEFAULT_POOL, ExecutorPool, type PoolHandlers, type PoolTask, type RunControl, type TaskEnd } from './pool.ts'
import { Sandbox } from './sandbox.ts'

// Real processes, on a machine that runs other tests beside them.
vi.setConfig({ testTimeout: 60_000 })

const MIB = 1024 * 1024
const folder = mkdtempSync(join(tmpdir(), 'fog-pool-'))
const cacheFolder = join(folder, 'cache')
let pool: ExecutorPool

beforeAll(async () => {
  const sandbox = await Sandbox.probe({ cacheFolder, bubblewrap: 'auto', nice: 0 })
  pool = new ExecutorPool({ sandbox, log: pino({ level: 'silent' }) }, { ...DEFAULT_POOL, memoryBytes: 4096 * MIB })
  await pool.start()
})

afterAll(async () => {
  await pool.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('a program runs with its arguments, environment, stdin and files', async () => {
  const { end, text } = await run('hello', { args: ['fog'] })
  expect(end).toMatchObject({ ending: { status: 'exited', exitCode: 0 }, exit: 'exited:0', outputs: [] })
  expect(text('stdout')).toBe('hello fog\n')
  expect(BigInt(end.fuel)).toBeGreaterThan(0n)
  expect(end.cpuMs).toBeGreaterThan(0)
  expect(end.peakMemoryBytes).toBeGreaterThanOrEqual(65_536)
})

test.each([
  ['trap', {}, 'trapped', /trapped:/],
  ['exit3', {}, 'exited', /exited:3/],
  ['spin', { fuel: '50000000' }, 'fuel_exhausted', /fuel_exhausted/],
  ['spin', { wallMs: 300 }, 'wall_exceeded', /wall_exceeded/],
  ['start-loop', { wallMs: 300 }, 'wall_exceeded', /wall_exceeded/],
  ['start-loop', { fuel: '1000000' }, 'fuel_exhausted', /fuel_exhausted/],
  ['memory-hog', { memoryBytes: 16 * MIB }, 'memory_exceeded', /memory_exceeded/],
  ['output-flood', { diskBytes: 4 * MIB }, 'output_exceeded', /output_exceeded:disk/],
  ['output-flood', { diskBytes: 4 * MIB, args: ['careless'] }, 'output_exceeded', /output_exceeded:disk/],
  ['socket', {}, 'exited', /exited/],
] as const)('%s %j ends as %s and the next task runs', async (name, wishes, status, exit) => {
  const { end } = await run(name, wishes)
  expect(end.ending.status).toBe(status)
  expect(end.exit).toMatch(exit)
  const next = await run('hello', {})
  expect(next.end.exit).toBe('exited:0')
})

test.each([
  ['no module', utf8('this is no module'), /not a WebAssembly module/],
  ['a module cut short', program('hello').subarray(0, 5000), /./],
  ['nothing', new Uint8Array(), /not a WebAssembly module/],
])('%s is not loadable, and says why', async (_, bytes, why) => {
  const { end } = await run('nothing', { bytes })
  expect(end.ending.status).toBe('not_loadable')
  expect(end.ending).toHaveProperty('detail', expect.stringMatching(why))
})

test('more output than a task may leave is an end of its own, and brings nothing', async () => {
  const { end, sinks } = await run('mandel', { args: ['1200'], outputBytes: MIB })
  expect(end.ending.status).toBe('output_exceeded')
  expect([...sinks.keys()]).toEqual(['stdout', 'stderr'])
})

test('names that would leave the folder stay in it', async () => {
  const { end } = await run('path-escape', {})
  expect(end.outputs.length).toBeGreaterThan(0)
  expect(end.outputs.every((path) => !path.startsWith('/') && !path.split('/').includes('..'))).toBe(true)
})

test('large outputs and large inputs come through whole', async () => {
  const { end, sinks } = await run('mandel', { args: ['1500'] })
  expect(end.outputs).toEqual(['mandel.pgm'])
  const picture = Buffer.from(sinks.get('mandel.pgm')!.bytes)
  const head = 'P5\n1500 1500\n255\n'
  expect(picture.subarray(0, head.length).toString()).toBe(head)
  expect(picture.length).toBe(head.length + 1500 * 1500)
  // The middle of the set, all its steps taken.
  expect(picture[head.length + 750 * 1500 + 900]).toBe(255)

  const large = new Uint8Array(5 * MIB).fill(7)
  const given = [['/in/given.txt', utf8('given')] as const, ['/in/large.bin', large] as const]
  const { text } = await run('files', { files: given })
  expect(text('stdout')).toContain('given file: ok')
  expect(text('stdout')).toContain('/in: . .. given.txt large.bin')
})

test('a flood on stdout is shown live up to a limit, kept up to a larger one, and does not end the task', async () => {
  const { end, text, live } = await run('stdout-flood', { args: ['20'], outputBytes: 64 * MIB })
  expect(end.exit).toBe('exited:0')
  expect(live.isFull).toBe(true)
  expect(live.bytes).toBeLessThanOrEqual(MIB)
  expect(text('stdout').length).toBeGreaterThan(15 * MIB)
  expect(text('stdout')).toMatch(/\[fog\] stdout was cut here/)
})

test('what is printed is shown while the program still runs', async () => {
  const stop = new AbortController()
  const live: string[] = []
  const running = run('chatter', {
    bytes: chatterer(),
    wallMs: 60_000,
    signal: stop.signal,
    onLog: (text) => live.push(text),
  })
  const ended = running.catch((fault: Error) => fault.message)
  await until('something was shown', () => live.join('').includes('hi'))
  stop.abort(new Error('enough'))
  expect(await ended).toBe('enough')
})

test('a task that is cancelled is gone within a second, and the others go on', async () => {
  const stop = new AbortController()
  const cancelled = run('spin', { wallMs: 60_000, signal: stop.signal })
  const ended = cancelled.catch((fault: Error) => fault.message)
  const other = run('sleep', { args: ['1500'] })
  await until('both run', () => pool.childCount >= 2)
  const before = performance.now()
  stop.abort(new Error('cancelled'))
  expect(await ended).toBe('cancelled')
  expect(performance.now() - before).toBeLessThan(1000)
  expect((await other).end.exit).toBe('exited:0')
})

test('stopped tasks give the processor back within a second, and their time stands still', async () => {
  const running = run('spin', { wallMs: 1500 })
  await until('it computes', () => !isStill())
  const before = performance.now()
  pool.setShare(0)
  await until('it stands still', isStill)
  expect(performance.now() - before).toBeLessThan(1000)
  await new Promise((resolve) => setTimeout(resolve, 1500))
  pool.setShare(100)
  const { end } = await running
  expect(end.ending.status).toBe('wall_exceeded')
  expect(end.wallMs).toBeGreaterThanOrEqual(1500)
  // Both: less than the time it was stopped for on top of its own.
  expect(end.wallMs).toBeLessThan(2900)
})

test('a throttled task uses about its share', async () => {
  pool.setShare(25)
  const { end } = await run('spin', { wallMs: 800 })
  pool.setShare(100)
  // Its own time counts while it runs only: 800 ms of it took about four times as long.
  expect(end.ending.status).toBe('wall_exceeded')
  expect(end.wallMs).toBeLessThan(1200)
})

test('tasks of one program share a warm child, and two at once take two', async () => {
  await run('noop', {})
  const before = pool.childCount
  for (let i = 0; i < 20; i++) await run('noop', {})
  // The spare that the first one used may have been replaced meanwhile.
  expect(pool.childCount).toBeLessThanOrEqual(before + 1)
  const ends = await Promise.all([run('sleep', { args: ['200'] }), run('sleep', { args: ['200'] })])
  expect(ends.map(({ end }) => end.exit)).toEqual(['exited:0', 'exited:0'])
})

test('a child that dies under its task is a fault of ours, not of the program', async () => {
  const running = run('spin', { wallMs: 60_000 })
  let status: string | undefined
  void running.then(({ end }) => (status = end.ending.status))
  // A spare that is just starting computes too; then it is the next one's turn.
  await until('it has ended', () => {
    for (const pid of status ? [] : computing()) process.kill(pid, 'SIGKILL')
    return status !== undefined
  })
  expect(status).toBe('faulted')
})

test('nothing is left when the pool stops', async () => {
  const sandbox = await Sandbox.probe({ cacheFolder, bubblewrap: 'auto', nice: 0 })
  const other = new ExecutorPool(
    { sandbox, log: pino({ level: 'silent' }) },
    { ...DEFAULT_POOL, memoryBytes: 256 * MIB },
  )
  await other.start()
  const pids = other.pids.flatMap((pid) => [pid, ...descendants(pid)])
  expect(pids.every(isAlive)).toBe(true)
  await other.stop()
  await until('all are gone', () => !pids.some(isAlive), 2000)
})

test('a checkpoint is taken from a running program, and another process goes on from it', async () => {
  const stop = new AbortController()
  let control: RunControl | undefined
  let version = 0
  const running = run('steps', {
    args: ['1000000', '100000'],
    stateBytes: MIB,
    onRun: (given) => (control = given),
    onState: (changed) => (version = changed.version),
    signal: stop.signal,
  })
  await until('it has made some steps', () => version > 5)
  const sinks: MemorySink[] = []
  const openSink = (size: number) => {
    sinks.push(new MemorySink(size))
    return sinks.at(-1)!
  }
  const first = (await control!.takeState({ since: 0, openSink }))!
  expect(first.files).toMatchObject([{ path: 'at' }])
  const [at] = Buffer.from(sinks[0]!.bytes).toString().split(' ').map(Number)
  expect(at).toBe(first.version)
  expect(BigInt(first.fuel)).toBeGreaterThan(100_000n * BigInt(at!))
  await until('it has made more of them', () => version > first.version)
  const second = (await control!.takeState({ since: first.version, openSink }))!
  expect(BigInt(second.fuel)).toBeGreaterThan(BigInt(first.fuel))
  stop.abort(new Error('enough'))
  await expect(running).rejects.toThrow('enough')

  const { text } = await run('steps', {
    args: [String(at! + 2), '100000'],
    stateBytes: MIB,
    files: [['/state/at', sinks[0]!.bytes]],
  })
  expect(text('stderr')).toMatch(new RegExp(`^from ${at}\n`))
  expect(text('stdout')).toBe((await run('steps', { args: [String(at! + 2), '100000'] })).text('stdout'))
})

test('a checkpoint that is too large is not kept, with the reason, and the program goes on', async () => {
  const refusals: (string | undefined)[] = []
  const { end } = await run('steps', {
    args: ['30', '3000000'],
    stateBytes: 3,
    onState: ({ refusal }) => refusals.push(refusal),
  })
  expect(end.exit).toBe('exited:0')
  expect(refusals[0]).toMatch(/^it has \d+ bytes, and 3 may be kept$/)
})

test('a process that stands still answers once it is woken, however little it may run', async () => {
  const stop = new AbortController()
  let control: RunControl | undefined
  let version = 0
  const running = run('steps', {
    args: ['1000000', '100000'],
    stateBytes: MIB,
    onRun: (given) => (control = given),
    onState: (changed) => (version = changed.version),
    signal: stop.signal,
  })
  await until('it has made some steps', () => version > 0)
  pool.setShare(0)
  await until('it stands still', isStill)
  control!.wake()
  const openSink = (size: number) => new MemorySink(size)
  const taken = await control!.takeState({ since: 0, openSink })
  expect(taken!.version).toBeGreaterThan(0)
  stop.abort(new Error('enough'))
  await expect(running).rejects.toThrow('enough')
  expect(await control!.takeState({ since: 0, openSink })).toBeUndefined()
  pool.setShare(100)
})

interface Wishes {
  readonly stateBytes?: number
  readonly onRun?: (control: RunControl) => void
  readonly onState?: PoolHandlers['onState']
  readonly bytes?: Uint8Array
  readonly args?: readonly string[]
  readonly files?: readonly (readonly [string, Uint8Array])[]
  readonly fuel?: string
  readonly wallMs?: number
  readonly memoryBytes?: number
  readonly diskBytes?: number
  readonly outputBytes?: number
  readonly signal?: AbortSignal
  readonly onLog?: (text: string) => void
}

async function run(name: string, wishes: Wishes) {
  const bytes = wishes.bytes ?? program(name)
  const { memoryBytes = 64 * MIB, diskBytes = 64 * MIB, outputBytes = 32 * MIB, fuel = '1000000000000' } = wishes
  const task: PoolTask = {
    programKey: `${name}:${bytes.length}:${memoryBytes}`,
    program: { size: bytes.length, bytes },
    stdin: undefined,
    files: (wishes.files ?? []).map(([path, content]) => [path, { size: content.length, bytes: content }] as const),
    args: wishes.args ?? [],
    env: {},
    limits: { memoryBytes, diskBytes, outputBytes, stateBytes: wishes.stateBytes ?? 0, fuel },
    wallMs: wishes.wallMs ?? 30_000,
  }
  const sinks = new Map<string, MemorySink>()
  const live = { bytes: 0, isFull: false }
  const handlers: PoolHandlers = {
    onLog: (_, part) => {
      live.bytes += part.length
      wishes.onLog?.(Buffer.from(part).toString())
    },
    onLogFull: () => (live.isFull = true),
    onBeat: () => undefined,
    onRun: (control) => wishes.onRun?.(control),
    onState: (changed) => wishes.onState?.(changed),
    openSink: ({ path, size }) => {
      const sink = new MemorySink(size)
      sinks.set(path, sink)
      return sink
    },
  }
  const end: TaskEnd = await pool.run(task, handlers, wishes.signal ?? new AbortController().signal)
  return { end, sinks, live, text: (path: string) => Buffer.from(sinks.get(path)?.bytes ?? []).toString() }
}

function ours(): number[] {
  return pool.pids.flatMap((pid) => [pid, ...descendants(pid)])
}

function isStill(): boolean {
  return computing().length === 0
}

/** Those of our processes that use the processor now. */
function computing(): number[] {
  const before = new Map(ours().map((pid) => [pid, cpuTicks([pid])]))
  const endsAt = performance.now() + 80
  while (performance.now() < endsAt);
  return [...before].filter(([pid, ticks]) => isAlive(pid) && cpuTicks([pid]) - ticks > 1).map(([pid]) => pid)
}

/** Prints "hi" and then computes forever: `fd_write` once, then a loop. By section, its id and length first. */
function chatterer(): Uint8Array {
  const hex = [
    // Header. Types: (i32 i32 i32 i32) -> i32, () -> ().
    '0061736d01000000 010c02 60047f7f7f7f017f 600000',
    // Import wasi_snapshot_preview1.fd_write; one function, one page of memory.
    '0223 01 16776173695f736e617073686f745f7072657669657731 0866645f7772697465 0000 03020101 0503010001',
    // Exports memory and _start.
    '0713 02 066d656d6f72790200 065f73746172740001',
    // fd_write(1, 0, 1, 24), drop, loop br 0 end.
    '0a14 01 12 00 4101 4100 4101 4118 1000 1a 0340 0c00 0b 0b',
    // At 0: the vector (8, 3), then the text.
    '0b11 01 00 4100 0b 0b 08000000 03000000 68690a',
  ].join('')
  return new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
}
