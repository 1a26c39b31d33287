import { ChevronsUpDown } from 'lucide-react'
import type { MeView } from '@fog/contract'

/** Who is logged in: what the menu's button shows, and what stands there until the menu is loaded. */
export function PersonFace({ me, small = false }: { me: MeView | undefined; small?: boolean }) {
  const initial = (
    <span
      aria-hidden="true"
      className="flex size-8 shrink-0 items-center justify-center rounded-full bg-tint text-sm font-semibold text-accent uppercase"
    >
      {me?.name.charAt(0)}
    </span>
  )
  if (small) return initial
  return (
    <span className="flex w-full items-center gap-2.5">
      {initial}
      <span className="min-w-0 flex-1">
        <span className="sr-only">Menu of </span>
        <span className="block truncate text-sm font-medium">{me?.name ?? '…'}</span>
        <span className="block text-xs text-faint">{me?.role}</span>
      </span>
      <ChevronsUpDown size={14} aria-hidden="true" className="text-faint" />
    </span>
  )
}
