import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { OverviewView } from '@fog/contract'
import { countOf, formatBytes, formatCount, formatNumber, formatTokens, percentOf } from '../../format/format.ts'
import { NodeState } from '../../parts/badge.tsx'
import { Figure } from '../../parts/card.tsx'
import { UsageBar } from '../../parts/progress.tsx'

const UP = ['online', 'throttled']

/** Devices, cores, memory and money, each as one figure. */
export function Glance({ overview }: { overview: OverviewView }) {
  const { nodes, cores, memoryBytes, available, onHold } = overview
  const states = Object.entries(nodes).filter(([state, count]) => count > 0 && state !== 'retired')
  const all = states.reduce((sum, [, count]) => sum + count, 0)
  const up = states.reduce((sum, [state, count]) => (UP.includes(state) ? sum + count : sum), 0)
  return (
    <div className="grid grid-cols-2 gap-3 md:gap-4 xl:grid-cols-4">
      <Tile>
        <dl>
          <Figure name="Nodes taking work" value={formatCount(up)} unit={`of ${formatCount(all)}`} />
        </dl>
        <ul aria-label="Nodes by state" className="mt-2.5 flex flex-wrap gap-1.5">
          {states.map(([state, count]) => (
            <li key={state} className="flex items-center gap-1">
              <NodeState state={state} text={`${formatCount(count)} ${state}`} />
            </li>
          ))}
          {states.length === 0 && (
            <li className="text-[0.8125rem] text-faint">
              <Link to="/nodes" search={{ add: true }} className="font-medium text-accent underline underline-offset-2">
                Add a device
              </Link>
            </li>
          )}
        </ul>
      </Tile>
      <Tile>
        <Usage
          name="Cores reserved"
          value={formatNumber(cores.reserved)}
          unit={`of ${formatNumber(cores.capacity)}`}
          part={cores.reserved}
          whole={cores.capacity}
          text={`${formatNumber(cores.reserved)} of ${countOf(cores.capacity, 'core')} reserved`}
        />
      </Tile>
      <Tile>
        <Usage
          name="Memory reserved"
          value={formatBytes(memoryBytes.reserved)}
          unit={`of ${formatBytes(memoryBytes.capacity)}`}
          part={memoryBytes.reserved}
          whole={memoryBytes.capacity}
          text={`${formatBytes(memoryBytes.reserved)} of ${formatBytes(memoryBytes.capacity)} reserved`}
        />
      </Tile>
      <Tile>
        <dl>
          <Figure
            name="Your balance"
            value={formatTokens(available)}
            unit="tokens"
            note={`${formatTokens(onHold)} on hold for running jobs`}
          />
        </dl>
      </Tile>
    </div>
  )
}

function Tile({ children }: { children: ReactNode }) {
  return <div className="min-w-0 rounded-2xl border border-line bg-surface p-3.5 shadow-card sm:p-4">{children}</div>
}

interface UsageProps {
  readonly name: string
  readonly value: string
  readonly unit: string
  readonly part: number
  readonly whole: number
  readonly text: string
}

function Usage({ name, value, unit, part, whole, text }: UsageProps) {
  return (
    <>
      <dl>
        <Figure name={name} value={value} unit={unit} />
      </dl>
      <div className="mt-3">
        <UsageBar part={part} whole={whole} label={name} text={text} />
        <span className="figures mt-1.5 block text-[0.8125rem] text-faint">
          {whole > 0 ? `${formatNumber(percentOf(part, whole))} %` : 'No capacity yet'}
        </span>
      </div>
    </>
  )
}
