import { Tabs } from '@base-ui/react/tabs'
import type { ReactNode } from 'react'

export interface TabPart {
  readonly value: string
  readonly label: string
  /** A figure next to the label. */
  readonly count?: string | undefined
  readonly content: ReactNode
}

/** Parts of a page, one shown at a time. */
export function TabbedParts({
  tabs,
  value,
  onChange,
  label,
}: {
  tabs: readonly TabPart[]
  value: string
  onChange: (value: string) => void
  label: string
}) {
  // An address may name a part that is not there.
  const shown = tabs.some((tab) => tab.value === value) ? value : tabs[0]?.value
  return (
    <Tabs.Root value={shown} onValueChange={(next: unknown) => onChange(String(next))}>
      <div className="-mx-4 overflow-x-auto px-4 sm:-mx-0 sm:px-0">
        <Tabs.List aria-label={label} className="relative flex min-w-max gap-1 border-b border-line">
          {tabs.map((tab) => (
            <Tabs.Tab
              key={tab.value}
              value={tab.value}
              className="inline-flex h-10 items-center gap-1.5 px-3 text-sm font-medium whitespace-nowrap text-soft transition-colors hover:text-ink focus-visible:-outline-offset-2 data-active:text-accent"
            >
              {tab.label}
              {tab.count !== undefined && <span className="figures text-xs font-normal text-faint">{tab.count}</span>}
            </Tabs.Tab>
          ))}
          <Tabs.Indicator className="absolute bottom-[-1px] left-0 h-0.5 w-(--active-tab-width) translate-x-(--active-tab-left) rounded-full bg-accent transition-all duration-200 ease-out" />
        </Tabs.List>
      </div>
      {tabs.map((tab) => (
        <Tabs.Panel key={tab.value} value={tab.value} className="pt-4 md:pt-5">
          {tab.content}
        </Tabs.Panel>
      ))}
    </Tabs.Root>
  )
}
