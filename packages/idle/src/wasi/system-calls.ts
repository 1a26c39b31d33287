import { type WasiContext, Exit } from './context.ts'
import { ERRNO, refuse } from './errno.ts'
import type { TaskClock } from './task-clock.ts'

/** Arguments, environment, clocks, chance, the process itself, and sockets, which are not offered. */
export function systemCalls(context: WasiContext) {
  const { memory, clock, rng, args, env, descriptors } = context
  return {
    args_get: (pointers: number, buffer: number) => writeTexts(context, args, pointers, buffer),
    args_sizes_get: (count: number, size: number) => writeSizes(context, args, count, size),
    environ_get: (pointers: number, buffer: number) => writeTexts(context, env, pointers, buffer),
    environ_sizes_get: (count: number, size: number) => writeSizes(context, env, count, size),
    clock_res_get(id: number, into: number) {
      readClock(clock, id)
      memory.setU64(into, 1n)
    },
    clock_time_get(id: number, _precision: bigint, into: number) {
      memory.setU64(into, readClock(clock, id))
    },
    random_get(buffer: number, length: number) {
      memory.check(buffer, length >>> 0)
      context.charge((length >>> 0) * RANDOM_COST)
      for (let at = 0; at < length >>> 0; at += RANDOM_PIECE_BYTES) {
        memory.setBytes((buffer >>> 0) + at, rng.bytes(Math.min(RANDOM_PIECE_BYTES, (length >>> 0) - at)))
      }
    },
    proc_exit(code: number): void {
      throw new Exit(code >>> 0)
    },
    proc_raise(signal: number) {
      if (signal < 0 || signal > LAST_SIGNAL) refuse(ERRNO.inval)
      if (IGNORED_SIGNALS.has(signal)) return
      throw new Exit(128 + signal)
    },
    sched_yield() {
      // One task, one thread: nobody to yield to.
    },
    sock_accept: (fd: number, _flags: number, _into: number) => noSockets(descriptors.get(fd)),
    sock_recv: (fd: number, _vectors: number, _count: number, _flags: number, _read: number, _out: number) =>
      noSockets(descriptors.get(fd)),
    sock_send: (fd: number, _vectors: number, _count: number, _flags: number, _sent: number) =>
      noSockets(descriptors.get(fd)),
    sock_shutdown: (fd: number, _how: number) => noSockets(descriptors.get(fd)),
  }
}

const RANDOM_PIECE_BYTES = 64 * 1024
/** Making a byte of chance takes about 40 ns; copying as many bytes as this burns as much fuel. */
const RANDOM_COST = 5000

/** Of the witx `signal`: none, and those that by default end nothing (chld, cont, urg, winch). */
const IGNORED_SIGNALS = new Set([0, 16, 17, 22, 27])
const LAST_SIGNAL = 30

export function readClock(clock: TaskClock, id: number): bigint {
  switch (id) {
    case 0:
      return BigInt.asUintN(64, clock.realtimeNs())
    case 1:
      return BigInt.asUintN(64, clock.monotonicNs())
    case 2:
    case 3:
      return BigInt.asUintN(64, clock.cpuNs())
    default:
      return refuse(ERRNO.inval)
  }
}

function writeSizes({ memory }: WasiContext, texts: readonly Uint8Array[], count: number, size: number): void {
  memory.check(size, 4)
  memory.setU32(count, texts.length)
  memory.setU32(
    size,
    texts.reduce((sum, text) => sum + text.length, 0),
  )
}

function writeTexts({ memory }: WasiContext, texts: readonly Uint8Array[], pointers: number, buffer: number): void {
  let at = buffer >>> 0
  texts.forEach((text, i) => {
    memory.setU32((pointers >>> 0) + 4 * i, at)
    memory.setBytes(at, text)
    at += text.length
  })
}

function noSockets(_open: unknown): never {
  return refuse(ERRNO.notsup)
}
