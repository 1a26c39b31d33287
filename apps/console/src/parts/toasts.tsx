import { Toast } from '@base-ui/react/toast'
import { X } from 'lucide-react'
import { type ReactNode, useCallback } from 'react'
import { messageOf } from '../session/session.ts'
import { classes } from './classes.ts'

const EDGES: Readonly<Record<string, string>> = {
  good: 'border-l-bar-good',
  bad: 'border-l-bar-bad',
  info: 'border-l-bar-run',
}

/** Short messages in a corner, read out politely, gone by themselves. */
export function Toasts({ children }: { children: ReactNode }) {
  return (
    <Toast.Provider timeout={6000} limit={4}>
      {children}
      <Toast.Portal>
        <Toast.Viewport className="fixed right-3 bottom-20 left-3 z-60 flex flex-col gap-2 sm:left-auto sm:w-88 md:right-5 md:bottom-5">
          <List />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  )
}

function List() {
  const { toasts } = Toast.useToastManager()
  return toasts.map((toast) => (
    <Toast.Root
      key={toast.id}
      toast={toast}
      className={classes(
        'rounded-xl border border-l-4 border-line bg-surface shadow-float transition duration-200 data-ending-style:opacity-0 data-limited:hidden data-starting-style:translate-y-2 data-starting-style:opacity-0',
        EDGES[toast.type ?? 'info'],
      )}
    >
      <Toast.Content className="flex items-start gap-3 py-2.5 pr-2 pl-3.5">
        <div className="min-w-0 flex-1 text-sm">
          <Toast.Title className="font-medium" render={<p />} />
          <Toast.Description className="text-soft" />
        </div>
        <Toast.Close
          aria-label="Close message"
          className="inline-flex size-7 shrink-0 items-center justify-center rounded-md text-faint hover:bg-sunken hover:text-ink"
        >
          <X size={15} aria-hidden="true" />
        </Toast.Close>
      </Toast.Content>
    </Toast.Root>
  ))
}

export interface Say {
  (kind: 'good' | 'bad' | 'info', title: string, description?: ReactNode): void
}

/** Says something in a toast. */
export function useSay(): Say {
  const { add } = Toast.useToastManager()
  return useCallback<Say>(
    (kind, title, description) =>
      void add({ title, description, type: kind, priority: kind === 'bad' ? 'high' : 'low' }),
    [add],
  )
}

/** Says what went wrong, in the server's words. */
export function useSayFailure(): (error: unknown) => void {
  const say = useSay()
  return useCallback((error) => say('bad', 'That did not work', messageOf(error)), [say])
}
