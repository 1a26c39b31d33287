import type { WasiContext } from './context.ts'
import type { Descriptor } from './descriptors.ts'
import { ERRNO, type Errno, refuse, Refusal } from './errno.ts'
import { readClock } from './system-calls.ts'

/** Sizes and tags of the witx `subscription` and `event`. */
const SUBSCRIPTION_BYTES = 48
const EVENT_BYTES = 32
const TAG = { clock: 0, read: 1, write: 2 } as const
const ABSOLUTE_TIME = 1
/** More than there can be descriptors; each takes memory of the host while it is looked at. */
const MOST_SUBSCRIPTIONS = 4096

type Subscription =
  | { readonly tag: typeof TAG.clock; readonly userdata: bigint; readonly waitNs: bigint; readonly errno: Errno }
  | {
      readonly tag: typeof TAG.read | typeof TAG.write
      readonly userdata: bigint
      readonly readyBytes: bigint
      readonly errno: Errno
    }

/** `poll_oneoff`: files and streams are always ready; with clocks alone it waits for the earliest. */
export function pollCall(context: WasiContext) {
  const { memory, clock } = context
  return {
    poll_oneoff(from: number, events: number, count: number, into: number) {
      const [source, target, items] = [from >>> 0, events >>> 0, count >>> 0]
      if (items === 0 || items > MOST_SUBSCRIPTIONS) refuse(ERRNO.inval)
      memory.check(source, items * SUBSCRIPTION_BYTES)
      memory.check(target, items * EVENT_BYTES)
      memory.check(into, 4)
      context.charge(items * SUBSCRIPTION_BYTES)
      const asked = Array.from({ length: items }, (_, i) => readSubscription(context, source + i * SUBSCRIPTION_BYTES))
      const waitNs = asked.some(isReady) ? 0n : earliest(asked)
      if (waitNs > 0n) clock.sleep(waitNs)
      const due = asked.filter((item) => isReady(item) || (item.tag === TAG.clock && item.waitNs <= waitNs))
      due.forEach((item, i) => writeEvent(context, target + i * EVENT_BYTES, item))
      memory.setU32(into, due.length)
    },
  }
}

function readSubscription(context: WasiContext, at: number): Subscription {
  const { memory } = context
  const userdata = memory.getU64(at)
  const tag = memory.getU8(at + 8)
  if (tag === TAG.clock) return { tag, userdata, ...readTimeout(context, at) }
  if (tag !== TAG.read && tag !== TAG.write) return refuse(ERRNO.inval)
  try {
    const readyBytes = ready(context, context.descriptors.get(memory.getU32(at + 16)))
    return { tag, userdata, readyBytes, errno: ERRNO.success }
  } catch (fault) {
    if (fault instanceof Refusal) return { tag, userdata, readyBytes: 0n, errno: fault.errno }
    throw fault
  }
}

function readTimeout({ memory, clock }: WasiContext, at: number): { waitNs: bigint; errno: Errno } {
  const id = memory.getU32(at + 16)
  const timeoutNs = memory.getU64(at + 24)
  if (id > 1) return { waitNs: 0n, errno: id > 3 ? ERRNO.inval : ERRNO.notsup }
  if (!(memory.getU16(at + 40) & ABSOLUTE_TIME)) return { waitNs: timeoutNs, errno: ERRNO.success }
  const now = readClock(clock, id)
  return { waitNs: timeoutNs > now ? timeoutNs - now : 0n, errno: ERRNO.success }
}

function ready({ stdin }: WasiContext, descriptor: Descriptor): bigint {
  if (descriptor.kind === 'file') return BigInt(Math.max(0, descriptor.node.content.size - descriptor.offset))
  if (descriptor.kind === 'directory') return refuse(ERRNO.badf)
  return descriptor.name === 'stdin' ? BigInt(stdin.bytes.length - stdin.offset) : 0n
}

function isReady(item: Subscription): boolean {
  return item.tag !== TAG.clock || item.errno !== ERRNO.success
}

function earliest(asked: readonly Subscription[]): bigint {
  let least: bigint | undefined
  for (const item of asked) {
    if (item.tag === TAG.clock && (least === undefined || item.waitNs < least)) least = item.waitNs
  }
  return least ?? 0n
}

function writeEvent({ memory }: WasiContext, at: number, item: Subscription): void {
  memory.bytes(at, EVENT_BYTES).fill(0)
  memory.setU64(at, item.userdata)
  memory.setU16(at + 8, item.errno)
  memory.setU8(at + 10, item.tag)
  if (item.tag === TAG.clock) return
  memory.setU64(at + 16, item.readyBytes)
}
