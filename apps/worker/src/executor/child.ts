import { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { flushCompileCache } from 'node:module'
import { assert } from '@fog/kernel'
import { ContentReceiver, MemorySink, piecesOf } from './contents.ts'
import { FrameSocket } from './frame-socket.ts'
import { LogTape } from './log-tape.ts'
import {
  BEAT_MS,
  type EndedMessage,
  type FromChild,
  INLINE_CONTENT_BYTES,
  type RunMessage,
  type ToChild,
} from './protocol.ts'
import { StateKeeper } from './state-keeper.ts'
import type { PostedState } from './state-post.ts'
import type { ThreadResult, ThreadTask } from './thread.ts'

/**
 * A child process of the worker: runs one task at a time, its program on a thread of its own, and says that it lives
 * whatever the program does. It has no way to anything but its socket to the worker, and ends with it.
 */

/** Printed live in one run, at most; the rest comes with the result. */
const TAPE_BYTES = 1024 * 1024
/** How often printed text is looked for. */
const LOG_MS = 40
/** The same on every device, so that a program which recurses too deep does so everywhere. */
const STACK_MIB = 4
/** For our own objects: the contents of files lie outside. */
const HEAP_MIB = 512
const SOCKET_FD = 3

const socket = new FrameSocket<FromChild>(new Socket({ fd: SOCKET_FD, readable: true, writable: true }))
const tape = LogTape.ofLength(TAPE_BYTES)
const state = new StateKeeper(socket)
const thread = new Worker(new URL(import.meta.url.replace(/child\.(ts|mjs)$/, 'thread.$1')), {
  workerData: { tape: tape.memory, taken: state.memory },
  resourceLimits: { stackSizeMb: STACK_MIB, maxOldGenerationSizeMb: HEAP_MIB },
})

async function main(): Promise<void> {
  await threadReady()
  // Only the run that fills the cache may write to it; elsewhere this does nothing.
  flushCompileCache()
  await socket.send({ type: 'ready' })
  let coming: Coming | undefined
  for await (const { message, parts } of socket.frames()) {
    // The worker is trusted: what it sends is not checked again.
    const told = message as ToChild
    if (told.type === 'take-state') {
      const { run: asked } = state
      void inTurn(() => state.give(told.since, asked)).catch(giveUp)
      continue
    }
    if (told.type === 'run') coming = new Coming(told)
    for (const part of parts) await coming?.receiver.push(part)
    if (!coming?.receiver.isWhole) continue
    // Not awaited: reading on is how the end of the worker is noticed.
    void runAndTell(coming.task())
    coming = undefined
  }
}

async function runAndTell(task: ThreadTask): Promise<void> {
  try {
    const ended = await run(task)
    await inTurn(() => finish(ended))
  } catch (fault) {
    giveUp(fault)
  }
}

/** The worker sees the child end, and its last words on stderr. */
function giveUp(fault: unknown): never {
  console.error(fault)
  process.exit(1)
}

let lastSent: Promise<void> = Promise.resolve()

/** A message and its pieces are not to be mixed with another's. */
function inTurn(send: () => Promise<void>): Promise<void> {
  lastSent = lastSent.then(send)
  return lastSent
}

/** A task whose contents are still coming. */
class Coming {
  readonly receiver: ContentReceiver
  readonly #run: RunMessage
  readonly #sinks: readonly MemorySink[]

  constructor(run: RunMessage) {
    this.#run = run
    this.#sinks = run.sizes.map((size) => new MemorySink(size))
    this.receiver = new ContentReceiver(run.sizes, this.#sinks)
  }

  task(): ThreadTask {
    return { run: this.#run, contents: this.#sinks.map(({ bytes }) => bytes) }
  }
}

async function run(task: ThreadTask): Promise<EndedRun> {
  const meter = new Meter()
  tape.clear()
  state.begin()
  const log = new LogSender()
  const beats = setInterval(() => void socket.send({ type: 'beat', ...meter.read() }), BEAT_MS)
  const logs = setInterval(() => {
    void log.send()
    void state.tell()
  }, LOG_MS)
  try {
    const result = await inThread(task)
    await log.send()
    return { ...result, cpuMs: meter.read().cpuMs }
  } finally {
    clearInterval(beats)
    clearInterval(logs)
  }
}

type EndedRun = ThreadResult & { readonly cpuMs: number }

function inThread(task: ThreadTask): Promise<ThreadResult> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void) => {
      thread.off('message', done).off('error', failed)
      then()
    }
    const done = (said: ThreadResult | PostedState) => {
      if ('type' in said) state.take(said)
      else settle(() => resolve(said))
    }
    const failed = (fault: Error) => settle(() => (isOutOfHeap(fault) ? resolve(OUT_OF_HEAP) : reject(fault)))
    thread.on('message', done).on('error', failed)
    thread.postMessage(task, task.contents.map(({ buffer }) => buffer) as ArrayBuffer[])
  })
}

/** Our own objects for its files outgrew the heap; the thread is gone, and this child ends after telling. */
const OUT_OF_HEAP: ThreadResult = {
  ending: { status: 'memory_exceeded' },
  exit: 'memory_exceeded',
  fuel: '0',
  peakMemoryBytes: 0,
  stdout: new Uint8Array(),
  stderr: new Uint8Array(),
  outputs: [],
}

function isOutOfHeap(fault: Error): boolean {
  return (fault as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY'
}

async function finish(result: EndedRun): Promise<void> {
  state.end()
  const { ending, exit, fuel, cpuMs, peakMemoryBytes, stdout, stderr, outputs } = result
  const contents = [stdout, stderr, ...outputs.map(([, bytes]) => bytes)]
  const sizes = contents.map(({ length }) => length)
  const paths = outputs.map(([path]) => path)
  const isReusable = thread.threadId > 0
  const ended: EndedMessage = {
    type: 'ended',
    ending,
    exit,
    fuel,
    cpuMs,
    peakMemoryBytes,
    isReusable,
    outputs: paths,
    sizes,
  }
  if (sizes.reduce((sum, size) => sum + size, 0) <= INLINE_CONTENT_BYTES) return socket.send(ended, contents)
  await socket.send(ended)
  for (const content of contents) {
    for (const piece of piecesOf(content)) await socket.send({ type: 'piece' }, [piece])
  }
}

/** Sends what was printed since the last time. */
class LogSender {
  #next = 0
  #saidFull = false

  async send(): Promise<void> {
    const { entries, next } = tape.read(this.#next)
    this.#next = next
    for (const { stream, parts } of entries) await socket.send({ type: 'log', stream }, [Buffer.concat(parts)])
    if (!tape.isFull || this.#saidFull) return
    this.#saidFull = true
    await socket.send({ type: 'log-full' })
  }
}

/**
 * What this run used: processor time of all threads of this process, so the compiler's and the collector's too, and how
 * far the peak of its memory grew.
 */
class Meter {
  readonly #cpu = process.cpuUsage()
  readonly #rss = process.resourceUsage().maxRSS

  read(): { cpuMs: number; rssPeakBytes: number } {
    const { user, system } = process.cpuUsage(this.#cpu)
    return { cpuMs: (user + system) / 1000, rssPeakBytes: (process.resourceUsage().maxRSS - this.#rss) * 1024 }
  }
}

function threadReady(): Promise<void> {
  return new Promise((resolve, reject) => thread.once('message', () => resolve()).once('error', reject))
}

assert(process.send === undefined, 'a child speaks over its socket only')
await main()
// The socket closed: the worker is gone, or wants this child gone. A computing thread must not keep it alive.
process.kill(process.pid, 'SIGKILL')
