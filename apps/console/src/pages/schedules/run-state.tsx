import type { ScheduleRunView } from '@fog/contract'
import { State, type Tone } from '../../parts/badge.tsx'

const OUTCOMES: Readonly<Record<ScheduleRunView['outcome'], { readonly text: string; readonly tone: Tone }>> = {
  submitted: { text: 'submitted', tone: 'good' },
  refused: { text: 'refused', tone: 'bad' },
  overlapped: { text: 'left out', tone: 'warn' },
  missed: { text: 'missed', tone: 'warn' },
}

/** What became of one instant. */
export function RunState({ outcome }: { outcome: ScheduleRunView['outcome'] }) {
  const { text, tone } = OUTCOMES[outcome]
  return <State tone={tone}>{text}</State>
}
