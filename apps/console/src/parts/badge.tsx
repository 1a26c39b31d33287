import type { ReactNode } from 'react'
import { classes } from './classes.ts'

export type Tone = 'idle' | 'run' | 'good' | 'warn' | 'bad' | 'accent'

const TONES: Record<Tone, string> = {
  idle: 'bg-sunken text-soft',
  run: 'bg-run-tint text-run',
  good: 'bg-good-tint text-good',
  warn: 'bg-warn-tint text-warn',
  bad: 'bg-bad-tint text-bad',
  accent: 'bg-tint text-accent',
}
const DOTS: Record<Tone, string> = {
  idle: 'bg-bar-idle',
  run: 'bg-bar-run',
  good: 'bg-bar-good',
  warn: 'bg-bar-warn',
  bad: 'bg-bar-bad',
  accent: 'bg-accent',
}

/** A word in a coloured pill. The word says it all; the colour only helps the eye. */
export function Badge({ tone = 'idle', children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span
      className={classes(
        'inline-flex items-center gap-1.5 rounded-full px-2 py-0.5 text-xs font-medium whitespace-nowrap',
        TONES[tone],
      )}
    >
      {children}
    </span>
  )
}

/** A state: dot and word. `live` lets the dot breathe. */
export function State({ tone, live = false, children }: { tone: Tone; live?: boolean; children: ReactNode }) {
  return (
    <Badge tone={tone}>
      <span aria-hidden="true" className={classes('size-1.5 rounded-full', DOTS[tone], live && 'animate-breathe')} />
      {children}
    </Badge>
  )
}

const JOB_TONES: Readonly<Record<string, Tone>> = {
  queued: 'idle',
  running: 'run',
  succeeded: 'good',
  done: 'good',
  failed: 'bad',
  cancelled: 'warn',
}

/** The state of a job or of a task. */
export function WorkState({ status }: { status: string }) {
  return (
    <State tone={JOB_TONES[status] ?? 'idle'} live={status === 'running'}>
      {status}
    </State>
  )
}

const NODE_TONES: Readonly<Record<string, Tone>> = {
  online: 'good',
  throttled: 'run',
  suspended: 'warn',
  suspect: 'warn',
  unreachable: 'bad',
  lost: 'bad',
  draining: 'warn',
  quarantined: 'bad',
  retired: 'idle',
}

function nodeTone(state: string): Tone {
  return NODE_TONES[state] ?? 'idle'
}

/** The state of a node; `text` says it in other words, as `3 online`. */
export function NodeState({ state, text = state }: { state: string; text?: string }) {
  return <State tone={nodeTone(state)}>{text}</State>
}
