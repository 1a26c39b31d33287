import { type Static, Type } from 'typebox'
import { BlobRef, Bytes, Digest, Fuel, id, strict, Timestamp } from './schemas.ts'

/** What the API shows of tasks, of the attempts at them and of what came of them. */

export const TaskStatus = Type.Union([
  Type.Literal('queued'),
  Type.Literal('running'),
  Type.Literal('done'),
  Type.Literal('failed'),
  Type.Literal('cancelled'),
])

export const FailureView = strict({
  reason: Type.String(),
  detail: Type.String(),
  sentence: Type.String({ description: 'What happened and what to do' }),
})

/** Which step of its job a task is of, and its place there. */
export const TaskStepView = strict({
  name: Type.String(),
  index: Type.Integer(),
  tasks: Type.Integer({ description: 'How many the step has' }),
})

/** How far an attempt came, as it left it in `/state`. */
export const CheckpointView = strict({
  at: Timestamp,
  bytes: Bytes,
  fuel: Fuel,
})

export const TaskView = strict({
  taskId: id('task'),
  jobId: id('job'),
  index: Type.Integer(),
  item: Type.String(),
  step: Type.Optional(TaskStepView),
  waitsFor: Type.Optional(Type.Integer({ description: 'Steps it still waits for, while it is queued' })),
  status: TaskStatus,
  attempts: Type.Integer(),
  nodeId: Type.Optional(id('node')),
  nodeName: Type.Optional(Type.String()),
  queuedAt: Timestamp,
  startedAt: Type.Optional(Timestamp),
  finishedAt: Type.Optional(Timestamp),
  failure: Type.Optional(FailureView),
  /** What the attempt at work, or the accepted one, began from. */
  resumedFrom: Type.Optional(CheckpointView),
  /** The newest checkpoint of the attempt at work. */
  checkpoint: Type.Optional(CheckpointView),
})
export type TaskView = Static<typeof TaskView>

export const OutputFileView = strict({ path: Type.String(), digest: Digest, size: Bytes })

export const AttemptView = strict({
  attemptId: id('attempt'),
  taskId: id('task'),
  nodeId: id('node'),
  nodeName: Type.String(),
  fence: Type.Integer(),
  status: Type.Union([
    Type.Literal('leased'),
    Type.Literal('running'),
    Type.Literal('reported'),
    Type.Literal('lost'),
    Type.Literal('returned'),
    Type.Literal('cancelled'),
    Type.Literal('preempted'),
  ]),
  accepted: Type.Boolean(),
  leasedAt: Timestamp,
  startedAt: Type.Optional(Timestamp),
  endedAt: Type.Optional(Timestamp),
  fuel: Type.Optional(Fuel),
  cpuMs: Type.Optional(Type.Number()),
  wallMs: Type.Optional(Type.Number()),
  peakMemoryBytes: Type.Optional(Bytes),
  exitCode: Type.Optional(Type.Integer()),
  digest: Type.Optional(Digest),
  signature: Type.Optional(Type.String()),
  note: Type.Optional(Type.String()),
  /** The checkpoint it began from; its fuel is that of everybody before. */
  resumedFrom: Type.Optional(strict({ ...CheckpointView.properties, attemptId: id('attempt') })),
  /** The newest checkpoint of its own. */
  checkpoint: Type.Optional(CheckpointView),
})
export type AttemptView = Static<typeof AttemptView>

export const TaskDetailView = strict({
  task: TaskView,
  attempts: Type.Array(AttemptView),
  result: Type.Optional(
    strict({
      exitCode: Type.Optional(Type.Integer()),
      stdout: BlobRef,
      stderr: BlobRef,
      outputs: Type.Array(OutputFileView),
    }),
  ),
})
export type TaskDetailView = Static<typeof TaskDetailView>

/** One task's result, as `fog get` fetches it. */
export const TaskResultView = strict({
  taskId: id('task'),
  index: Type.Integer(),
  item: Type.String(),
  step: Type.Optional(TaskStepView),
  exitCode: Type.Optional(Type.Integer()),
  stdout: BlobRef,
  stderr: BlobRef,
  outputs: Type.Array(OutputFileView),
})
export type TaskResultView = Static<typeof TaskResultView>
