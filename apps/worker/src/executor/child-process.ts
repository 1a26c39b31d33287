import { type ChildProcess as Process, spawn } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setPriority } from 'node:os'
import type { Duplex } from 'node:stream'
import { safeName } from '@fog/idle'
import { assert } from '@fog/kernel'
import { parseFromChild } from './child-messages.ts'
import { StateArrival, type StateWish, type TakenState } from './state-arrival.ts'
import { ContentReceiver, type ContentSink, piecesOf } from './contents.ts'
import { FrameSocket } from './frame-socket.ts'
import { FrameFault, PIECE_BYTES } from './frames.ts'
import { type EndedMessage, INLINE_CONTENT_BYTES, type RunLimits, type StreamName, type ToChild } from './protocol.ts'
import type { Cgroup } from './cgroup.ts'
import type { Launch } from './sandbox.ts'

/** Bytes somewhere: here, or in a file that nobody changes. */
export type Content =
  | { readonly size: number; readonly bytes: Uint8Array }
  | { readonly size: number; readonly file: string }

export interface ChildTask {
  readonly programKey: string
  readonly program: Content
  readonly stdin: Content | undefined
  readonly files: readonly (readonly [path: string, content: Content])[]
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly limits: RunLimits
}

export interface RunHandlers {
  readonly onLog: (stream: StreamName, bytes: Uint8Array) => void
  /** More was printed than is shown live. */
  readonly onLogFull: () => void
  /** The program made a checkpoint of this version, or one that cannot be kept, and why. */
  readonly onState: (changed: { readonly version: number; readonly refusal?: string }) => void
  readonly onBeat: (beat: { readonly cpuMs: number; readonly rssPeakBytes: number }) => void
  /** Where the bytes of each content go: stdout and stderr by these names first, then the outputs by their paths. */
  readonly openSink: (what: { readonly path: string; readonly size: number }) => ContentSink
}

export type RunEnd = Omit<EndedMessage, 'type' | 'sizes'>

/** The child ended before its task did. */
export class ChildGone extends Error {
  override readonly name = 'ChildGone'
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** The last it wrote on stderr. */
  readonly words: string
  /** Whether the kernel killed it for want of memory. */
  readonly wasOutOfMemory: boolean

  constructor(end: { exitCode: number | null; signal: NodeJS.Signals | null; words: string; wasOutOfMemory: boolean }) {
    super(`a child ended with ${end.signal ?? end.exitCode}: ${end.words || 'no last words'}`)
    this.exitCode = end.exitCode
    this.signal = end.signal
    this.words = end.words
    this.wasOutOfMemory = end.wasOutOfMemory
  }
}

/** Beside the files of a result: what its two streams may bring at most. */
const MOST_STREAM_BYTES = 18 * 1024 * 1024
const MOST_WORDS = 4096

/** One child process, as the worker sees it: runs one task at a time, can be stopped, continued and killed. */
export class ExecutorChild {
  readonly pid: number
  /** Rejects with `ChildGone` when it ends before it is ready. */
  readonly ready: Promise<void>
  /** Resolves when the process is gone, however it went. */
  readonly gone: Promise<ChildGone>
  /** The one program this child runs in its life; undefined until its first task. */
  programKey: string | undefined
  /** Whether it has that program compiled. */
  #hasProgram = false
  readonly #process: Process
  readonly #cgroup: Cgroup | undefined
  readonly #socket: FrameSocket<ToChild>
  #words = ''
  #isGone = false
  #isStopped = false
  #run: ActiveRun | undefined
  #isReady = Promise.withResolvers<void>()
  /** When anything last came from it, on the monotonic clock. */
  heardAtMs = performance.now()

