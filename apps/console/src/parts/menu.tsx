import { Menu } from '@base-ui/react/menu'
import type { ReactNode } from 'react'
import { classes } from './classes.ts'

export interface MenuAction {
  readonly text: string
  readonly icon?: ReactNode
  readonly onSelect: () => void
  readonly danger?: boolean
  /** Marks the one that holds now, of several. */
  readonly checked?: boolean
}

interface ActionsMenuProps {
  /** Where the trigger has no words of its own. */
  readonly label?: string | undefined
  readonly trigger: ReactNode
  readonly triggerClass: string
  readonly actions: readonly MenuAction[]
  readonly above?: ReactNode
}

/** A button that opens a short list of deeds. */
export function ActionsMenu({ label, trigger, triggerClass, actions, above }: ActionsMenuProps) {
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger aria-label={label} className={triggerClass}>
        {trigger}
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner sideOffset={6} align="end" className="z-50">
          <Menu.Popup className="min-w-48 rounded-xl border border-line bg-surface p-1 shadow-float transition duration-100 data-ending-style:opacity-0 data-starting-style:opacity-0">
            {above}
            {actions.map((action) => (
              <Menu.Item
                key={action.text}
                onClick={action.onSelect}
                className={classes(
                  'flex h-9 cursor-pointer items-center gap-2.5 rounded-lg px-2.5 text-sm outline-none select-none data-highlighted:bg-sunken',
                  action.danger ? 'text-bad' : 'text-ink',
                )}
              >
                {action.icon}
                <span className="flex-1">{action.text}</span>
                {action.checked && <span aria-hidden="true" className="size-1.5 rounded-full bg-accent" />}
                {action.checked && <span className="sr-only">(chosen)</span>}
              </Menu.Item>
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  )
}
