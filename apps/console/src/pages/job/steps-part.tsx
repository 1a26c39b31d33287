import type { StepView } from '@fog/contract'
import { countOf } from '../../format/format.ts'
import { State, type Tone } from '../../parts/badge.tsx'
import { Card } from '../../parts/card.tsx'
import { TaskBar } from '../../parts/progress.tsx'
import { stepState, type StepState } from './step-state.ts'

const TONES: Readonly<Record<StepState, Tone>> = {
  waiting: 'idle',
  queued: 'idle',
  running: 'run',
  done: 'good',
  failed: 'bad',
  cancelled: 'warn',
}

/** The steps of a job in the order they were written, each with how far it is and what it waits for. */
export function StepsPart({ steps }: { steps: readonly StepView[] }) {
  return (
    <Card>
      <h2 className="mb-3 text-[0.8125rem] font-medium text-soft">Steps</h2>
      <ol className="divide-y divide-line">
        {steps.map((step) => (
          <Step key={step.name} step={step} />
        ))}
      </ol>
    </Card>
  )
}

function Step({ step }: { step: StepView }) {
  const { name, tasks, counts, needs } = step
  const state = stepState(step)
  return (
    <li className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 py-2.5 text-sm sm:grid-cols-[minmax(0,12rem)_6.5rem_minmax(0,1fr)_auto]">
      <span className="min-w-0">
        <span className="block truncate font-medium">{name}</span>
        {needs.length > 0 && <span className="block truncate text-xs text-faint">after {needs.join(', ')}</span>}
      </span>
      <span className="justify-self-end sm:justify-self-start">
        <State tone={TONES[state]} live={state === 'running'}>
          {state}
        </State>
      </span>
      <TaskBar counts={counts} tasks={tasks} label={`Progress of step ${name}`} />
      <span className="figures text-right text-[0.8125rem] text-soft">
        {counts.done} of {countOf(tasks, 'task')}
        {counts.failed > 0 && <span className="text-bad">, {counts.failed} failed</span>}
      </span>
    </li>
  )
}
