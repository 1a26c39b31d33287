import type { StepView } from '@fog/contract'

export type StepState = 'waiting' | 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

/** How a step stands, in one word. */
export function stepState({ tasks, waiting, counts }: Pick<StepView, 'tasks' | 'waiting' | 'counts'>): StepState {
  const { queued, running, done, failed } = counts
  if (running > 0) return 'running'
  if (waiting > 0 && waiting === queued && done === 0) return 'waiting'
  if (queued > 0) return done > 0 ? 'running' : 'queued'
  if (failed > 0) return 'failed'
  return done === tasks ? 'done' : 'cancelled'
}