  constructor({ command, args, env, nice }: Launch, cgroup?: Cgroup) {
    this.#cgroup = cgroup
    this.#process = spawn(command, args, {
      env,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      // A group of its own: wrappers and their child are stopped and killed as one, and Ctrl-C does not reach them.
      detached: process.platform !== 'win32',
    })
    this.pid = this.#process.pid ?? 0
    // At once: what a wrapper starts later is in the group from its beginning.
    if (this.pid > 0) this.#join(cgroup)
    beNice(this.pid, nice)
    this.#process.stderr!.on('data', (chunk: Buffer) => {
      this.#words = (this.#words + chunk.toString()).slice(-MOST_WORDS)
    })
    this.#socket = new FrameSocket(this.#process.stdio[3] as unknown as Duplex)
    this.gone = this.#watchEnd()
    this.ready = this.#isReady.promise
    // Whoever waits for it hears of it; nobody may be waiting for a spare.
    this.ready.catch(() => undefined)
    void this.#listen()
  }

  get isGone(): boolean {
    return this.#isGone
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Throws `ChildGone` when the child ends first. */
  async run(task: ChildTask, handlers: RunHandlers): Promise<RunEnd> {
    assert(!this.#run, 'a child runs one task at a time')
    assert(this.programKey === undefined || this.programKey === task.programKey, 'a child runs one program only')
    this.programKey = task.programKey
    this.#cgroup?.limitMemory(roomOf(task))
    const run = new ActiveRun(task, handlers)
    this.#run = run
    this.heardAtMs = performance.now()
    try {
      await this.#isReady.promise
      // A send that cannot go on ends with the child; the result tells.
      void this.#sendTask(task).catch((fault: unknown) => run.fail(fault))
      const end = await run.ended
      this.#hasProgram = end.ending.status !== 'not_loadable' && end.isReusable
      return end
    } finally {
      this.#run = undefined
      run.close()
    }
  }

  /** The newest checkpoint of the run under way; undefined once there is none, or when the run ends first. */
  async takeState(wish: StateWish): Promise<TakenState | undefined> {
    const run = this.#run
    if (!run) return undefined
    const taken = run.expectState(wish)
    await this.#socket.send({ type: 'take-state', since: wish.since })
    return taken
  }

  stop(): void {
    this.#isStopped = true
    this.#signal('SIGSTOP')
  }

  continue(): void {
    if (!this.#isStopped) return
    this.#isStopped = false
    this.heardAtMs = performance.now()
    this.#signal('SIGCONT')
  }

  kill(): void {
    this.#signal('SIGKILL')
  }

  async #sendTask({ programKey, program, stdin, files, args, env, limits }: ChildTask): Promise<void> {
    const bringsProgram = !this.#hasProgram
    const contents = [...(bringsProgram ? [program] : []), ...(stdin ? [stdin] : []), ...files.map(([, each]) => each)]
    const sizes = contents.map(({ size }) => size)
    const message: ToChild = {
      type: 'run',
      programKey,
      bringsProgram,
      hasStdin: stdin !== undefined,
      args,
      env,
      files: files.map(([path]) => path),
      limits,
      sizes,
    }
    if (sizes.reduce((sum, size) => sum + size, 0) <= INLINE_CONTENT_BYTES) {
      await this.#socket.send(message, await Promise.all(contents.map(bytesOf)))
      return
    }
    await this.#socket.send(message)
    for (const content of contents) {
      for await (const piece of piecesOfContent(content)) await this.#socket.send({ type: 'piece' }, [piece])
    }
  }

  async #listen(): Promise<void> {
    try {
      for await (const { message, parts } of this.#socket.frames()) {
        this.heardAtMs = performance.now()
        const said = parseFromChild(message)
        if (!said) throw new FrameFault('a message no child would send')
        if (said.type === 'ready') this.#isReady.resolve()
        else await this.#run?.hear(said, parts)
      }
    } catch (fault) {
      // Only a child that is broken, or no longer ours, says such things.
      this.#words += `\n${fault instanceof Error ? fault.message : String(fault)}`
      this.kill()
    }
  }

  #watchEnd(): Promise<ChildGone> {
    return new Promise((resolve) => {
      const end = (exitCode: number | null, signal: NodeJS.Signals | null) => {
        if (this.#isGone) return
        this.#isGone = true
        const wasOutOfMemory = (this.#cgroup?.oomKills ?? 0) > 0
        const gone = new ChildGone({ exitCode, signal, words: this.#words.trim(), wasOutOfMemory })
        void this.#cgroup?.remove()
        this.#isReady.reject(gone)
        this.#run?.fail(gone)
        resolve(gone)
      }
      this.#process.on('close', end)
      this.#process.on('error', (fault) => {
        this.#words += fault.message
        end(null, null)
      })
    })
  }

  /** A child that cannot be limited as promised runs nothing. */
  #join(cgroup: Cgroup | undefined): void {
    try {
      cgroup?.add(this.pid)
    } catch (fault) {
      this.#words += String(fault)
      this.kill()
    }
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#isGone || this.pid === 0) return
    try {
      if (process.platform === 'win32') this.#process.kill(signal)
      else process.kill(-this.pid, signal)
    } catch (fault) {
      // It has just ended by itself; its end is on the way.
      if ((fault as NodeJS.ErrnoException).code !== 'ESRCH') throw fault
    }
  }
}

