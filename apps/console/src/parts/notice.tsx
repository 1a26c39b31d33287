import { CircleAlert, CloudOff, Info, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { Unreachable } from '@fog/contract'
import { messageOf } from '../session/session.ts'
import { Button } from './button.tsx'
import { classes } from './classes.ts'

const KINDS = {
  info: { icon: Info, look: 'border-line bg-sunken text-soft' },
  warn: { icon: TriangleAlert, look: 'border-warn/25 bg-warn-tint text-warn' },
  bad: { icon: CircleAlert, look: 'border-bad/25 bg-bad-tint text-bad' },
}

interface NoticeProps {
  readonly kind?: keyof typeof KINDS
  readonly children: ReactNode
  readonly action?: ReactNode
}

/** A sentence that matters, with what to do about it. */
export function Notice({ kind = 'info', children, action }: NoticeProps) {
  const { icon: Icon, look } = KINDS[kind]
  return (
    <div
      role={kind === 'bad' ? 'alert' : undefined}
      className={classes('flex items-start gap-2.5 rounded-xl border px-3.5 py-2.5 text-sm', look)}
    >
      <Icon size={16} aria-hidden="true" className="mt-0.5 shrink-0" />
      <div className="min-w-0 flex-1">{children}</div>
      {action}
    </div>
  )
}

/** Why something could not be shown or done: the server's own sentence. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  if (error instanceof Unreachable) return <Offline retry={retry} />
  return (
    <Notice kind="bad" action={retry && <Retry retry={retry} />}>
      {messageOf(error)}
    </Notice>
  )
}

function Offline({ retry }: { retry: (() => void) | undefined }) {
  return (
    <div
      role="alert"
      className="flex items-start gap-2.5 rounded-xl border border-warn/25 bg-warn-tint px-3.5 py-2.5 text-sm text-warn"
    >
      <CloudOff size={16} aria-hidden="true" className="mt-0.5 shrink-0" />
      <p className="min-w-0 flex-1">{messageOf(new Unreachable())}</p>
      {retry && <Retry retry={retry} />}
    </div>
  )
}

function Retry({ retry }: { retry: () => void }) {
  return (
    <Button size="small" onClick={retry}>
      Try again
    </Button>
  )
}

/** What stands where there is nothing yet, and how to change that. */
export function Empty({
  icon,
  title,
  children,
  action,
}: {
  icon: ReactNode
  title: string
  children?: ReactNode
  action?: ReactNode
}) {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-12 text-center">
      <div aria-hidden="true" className="mb-1 flex size-12 items-center justify-center rounded-2xl bg-tint text-accent">
        {icon}
      </div>
      <p className="font-semibold">{title}</p>
      {children && <div className="max-w-md text-sm text-soft">{children}</div>}
      {action && <div className="mt-3 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  )
}

/** Grey bars where lines will be; said once to a screen reader. */
export function Loading({ lines = 4, label = 'Loading' }: { lines?: number; label?: string }) {
  return (
    <div role="status" aria-label={label} className="animate-breathe space-y-3 px-4 py-4 sm:px-5">
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} className={classes('h-4 rounded bg-sunken', line % 3 === 2 ? 'w-2/3' : 'w-full')} />
      ))}
    </div>
  )
}
