import { parentPort } from 'node:worker_threads'
import { assert } from '@fog/kernel'
import { monotonicMs } from '@fog/kernel/node'
import { planFront } from '@fog/scheduler/placement'
import type { FrontOrder, FrontReply } from './front-planner.ts'

/** Searches for one request after the other, away from the thread that places jobs and serves people. */
const port = parentPort
assert(port, 'a front is searched for in a worker thread')
port.on('message', ({ number, request, deadlineMs, seed }: FrontOrder) => {
  const answer = planFront(request, { clock: { now: monotonicMs }, deadlineMs, seed })
  const reply: FrontReply = { number, answer }
  port.postMessage(reply, [...new Set(answer.points.map(({ nodeOf }) => nodeOf.buffer))] as ArrayBuffer[])
})
