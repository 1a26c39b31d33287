import { type Static, Type } from 'typebox'
import { id, strict } from './schemas.ts'

/** Every type of event on the feed, with what `data` holds. Past tense; ids stand in the event itself. */
export const EVENT_TYPES = {
  'job.queued': 'name, tasks',
  'job.started': '',
  'job.succeeded': 'done, failed',
  'job.failed': 'done, failed, reason',
  'job.cancelled': '',
  'job.settled': 'cost, returned, and credit where there is any',
  'job.credited': 'paid, owed; what came back for promises that were not kept',
  'step.done': 'step, tasks; every task of a step is done',
  'step.failed': 'step, tasks, reason; so many tasks failed with one they needed',
  'task.placed': 'index, fence',
  'task.started': 'index',
  'task.checkpointed': 'index, bytes; at most once a minute for each task',
  'task.done': 'index',
  'task.failed': 'index, reason',
  'task.requeued': 'index, why',
  'task.yielding': 'index, why; it was asked to make room and may keep its state first',
  'task.preempted': 'index, why; it waits again',
  'task.promise_broken': 'index, promise (queue_wait, restart, run_stretch), measured, bound',
  'task.cancelled': 'index',
  'task.logged': '',
  'node.enrolled': 'name',
  'node.connected': 'name',
  'node.state_changed': 'name, state, reason',
  'mixnet.consensus_published': 'epoch, nodes; what the network holds for an epoch was agreed on',
  'mixnet.node_listed': 'epoch, identityKey, operator, place; it was not in the consensus before',
  'mixnet.node_unlisted': 'epoch, identityKey, operator; it is no longer in the consensus',
  'mixnet.node_admitted': 'identityKey, name, operator; an account registered it, or it joined by a token',
  'mixnet.node_revoked': 'identityKey, name, operator; it is refused from now on',
  'mixnet.evidence_found': 'epoch, kind, culprit; one key signed two things that contradict each other',
  'schedule.submitted': 'scheduleId, name',
  'schedule.refused': 'scheduleId, name, reason; its job was not taken',
  'schedule.overlapped': 'scheduleId, name, reason; the job before is not over',
  'schedule.missed': 'scheduleId, name, reason; nobody was there to submit',
  'account.changed': 'available, onHold; after a grant',
  /** Said by the feed itself: everything that happens from now on will be told. */
  'feed.ready': '',
  /** Said by the feed itself: the newer token counts. */
  'feed.renewed': '',
  /** Said by the feed itself, last: why it ends. Follow again with the last cursor. */
  'feed.cut': 'reason',
} as const
export type EventType = keyof typeof EVENT_TYPES

/** The first message on the event socket. */
export const FeedHello = strict({
  type: Type.Literal('auth'),
  token: Type.String({ maxLength: 4096 }),
  after: Type.Optional(Type.String({ maxLength: 100 })),
  jobId: Type.Optional(id('job')),
})
export type FeedHello = Static<typeof FeedHello>
