import type { NodeView } from '@fog/contract'

export type Duty = 'active' | 'draining' | 'quarantined' | 'retired'

export interface DutyChange {
  readonly duty: Duty
  readonly text: string
  /** What it means, asked before it is done; undefined where it does no harm. */
  readonly asks: string | undefined
}

const DRAIN: DutyChange = {
  duty: 'draining',
  text: 'Drain',
  asks: 'It finishes what it runs and takes nothing new. You can resume it at any time.',
}
const RESUME: DutyChange = { duty: 'active', text: 'Resume', asks: undefined }
const QUARANTINE: DutyChange = {
  duty: 'quarantined',
  text: 'Quarantine',
  asks: 'It gets no work until somebody resumes it. Use it when you doubt its results.',
}
const RETIRE: DutyChange = {
  duty: 'retired',
  text: 'Retire',
  asks: 'It leaves the fog for good: what it runs goes back to the queue, and to come back it must join anew.',
}

/** What an operator may do with a node in this state, the mildest first. */
export function dutiesFor(state: NodeView['state']): readonly DutyChange[] {
  switch (state) {
    case 'retired':
      return []
    case 'draining':
      return [RESUME, QUARANTINE, RETIRE]
    case 'quarantined':
      return [RESUME, RETIRE]
    default:
      return [DRAIN, QUARANTINE, RETIRE]
  }
}