/** What the worker gathers while one task runs. */
class ActiveRun {
  readonly ended: Promise<RunEnd>
  readonly #task: ChildTask
  readonly #handlers: RunHandlers
  readonly #settle: PromiseWithResolvers<RunEnd>
  readonly #state: StateArrival
  #end: EndedMessage | undefined
  #receiver: ContentReceiver | undefined

  constructor(task: ChildTask, handlers: RunHandlers) {
    this.#task = task
    this.#handlers = handlers
    this.#state = new StateArrival(task.limits.stateBytes)
    this.#settle = Promise.withResolvers<RunEnd>()
    this.ended = this.#settle.promise
    // It may fail while the child is still being waited for.
    this.ended.catch(() => undefined)
  }

  expectState(wish: StateWish): Promise<TakenState | undefined> {
    return this.#state.expect(wish)
  }

  close(): void {
    this.#state.close()
  }

  fail(fault: unknown): void {
    this.#settle.reject(fault instanceof Error ? fault : new Error(String(fault)))
  }

  async hear(said: NonNullable<ReturnType<typeof parseFromChild>>, parts: readonly Uint8Array[]): Promise<void> {
    switch (said.type) {
      case 'log':
        return parts.forEach((part) => this.#handlers.onLog(said.stream, part))
      case 'log-full':
        return this.#handlers.onLogFull()
      case 'beat':
        return this.#handlers.onBeat(said)
      case 'state-changed':
        return this.#handlers.onState(said)
      case 'state':
        return this.#state.begin(said, parts)
      case 'ended':
        this.#begin(said)
        return this.#take(parts)
      case 'piece':
        return this.#state.isComing ? this.#state.take(parts) : this.#take(parts)
      case 'ready':
    }
  }

  #begin(ended: EndedMessage): void {
    const { outputs, sizes } = ended
    if (this.#end || sizes.length !== outputs.length + 2) throw new FrameFault('a result that does not fit together')
    const total = sizes.reduce((sum, size) => sum + size, 0)
    if (total > this.#task.limits.outputBytes + MOST_STREAM_BYTES) throw new FrameFault('a result beyond its limits')
    if (!outputs.every(isSafePath)) throw new FrameFault('an output with a name that leaves its folder')
    this.#end = ended
    const paths = ['stdout', 'stderr', ...outputs]
    this.#receiver = new ContentReceiver(
      sizes,
      paths.map((path, i) => this.#handlers.openSink({ path, size: sizes[i]! })),
    )
  }

  async #take(parts: readonly Uint8Array[]): Promise<void> {
    const receiver = this.#receiver
    if (!this.#end || !receiver) throw new FrameFault('content without a result')
    for (const part of parts) await receiver.push(part)
    if (!receiver.isWhole) return
    const { ending, exit, fuel, cpuMs, peakMemoryBytes, isReusable, outputs } = this.#end
    this.#settle.resolve({ ending, exit, fuel, cpuMs, peakMemoryBytes, isReusable, outputs })
  }
}

/** Of the process and its compiler, beside what the task itself may hold. */
const OWN_BYTES = 256 * 1024 * 1024

/**
 * Its linear memory; its files, in memory too, and once more while they are handed over; its newest checkpoint, and the next
 * one on its way to it; its program and inputs.
 */
function roomOf({ program, stdin, files, limits }: ChildTask): number {
  const given = [program, ...(stdin ? [stdin] : []), ...files.map(([, content]) => content)]
  const givenBytes = given.reduce((sum, { size }) => sum + size, 0)
  return OWN_BYTES + limits.memoryBytes + 2 * (limits.diskBytes + limits.stateBytes + givenBytes)
}

/** Set before it starts threads, so that all of them have it. */
function beNice(pid: number, nice: number): void {
  if (pid === 0 || nice === 0) return
  try {
    setPriority(pid, nice)
  } catch {
    // Not allowed here, or it has ended already. It is a courtesy.
  }
}

function isSafePath(path: string): boolean {
  const isPlain = path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  return isPlain && safeName(path) === path
}

async function bytesOf(content: Content): Promise<Uint8Array> {
  return 'bytes' in content ? content.bytes : readFile(content.file)
}

function piecesOfContent(content: Content): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if ('bytes' in content) return piecesOf(content.bytes)
  return createReadStream(content.file, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>
}
